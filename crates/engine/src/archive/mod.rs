//! The archive of streams: what the log holds for a while, the archive holds for good. A thread of its own copies what
//! views show into Delta tables; queries and builds read archive and log as one.

mod archiver;
mod redeclare;
mod rows;
mod settings;
mod tables;

pub(crate) use archiver::{Archiver, archive_lag};
pub use settings::ArchiveOptions;
pub(crate) use tables::Archives;
