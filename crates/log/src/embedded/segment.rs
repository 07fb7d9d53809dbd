//! The segment file: format version, byte layout, and what a crash leaves behind. Opened by `recovery`, `writer`,
//! `read` and `verify`; which blocks are acknowledged is not known here.
//!
//! # Layout (version 1)
//!
//! ```text
//!  0  8 B  magic "HWLOGSEG"
//!  8  u32  version, 1
//! 12  u32  stream
//! 16  u64  segment, counted from 1
//! 24  u32  zero
//! 28  u32  crc32 of bytes 0..28
//! 32       blocks, back to back (see `block`); the first is a state block
//! ```
//! All partitions of a stream, the hidden one of rejects too, interleave in one file, so one append is one block is
//! one checksum: there is no half of a batch. Files are only appended to; write amplification is 1.
//!
//! # Limits
//! A batch holds at most 64 MiB of records, 16 Mi records and 8192 parts. A segment is closed once it is longer than
//! the setting `segment_bytes` (at most 2 GiB), so it may be longer by one group of batches. Anyone who writes
//! version 2 must still read version 1; an unknown version is refused and left alone.
//!
//! # Crashes
//! * Blocks are written in groups, one `fdatasync` a group, and acknowledged after it. Then the sidecar (`committed`)
//!   is told, without a sync of its own: right after the process was killed, possibly old after a power cut.
//! * Power cut or kill in a group: its blocks are there, in part there, or not, in any order. Recovery reads on to
//!   the first broken block; all behind it belongs to the same group, was never acknowledged, and is moved to a
//!   `.torn` file. Whole blocks of the group are kept: an append that was not answered may or may not be stored.
//! * A broken block below the sidecar's position, or below the `durable` of any later valid block, had been
//!   acknowledged: that is damage. Nothing is cut, the stream takes no appends, other blocks stay readable, and
//!   `EmbeddedLog::quarantine` turns the bytes into an explicit hole.
//! * A new segment is made under another name, synced, renamed, and its folder synced before anything goes into it:
//!   a `.seg` file always begins with a whole header and state block, or is damaged.
//! * Bytes above the sidecar's position are written again at open before they are synced and shown: after a failed
//!   flush the kernel may hold pages that look clean and are on no disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use highwater_model::ObjectId;

use super::block::{self, BlockHeader, Body, HeaderFault, Home, PREFIX_BYTES, State};
use super::failure::{damaged, io_error};
use super::layout;
use crate::LogError;
use crate::storage::{Storage, StorageFile, read_exact_at};

/// First bytes of every segment.
const MAGIC: [u8; 8] = *b"HWLOGSEG";
/// The version of the format that is written.
const VERSION: u32 = 1;
/// Bytes before the first block.
pub(crate) const HEAD_BYTES: usize = 32;

/// The first bytes of a segment.
pub(crate) fn head(home: Home) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..16].copy_from_slice(&home.stream.0.to_le_bytes());
    head[16..24].copy_from_slice(&home.segment.to_le_bytes());
    let checksum = crc32fast::hash(&head[..28]);
    head[28..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// An open segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    pub(crate) home: Home,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn StorageFile>,
}

impl SegmentFile {
    /// Opens a segment without looking inside.
    pub(crate) fn open(storage: &dyn Storage, folder: &Path, stream: ObjectId, segment: u64) -> Result<Self, LogError> {
        let path = layout::segment_file(folder, segment);
        let file = storage.open(&path).map_err(|error| io_error("open", &path, error))?;
        Ok(Self { home: Home { stream, segment }, path, file })
    }

    pub(crate) fn size(&self) -> Result<u64, LogError> {
        self.file.size().map_err(|error| io_error("stat", &self.path, error))
    }

    /// Reads up to `count` bytes; fewer at the end of the file.
    pub(crate) fn bytes(&self, position: u64, count: usize) -> Result<Vec<u8>, LogError> {
        let mut bytes = vec![0; count];
        let read =
            read_exact_at(&*self.file, &mut bytes, position).map_err(|error| io_error("read", &self.path, error))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Checks the first bytes.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for a version this program does not know, [`LogError::Damaged`] for anything else.
    pub(crate) fn check_head(&self) -> Result<(), LogError> {
        let found = self.bytes(0, HEAD_BYTES)?;
        if found == head(self.home) {
            return Ok(());
        }
        if found.len() == HEAD_BYTES
            && found[..8] == MAGIC
            && crc32fast::hash(&found[..28]).to_le_bytes() == found[28..]
            && found[8..12] != VERSION.to_le_bytes()
        {
            let version = u32::from_le_bytes([found[8], found[9], found[10], found[11]]);
            return Err(LogError::Invalid(format!(
                "{} is of log format version {version}, this program knows version {VERSION} only: \
                 use a program that knows it",
                self.path.display()
            )));
        }
        Err(self.damaged(0, "the head of the segment is not what was written"))
    }

    /// Reads the header of the block at `position`, which must be whole below `limit`.
    pub(crate) fn header(&self, position: u64, limit: u64) -> Result<BlockHeader, LogError> {
        const FIRST_READ_BYTES: usize = 4096;
        let available = usize::try_from(limit.saturating_sub(position)).unwrap_or(usize::MAX);
        let mut bytes = self.bytes(position, FIRST_READ_BYTES.min(available))?;
        let header = match block::decode_header(self.home, position, &bytes) {
            Err(HeaderFault::Short(needed)) if needed <= available && needed > bytes.len() => {
                bytes = self.bytes(position, needed)?;
                match block::decode_header(self.home, position, &bytes) {
                    // The prefix was short and only now tells how long the body is.
                    Err(HeaderFault::Short(needed)) if needed <= available && needed > bytes.len() => {
                        bytes = self.bytes(position, needed)?;
                        block::decode_header(self.home, position, &bytes)
                    }
                    other => other,
                }
            }
            other => other,
        };
        match header {
            Ok(header) if header.end() <= limit => Ok(header),
            Ok(_) | Err(HeaderFault::Short(_)) => Err(self.damaged(position, "the block is cut off")),
            Err(HeaderFault::Bad(reason)) => Err(self.damaged(position, reason)),
        }
    }

    /// The state the segment begins with, and where it ends; `None` if quarantine gave it up.
    pub(crate) fn first_state(&self) -> Result<Option<(State, u64)>, LogError> {
        let header = self.header(HEAD_BYTES as u64, self.size()?)?;
        let end = header.end();
        match header.body {
            Body::State(state) => Ok(Some((state, end))),
            Body::Hole(_) => Ok(None),
            Body::Batch(_) => Err(self.damaged(HEAD_BYTES as u64, "the segment does not begin with a state block")),
        }
    }

    pub(crate) fn damaged(&self, position: u64, reason: impl Into<String>) -> LogError {
        damaged(&self.path, position, reason)
    }
}

/// Smallest block there is: a hole may not be smaller.
pub(crate) const SMALLEST_BLOCK_BYTES: u64 = PREFIX_BYTES as u64;
