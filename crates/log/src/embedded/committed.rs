//! The sidecar that remembers how far acknowledged bytes go: 32 bytes overwritten in place after every flush, without
//! a flush of its own. Exact after a kill, possibly old after a power cut, never ahead of what is durable. `recovery`
//! needs it to tell a torn tail from damage; losing it loses no record.
//!
//! ```text
//!  0  8 B  magic "HWLOGCOM"
//!  8  u64  segment
//! 16  u64  position
//! 24  u32  version, 1
//! 28  u32  crc32 of bytes 0..28
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::io_error;
use super::layout;
use crate::LogError;
use crate::storage::{Storage, StorageFile, read_exact_at, write_all_at};

const MAGIC: [u8; 8] = *b"HWLOGCOM";
const BYTES: usize = 32;

/// Everything below `position` of `segment`, and all earlier segments, is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Committed {
    pub(crate) segment: u64,
    pub(crate) position: u64,
}

impl Committed {
    fn encode(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.position.to_le_bytes());
        bytes[24..28].copy_from_slice(&1_u32.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; BYTES]) -> Option<Self> {
        let number = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let found = Self { segment: number(8)?, position: number(16)? };
        (found.encode() == *bytes).then_some(found)
    }
}

/// The open sidecar.
#[derive(Clone, Debug)]
pub(crate) struct CommittedFile {
    pub(crate) path: PathBuf,
    file: Arc<dyn StorageFile>,
}

impl CommittedFile {
    /// Makes the sidecar and flushes it; its folder is left to the caller.
    pub(crate) fn create(storage: &dyn Storage, folder: &Path, first: Committed) -> Result<Self, LogError> {
        let sidecar = Self::create_blank(storage, folder)?;
        sidecar.put(first)?;
        sidecar.file.sync_data().map_err(|error| io_error("flush", &sidecar.path, error))?;
        Ok(sidecar)
    }

    /// Makes a sidecar that says nothing: whoever finds it knows that it cannot be trusted.
    pub(crate) fn create_blank(storage: &dyn Storage, folder: &Path) -> Result<Self, LogError> {
        let path = layout::committed_file(folder);
        let file = storage.create(&path).map_err(|error| io_error("create", &path, error))?;
        Ok(Self { path, file })
    }

    /// Opens the sidecar; `None` if it is missing.
    pub(crate) fn open(storage: &dyn Storage, folder: &Path) -> Result<Option<Self>, LogError> {
        let path = layout::committed_file(folder);
        match storage.open(&path) {
            Ok(file) => Ok(Some(Self { path, file })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("open", &path, error)),
        }
    }

    /// What it says; `None` if that is not what was written.
    pub(crate) fn get(&self) -> Result<Option<Committed>, LogError> {
        let mut bytes = [0; BYTES];
        let read = read_exact_at(&*self.file, &mut bytes, 0).map_err(|error| io_error("read", &self.path, error))?;
        Ok(if read == BYTES { Committed::decode(&bytes) } else { None })
    }

    /// Overwrites it.
    pub(crate) fn put(&self, committed: Committed) -> Result<(), LogError> {
        write_all_at(&*self.file, &committed.encode(), 0).map_err(|error| io_error("write", &self.path, error))
    }
}
