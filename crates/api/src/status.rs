//! What the engine says of itself, for probes, metrics and the operations page.

use serde::{Deserialize, Serialize};

/// Whether the engine can serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether reads and writes are served.
    pub ready: bool,
    /// Why not, or what is going on.
    pub detail: String,
}

/// A stream's position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// Qualified name.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Records held by the log.
    pub records: u64,
    /// Records rejected and held.
    pub rejects: u64,
    /// Records accepted since the start that no version shows yet.
    pub lag: u64,
    /// Bytes in the log.
    pub bytes: u64,
}

/// What a view is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewState {
    /// Follows its inputs.
    Live,
    /// Being computed from history; not readable yet.
    Backfilling,
    /// Readable, while a newer computation replaces it.
    Rebuilding,
    /// Stopped by an error that the status names.
    Failed,
}

/// A view's position and size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewStatus {
    /// Qualified name.
    pub name: String,
    /// What it is doing.
    pub state: ViewState,
    /// Rows held.
    pub rows: u64,
    /// Bytes held by its rows, indexes and operators.
    pub bytes: u64,
    /// Events accepted that it does not show yet.
    pub lag: u64,
    /// Progress of a backfill, 0 to 1.
    pub progress: f64,
    /// The last error.
    pub error: Option<String>,
}

/// Who holds memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryHolder {
    /// The view, table or stream, qualified; `None` for the engine itself.
    pub relation: Option<String>,
    /// Which part of it, in words.
    pub operator: String,
    /// Bytes held.
    pub bytes: u64,
}

/// The account of memory: state of views, tables and keyed streams, waiting events, checkpoints under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Bytes that may be held; `None` without a limit.
    pub limit: Option<u64>,
    /// Bytes held.
    pub held: u64,
    /// How often something was refused for lack of room, since the start.
    pub refused: u64,
    /// The largest holders, the largest first.
    pub largest: Vec<MemoryHolder>,
}

/// The engine at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The version being served.
    pub version: String,
    /// Ticks since the start.
    pub ticks: u64,
    /// Streams in name order.
    pub streams: Vec<StreamStatus>,
    /// Materialized views in name order.
    pub views: Vec<ViewStatus>,
    /// The account of memory.
    #[serde(default)]
    pub memory: MemoryStatus,
}
