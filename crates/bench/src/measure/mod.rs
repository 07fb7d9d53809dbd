//! The measurements. Each takes a running server; those that must restart it take what is needed to start one.

mod backfill;
mod history;
mod ingest;
mod latency;
mod lookup;
mod memory;
mod pace;
mod recompute;
mod restart;
mod results;

pub(crate) use backfill::{BackfillPlan, backfill};
pub(crate) use ingest::{IngestPlan, ingest};
pub(crate) use latency::{LatencyPlan, latency};
pub(crate) use lookup::{LOAD_CONNECTIONS, LOAD_NICENESS, Load, LoadPlan, LookupPlan, lookup};
pub(crate) use memory::memory;
pub(crate) use pace::{Pace, Paced};
pub(crate) use recompute::{RecomputePlan, recompute};
pub(crate) use restart::restart;
pub use results::{
    BackfillResult, IngestResult, LatencyResult, LookupResult, Measurement, MemoryResult, RecomputeResult,
    RestartResult, StartResult,
};
