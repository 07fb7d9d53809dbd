//! The durable log: the `Log` trait and its embedded implementation. Append is acknowledged after fsync.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod embedded;
mod error;
mod log;
pub mod storage;

pub use embedded::{AsideFile, EmbeddedLog, Finding, LogSettings, PartitionReport, StreamReport};
pub use error::LogError;
pub use log::{Append, AppendFuture, Appended, Bounds, Log, Part, RecordBlock, Stamp, StreamSize};
