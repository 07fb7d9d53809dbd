//! Names of files and folders, and the limits of the format. Used by everything in `embedded`; does no I/O.
//!
//! ```text
//! <data folder>/
//!   highwater.lock                  who has the folder open
//!   log/<stream>/                   one folder per stream (`.new`: being made, `.dropped`: being removed)
//!     00000000000000000001.seg      segments, all partitions interleaved (see `segment`)
//!     00000000000000000001.idx      index of a sealed segment, a cache (see `index_file`)
//!     committed                     how far acknowledged bytes go (see `committed`)
//!     <segment>-<position>.torn     bytes of an append that never finished, cut off at open
//!     <segment>-<position>.damaged  bytes set aside by quarantine
//! ```

use std::path::{Path, PathBuf};

use highwater_model::ObjectId;

/// Most bytes of records in one batch, before compression.
pub(crate) const MAX_BATCH_BYTES: u64 = 64 << 20;
/// Most records in one batch.
pub(crate) const MAX_BATCH_RECORDS: usize = 16 << 20;
/// Most parts in one batch.
pub(crate) const MAX_PARTS: usize = 8192;
/// Most partitions of a stream, the hidden one not counted.
pub(crate) const MAX_PARTITIONS: u32 = 4096;
/// Longest name of a producer, in bytes.
pub(crate) const MAX_PRODUCER_BYTES: usize = 128;
/// Longest variable part of a block header.
pub(crate) const MAX_HEADER_BYTES: usize = 1 << 20;
/// Longest payload of a block; a batch stays far below, a table of producers too.
pub(crate) const MAX_PAYLOAD_BYTES: u64 = 1 << 30;
/// Largest `segment_bytes` settings allow. Positions in a segment must fit 32 bits with a group to spare.
pub(crate) const MAX_SEGMENT_BYTES: u64 = 2 << 30;

/// The lock file of a data folder.
pub(crate) fn lock_file(data: &Path) -> PathBuf {
    data.join("highwater.lock")
}

/// The folder of all streams.
pub(crate) fn log_folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// A stream's folder.
pub(crate) fn stream_folder(log: &Path, stream: ObjectId) -> PathBuf {
    log.join(stream.0.to_string())
}

/// A stream's folder while it is made.
pub(crate) fn new_folder(log: &Path, stream: ObjectId) -> PathBuf {
    log.join(format!("{}.new", stream.0))
}

/// A stream's folder while it is removed.
pub(crate) fn dropped_folder(log: &Path, stream: ObjectId) -> PathBuf {
    log.join(format!("{}.dropped", stream.0))
}

/// A segment.
pub(crate) fn segment_file(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.seg"))
}

/// The index of a sealed segment.
pub(crate) fn index_file(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.idx"))
}

/// The sidecar that says how far acknowledged bytes go.
pub(crate) fn committed_file(folder: &Path) -> PathBuf {
    folder.join("committed")
}

/// Where bytes set aside go; `why` is `torn` or `damaged`.
pub(crate) fn aside_file(folder: &Path, segment: u64, position: u64, why: &str) -> PathBuf {
    folder.join(format!("{segment:020}-{position}.{why}"))
}

/// The name a file has until it is whole.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// The segment a file name stands for.
pub(crate) fn segment_of(name: &str) -> Option<u64> {
    name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?.parse().ok()
}

/// The stream a folder name stands for.
pub(crate) fn stream_of(name: &str) -> Option<ObjectId> {
    let id = name.parse().ok()?;
    (name == u32::to_string(&id)).then_some(ObjectId(id))
}
