//! Takes the measurements asked for: prepares a server for each, and cleans up.

use std::path::{Path, PathBuf};

use crate::machine::Machine;
use crate::measure::{
    BackfillPlan, IngestPlan, IngestResult, LatencyPlan, LookupPlan, Measurement, RecomputePlan, RecomputeResult,
    backfill, ingest, latency, lookup, memory, recompute, restart,
};
use crate::nexmark::{NexmarkPlan, nexmark};
use crate::rank::{RankPlan, rank};
use crate::server::{Launch, Server};
use crate::workload::{Walkers, declare};
use crate::{BenchArguments, BenchError, Report, Workload};

/// Events of the short run that finds the most when `lookup` is not told a rate.
const PROBE_EVENTS: u64 = 2_000_000;
const PROBE_BATCH: u64 = 10_000;
const PROBE_CONNECTIONS: u64 = 8;

/// Measures. `executable` is the binary whose `up` starts servers.
///
/// # Errors
/// When a server cannot be started, refuses, or gives a wrong answer.
pub async fn run(arguments: &BenchArguments, executable: &Path) -> Result<Report, BenchError> {
    let bench = Bench {
        walkers: Walkers { users: arguments.users, seed: arguments.seed },
        launch: Launch {
            executable: executable.to_owned(),
            threads: arguments.threads,
            app: arguments.whole_app.then_some("rankmysteps"),
        },
        arguments: arguments.clone(),
    };
    let workloads = match &arguments.workload {
        Workload::All => vec![
            Workload::Ingest { events: 5_000_000, batch: 10_000, connections: 8, runs: 3 },
            Workload::Latency { rate: 50_000, batch: 50, seconds: 20 },
            Workload::Lookup { ingest_rate: None, rate: 500, seconds: 20 },
            Workload::Memory,
            Workload::Restart,
        ],
        one => vec![one.clone()],
    };
    let mut measurements = Vec::new();
    for workload in &workloads {
        measurements.push(bench.measure(workload).await?);
    }
    Ok(Report { machine: Machine::here(), version: env!("CARGO_PKG_VERSION").to_owned(), measurements })
}

struct Bench {
    walkers: Walkers,
    launch: Launch,
    arguments: BenchArguments,
}

impl Bench {
    async fn measure(&self, workload: &Workload) -> Result<Measurement, BenchError> {
        match *workload {
            Workload::Nexmark { events, batch, shuffle, kill, ref write, ref queries } => {
                if self.arguments.to.is_some() {
                    return Err(BenchError::NeedsOwnServer("nexmark"));
                }
                let plan = NexmarkPlan { events, batch, shuffle, kill, write: write.clone(), queries: queries.clone() };
                nexmark(&self.launch, &self.arguments.dir, &plan).await.map(Measurement::Nexmark)
            }
            Workload::Ingest { events, batch, connections, runs } => {
                let (batch, connections) = (batch.max(1), connections.max(1));
                let plan = IngestPlan { walkers: self.walkers, events, batch, connections };
                self.median_ingest(&plan, runs.max(1)).await.map(Measurement::Ingest)
            }
            Workload::Latency { rate, batch, seconds } => {
                let plan = LatencyPlan { walkers: self.walkers, rate: rate.max(1), batch, seconds: seconds.max(1) };
                self.on_server("latency", async |server| latency(server, &plan).await).await.map(Measurement::Latency)
            }
            Workload::Lookup { ingest_rate, rate, seconds } => {
                let ingest_rate = match ingest_rate {
                    Some(rate) => rate.max(1),
                    None => self.half_of_most().await?,
                };
                let plan =
                    LookupPlan { walkers: self.walkers, ingest_rate, rate: rate.max(1), seconds: seconds.max(1) };
                self.on_server("lookup", async |server| lookup(server, &plan).await).await.map(Measurement::Lookup)
            }
            Workload::Rank { rate, batch, asks, seconds } => {
                let plan = RankPlan {
                    walkers: self.walkers,
                    rate: rate.max(1),
                    batch: batch.max(1),
                    asks: asks.max(1),
                    seconds: seconds.max(1),
                };
                self.on_server("rank", async |server| rank(server, &plan).await).await.map(Measurement::Rank)
            }
            Workload::Backfill { events, rate, batch } => {
                let plan = BackfillPlan { walkers: self.walkers, events, rate: rate.max(1), batch };
                self.on_server("backfill", async |server| backfill(server, &plan).await)
                    .await
                    .map(Measurement::Backfill)
            }
            Workload::Recompute { events, runs, ref peer } => {
                if self.arguments.to.is_some() {
                    return Err(BenchError::NeedsOwnServer("recompute"));
                }
                let plan = RecomputePlan { walkers: self.walkers, events, runs: runs.max(1), peer: peer.clone() };
                self.recompute(&plan).await.map(Measurement::Recompute)
            }
            Workload::Memory => self
                .on_server("memory", async |server| memory(server, self.walkers).await)
                .await
                .map(Measurement::Memory),
            Workload::Restart => {
                if self.arguments.to.is_some() {
                    return Err(BenchError::NeedsOwnServer("restart"));
                }
                let data = DataFolder::make(&self.arguments.dir, "restart")?;
                restart(&self.launch, data.path(), self.walkers).await.map(Measurement::Restart)
            }
            Workload::All => Err(BenchError::Gave("`all` is not one measurement".to_owned())),
        }
    }

