//! The embedded log on segment files of its own. Reading order: `settings`, `layout`, `embedded_log`, `stream`,
//! `queue`, `committer`, `writer`; then the format: `segment`, `block`, `payload`, `producers`, `committed`, `index`,
//! `index_file`; then what is done at open: `recovery`, `scan`, `replay`, `tail`; then `view`, `read`, `cache`,
//! `trim`, `grow`, and for the doctor `verify` (which fills in `report`), `quarantine` and, to read on behind what that
//! gave up, `hole`.

mod block;
mod cache;
mod committed;
mod committer;
mod embedded_log;
mod failure;
mod folder;
mod grow;
mod hole;
mod index;
mod index_file;
mod layout;
mod lock;
mod payload;
mod producers;
mod progress;
mod quarantine;
mod queue;
mod read;
mod recovery;
mod replay;
mod report;
mod scan;
mod segment;
mod settings;
mod shared;
mod stream;
mod tail;
#[cfg(test)]
mod tests;
mod trim;
mod varint;
mod verify;
mod view;
mod writer;

pub use embedded_log::EmbeddedLog;
pub use report::{AsideFile, Finding, PartitionReport, StreamReport};
pub use settings::LogSettings;
