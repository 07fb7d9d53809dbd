//! What can be asked of `highwater bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `highwater bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArguments {
    /// What is measured
    #[command(subcommand)]
    pub workload: Workload,

    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// Measure this server, which should hold no other data [default: one of its own]
    #[arg(long, global = true, value_name = "URL")]
    pub to: Option<String>,

    /// Process of that server on this machine, to measure its memory and writes too
    #[arg(long, global = true, value_name = "PID", requires = "to")]
    pub pid: Option<u32>,

    /// Folder for data folders of own servers, on the disk to measure; emptied afterwards
    #[arg(long, global = true, value_name = "DIR", default_value = "highwater-bench")]
    pub dir: PathBuf,

    /// Threads of the own server's dataflow; 0: one for each core
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub threads: usize,

    /// People whose steps are counted
    #[arg(long, global = true, value_name = "N", default_value_t = 1_000_000)]
    pub users: u64,

    /// All views of the app, not only daily_steps
    #[arg(long, global = true)]
    pub whole_app: bool,

    /// Picks the events
    #[arg(long, global = true, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

/// The measurements.
#[derive(Clone, Debug, Subcommand)]
pub enum Workload {
    /// Most events per second, from the first request until all are visible in daily_steps
    Ingest {
        /// Events of a run
        #[arg(long, default_value_t = 5_000_000)]
        events: u64,
        /// Events of a request
        #[arg(long, default_value_t = 10_000)]
        batch: u64,
        /// Connections, each with one request at a time
        #[arg(long, default_value_t = 8)]
        connections: u64,
        /// Runs, each on a fresh server; the median is told
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Time from when an event was due to be sent until it is visible, at a steady rate (open loop)
    Latency {
        /// Events per second
        #[arg(long, default_value_t = 50_000)]
        rate: u64,
        /// Events of a request
        #[arg(long, default_value_t = 50)]
        batch: u64,
        /// How long
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Time of a point lookup by user, from when it was due, while events come in at half of the most
    Lookup {
        /// Events per second meanwhile [default: half of what a short run of `ingest` gives]
        #[arg(long)]
        ingest_rate: Option<u64>,
        /// Lookups per second
        #[arg(long, default_value_t = 500)]
        rate: u64,
        /// How long
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Time of the rank of one person among all while events come in, and of the same work in a Redis sorted set
    Rank {
        /// Events per second meanwhile
        #[arg(long, default_value_t = 100_000)]
        rate: u64,
        /// Events of a request
        #[arg(long, default_value_t = 1_000)]
        batch: u64,
        /// Ranks asked for per second
        #[arg(long, default_value_t = 500)]
        asks: u64,
        /// How long
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Time to visible at a steady rate while another view is built from a long history
    Backfill {
        /// Events of the history
        #[arg(long, default_value_t = 10_000_000)]
        events: u64,
        /// Live events per second meanwhile
        #[arg(long, default_value_t = 100_000)]
        rate: u64,
        /// Events of a request
        #[arg(long, default_value_t = 500)]
        batch: u64,
    },
    /// Recomputation of daily_steps from the archive
    Recompute {
        /// Events in the archive
        #[arg(long, default_value_t = 100_000_000)]
        events: u64,
        /// Runs; the median is told
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// A program that computes the same from the archive's folder and prints the seconds it took
        #[arg(long, value_name = "PROGRAM")]
        peer: Option<PathBuf>,
    },
    /// Bytes of each group of daily_steps
    Memory,
    /// Time until the right answer after a stop and after kill -9
    Restart,
    /// The 23 queries of Nexmark, each as a materialized view that must equal its SQL evaluated as one batch
    Nexmark {
        /// Events of a query, of all kinds
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
        /// Events of a request
        #[arg(long, default_value_t = 10_000)]
        batch: u64,
        /// Let each group of so many events arrive in pseudo-random order
        #[arg(long, value_name = "N", default_value_t = 1)]
        shuffle: u64,
        /// Kill the server in the middle of each query and start it again
        #[arg(long)]
        kill: bool,
        /// Write the events as CSV files into this folder instead, for other systems to run on
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
        /// Only these: q0,q5 [default: all]
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        queries: Vec<String>,
    },
    /// Ingest, latency, lookup, memory and restart, one after the other
    All,
}