    async fn recompute(&self, plan: &RecomputePlan) -> Result<RecomputeResult, BenchError> {
        let data = DataFolder::make(&self.arguments.dir, "recompute")?;
        let server = Server::start(&self.launch, data.path()).await?;
        declare(&server.client).await?;
        let result = recompute(&server, data.path(), plan).await?;
        server.stop().await?;
        Ok(result)
    }

    /// The run of median speed, with the speeds of all.
    async fn median_ingest(&self, plan: &IngestPlan, runs: usize) -> Result<IngestResult, BenchError> {
        let mut results: Vec<IngestResult> = Vec::new();
        for _ in 0..runs {
            results.push(self.on_server("ingest", async |server| ingest(server, plan).await).await?);
        }
        results.sort_by(|a, b| a.events_per_second.total_cmp(&b.events_per_second));
        let speeds: Vec<f64> = results.iter().map(|result| result.events_per_second).collect();
        let exact = results.iter().all(|result| result.exact);
        let mut median = results.swap_remove(results.len() / 2);
        median.runs_events_per_second = speeds;
        median.exact = exact;
        Ok(median)
    }

    async fn half_of_most(&self) -> Result<u64, BenchError> {
        let plan = IngestPlan {
            walkers: self.walkers,
            events: PROBE_EVENTS,
            batch: PROBE_BATCH,
            connections: PROBE_CONNECTIONS,
        };
        let most = self.median_ingest(&plan, 1).await?;
        Ok((most.events_per_second / 2.0) as u64)
    }

    /// Runs a measurement on the server named, or on a fresh one of its own.
    async fn on_server<T>(
        &self,
        name: &str,
        measurement: impl AsyncFnOnce(&Server) -> Result<T, BenchError>,
    ) -> Result<T, BenchError> {
        if let Some(address) = &self.arguments.to {
            let server = Server::running(address, self.arguments.pid)?;
            declare(&server.client).await?;
            return measurement(&server).await;
        }
        let data = DataFolder::make(&self.arguments.dir, name)?;
        let server = Server::start(&self.launch, data.path()).await?;
        declare(&server.client).await?;
        let result = measurement(&server).await?;
        server.stop().await?;
        Ok(result)
    }
}

/// A data folder that is removed afterwards.
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// An empty folder. One that is there already is refused: it may be somebody's data.
    pub(crate) fn make(dir: &Path, name: &str) -> Result<Self, BenchError> {
        let path = dir.join(format!("{name}-{}", std::process::id()));
        let wrong = |e| BenchError::process(format!("cannot make the folder {}", path.display()), e);
        std::fs::create_dir_all(dir).map_err(wrong)?;
        std::fs::create_dir(&path).map_err(wrong)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // What cannot be removed stays for the user to see; the folder above goes only when it is empty.
        let _ = std::fs::remove_dir_all(&self.0);
        if let Some(dir) = self.0.parent() {
            let _ = std::fs::remove_dir(dir);
        }
    }
}
