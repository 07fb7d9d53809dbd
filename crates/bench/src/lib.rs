//! Measurements of a running server over its HTTP doors: `highwater bench`. The server is another process, so that its
//! memory, processor time and writes are its own, and so that it can be killed. Knows no engine.

mod arguments;
mod error;
mod machine;
mod measure;
mod nexmark;
mod percentiles;
mod rank;
mod report;
mod run;
mod server;
mod usage;
mod workload;

pub use arguments::{BenchArguments, Workload};
pub use error::BenchError;
pub use machine::Machine;
pub use measure::{
    BackfillResult, IngestResult, LatencyResult, LookupResult, Measurement, MemoryResult, RecomputeResult,
    RestartResult, StartResult,
};
pub use nexmark::{NexmarkOutcome, NexmarkQuery, NexmarkResult};
pub use percentiles::Percentiles;
pub use rank::{RankResult, RedisResult};
pub use report::Report;
pub use run::run;
pub use usage::Usage;
