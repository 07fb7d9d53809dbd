//! What was measured, as it is printed. Units are in the names.

use serde::Serialize;

use crate::{NexmarkResult, Percentiles, RankResult, Usage};

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "workload", rename_all = "snake_case")]
pub enum Measurement {
    /// `ingest`.
    Ingest(IngestResult),
    /// `latency`.
    Latency(LatencyResult),
    /// `lookup`.
    Lookup(LookupResult),
    /// `memory`.
    Memory(MemoryResult),
    /// `restart`.
    Restart(RestartResult),
    /// `rank`.
    Rank(RankResult),
    /// `backfill`.
    Backfill(BackfillResult),
    /// `recompute`.
    Recompute(RecomputeResult),
    /// `nexmark`.
    Nexmark(NexmarkResult),
}

/// Most events per second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IngestResult {
    /// People.
    pub users: u64,
    /// Events sent.
    pub events: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Events of a request.
    pub batch: u64,
    /// Connections.
    pub connections: u64,
    /// From the first request until all events are visible.
    pub seconds: f64,
    /// Events over seconds.
    pub events_per_second: f64,
    /// Of every run, slowest first.
    pub runs_events_per_second: Vec<f64>,
    /// From a request to its acknowledgement (durable), by request.
    pub acknowledged: Percentiles,
    /// Requests that were answered 429 or broke, and were sent again.
    pub retries: u64,
    /// Whether the view's sum is exactly the sum of the events.
    pub exact: bool,
    /// What the server used.
    pub usage: Usage,
    /// Processor seconds of the server for each million events.
    pub processor_s_per_million: Option<f64>,
    /// Bytes the server wrote for each event.
    pub written_bytes_per_event: Option<f64>,
}

/// Time to visible at a steady rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencyResult {
    /// People.
    pub users: u64,
    /// Events per second asked for.
    pub events_per_second: u64,
    /// Events of a request.
    pub batch: u64,
    /// How long.
    pub seconds: f64,
    /// From when a request was due until its events are visible, by event.
    pub visible: Percentiles,
    /// Requests that failed; their events are not in the percentiles.
    pub failed_requests: u64,
    /// Most requests under way at once.
    pub most_in_flight: u64,
    /// What the server used.
    pub usage: Usage,
}

/// Time of point lookups under load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookupResult {
    /// People.
    pub users: u64,
    /// Events per second meanwhile, asked for.
    pub ingest_events_per_second: u64,
    /// Events per second meanwhile, stored.
    pub stored_events_per_second: f64,
    /// Lookups per second asked for.
    pub lookups_per_second: u64,
    /// How long.
    pub seconds: f64,
    /// `day = … AND uuid = …`, the view's whole key: from when a lookup was due.
    pub by_day_and_user: Percentiles,
    /// `uuid = …` alone.
    pub by_user: Percentiles,
    /// Lookups that failed.
    pub failed_lookups: u64,
    /// What the server used.
    pub usage: Usage,
}

/// Building a view from history beside live events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackfillResult {
    /// People.
    pub users: u64,
    /// Events in the history that the view is built from.
    pub history_events: u64,
    /// Live events per second meanwhile.
    pub events_per_second: u64,
    /// From the statement until the view is served.
    pub built_s: f64,
    /// Events of the history over that.
    pub history_events_per_second: f64,
    /// From when a live request was due until its events are visible, before the view was declared.
    pub alone: Percentiles,
    /// The same while the view was built.
    pub meanwhile: Percentiles,
    /// Whether an audit found the new view and the old one equal to their SQL over all events.
    pub exact: bool,
    /// What the server used.
    pub usage: Usage,
}

/// Recomputing a view from the archive.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecomputeResult {
    /// People.
    pub users: u64,
    /// Events in the archive.
    pub events: u64,
    /// How long the archive took after the last event was visible.
    pub archive_wait_s: f64,
    /// The recomputation: reading, aggregating, comparing with what is served, writing the result. Median of the runs.
    pub seconds: f64,
    /// Events over seconds.
    pub events_per_second: f64,
    /// Whether it found what is served equal.
    pub exact: bool,
    /// The other program, over the same files. Median.
    pub peer_seconds: Option<f64>,
    /// What the server used.
    pub usage: Usage,
}

/// Memory of a view.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemoryResult {
    /// Groups of `daily_steps`.
    pub groups: u64,
    /// Bytes the server accounts to the view.
    pub view_bytes: u64,
    /// The same for each group.
    pub bytes_per_group: f64,
    /// Growth of the process while the groups were made, for each group; caches and buffers included.
    pub process_bytes_per_group: Option<f64>,
    /// What the server used.
    pub usage: Usage,
}

/// Time until the right answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RestartResult {
    /// Groups of `daily_steps`.
    pub groups: u64,
    /// Events in the log.
    pub events: u64,
    /// After a stop in order.
    pub after_stop: StartResult,
    /// After kill -9 in the middle of ingest.
    pub after_kill: StartResult,
}

/// One start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StartResult {
    /// From the start of the process until it listens.
    pub listening_s: f64,
    /// From the start of the process until the view gives the right answer.
    pub right_answer_s: f64,
    /// Acknowledged steps that are missing.
    pub lost_steps: i64,
    /// Steps counted that were never sent, or twice.
    pub doubled_steps: i64,
}
