//! What a run of Nexmark found, as it is printed. Units are in the names.

use serde::Serialize;

use crate::Usage;

/// All queries that were asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NexmarkResult {
    /// Events generated; a query is sent those of the streams it reads.
    pub events: u64,
    /// Events of a request.
    pub batch: u64,
    /// Events that arrive in pseudo-random order together; 1: in order.
    pub shuffled: u64,
    /// Whether the server was killed in the middle of each query, and started again.
    pub killed: bool,
    /// The queries.
    pub queries: Vec<NexmarkQuery>,
}

/// One query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NexmarkQuery {
    /// `q0` to `q22`.
    pub query: &'static str,
    /// What it asks.
    pub about: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: NexmarkOutcome,
}

/// What became of a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum NexmarkOutcome {
    /// It ran.
    Ran {
        /// Events sent: those of the streams it reads.
        events: u64,
        /// From the first request until all events are visible in the view. With a kill: the restart included.
        seconds: f64,
        /// Events over seconds.
        events_per_second: f64,
        /// Rows of the view.
        rows: u64,
        /// Whether the view equals the same SQL evaluated as one batch, row for row.
        equals_batch: bool,
        /// How long the batch took.
        batch_seconds: f64,
        /// What the server used.
        usage: Usage,
    },
    /// It cannot be kept as a view.
    Refused {
        /// Why, in the server's words.
        reason: String,
    },
}
