//! The boundary between the engine and its doors: one object-safe trait, plain data, and eight kinds of error.
//! HTTP, the PostgreSQL protocol and connectors see the engine only through this crate; only they know status codes.

mod engine;
mod error;
mod ingest;
mod job;
mod query;
mod replay;
mod snapshot;
mod status;
mod subscribe;
mod watch;

pub use engine::Engine;
pub use error::{ApiError, ErrorKind};
pub use ingest::{BodyFormat, IngestReport, IngestRequest, ProducerStamp, RejectedRecord};
pub use job::{
    AuditOutcome, AuditResult, Difference, DifferenceKind, JobKind, JobRequest, JobState, JobStatus, JobTarget,
    RowText, StreamMark,
};
pub use query::{Answer, RowStream, SqlAnswer, SqlLimits, SqlRequest, ViewAnswer, ViewRequest};
pub use replay::{Refusal, ReplayReport, ReplayRequest};
pub use snapshot::SnapshotReport;
pub use status::{EngineStatus, MemoryHolder, MemoryStatus, Readiness, StreamStatus, ViewState, ViewStatus};
pub use subscribe::{ChangeEvent, ChangeStream, SubscribeRequest};
pub use watch::{Pulses, WatchRequest};
