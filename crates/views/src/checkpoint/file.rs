//! One checkpoint file.
//!
//! ```text
//! magic "HWCP" | format version u32 | header length u32 | header crc32 u32 | header (JSON) | sections
//! ```
//! All integers little-endian. The header lists for every batch its object, part, byte length and crc32; a section is
//! one Arrow IPC stream (LZ4) of one batch. A file is written (`spool`) under another name, synced and renamed, so it is
//! whole or absent; every byte is under a checksum. Limits: a header of 2^32 bytes, a section of 2^64.
//! Any change of this layout, or of what operators save, raises [`FORMAT_VERSION`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use highwater_model::{ObjectId, Offsets};
use serde::{Deserialize, Serialize};

use super::{ObjectSave, Saved};
use crate::ViewsError;
use crate::dataflow::EventTime;

/// Version of the layout above and of what operators save.
pub(super) const FORMAT_VERSION: u32 = 1;
pub(super) const MAGIC: &[u8; 4] = b"HWCP";
/// Where the header begins.
pub(super) const HEADER_AT: usize = 16;

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    /// Number of the full checkpoint this one builds on (its own when it is full).
    pub(super) base: u64,
    pub(super) full: bool,
    pub(super) offsets: Offsets,
    /// Not in the first checkpoints of format 1.
    #[serde(default)]
    pub(super) times: BTreeMap<ObjectId, EventTime>,
    pub(super) objects: Vec<ObjectHeader>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectHeader {
    pub(super) id: ObjectId,
    pub(super) full: bool,
    pub(super) signature: u32,
    pub(super) lookups_at: Offsets,
    /// Sections of each part: length and crc32.
    pub(super) parts: Vec<Vec<(u64, u32)>>,
}

/// Why bytes are no checkpoint that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The byte where it shows.
    pub(super) position: u64,
    pub(super) reason: String,
}

impl Fault {
    fn at(position: usize, reason: impl Into<String>) -> Self {
        Self { position: position as u64, reason: reason.into() }
    }
}

/// Reads a checkpoint: the number of the full one it builds on, and its content.
pub(super) fn read(path: &Path) -> Result<(u64, Saved), ViewsError> {
    let bad =
        |fault: Fault| ViewsError::BadState(format!("{} at byte {}: {}", path.display(), fault.position, fault.reason));
    parse(&bytes_of(path)?).map_err(bad)
}

/// All bytes of a file.
pub(super) fn bytes_of(path: &Path) -> Result<Vec<u8>, ViewsError> {
    fs::read(path).map_err(|error| io_error("reading", path, error))
}

/// The format version that bytes say they have; `None` when they are no checkpoint at all.
pub(super) fn format_of(bytes: &[u8]) -> Option<u32> {
    if bytes.get(..4) == Some(MAGIC) { number(bytes, 4) } else { None }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
}

/// Takes a checkpoint apart, checking every byte.
pub(super) fn parse(bytes: &[u8]) -> Result<(u64, Saved), Fault> {
    let cut_short = || Fault::at(bytes.len(), "it is cut short here");
    if bytes.get(..4) != Some(MAGIC) {
        let reason = if bytes.is_empty() { "the file is empty" } else { "not a checkpoint" };
        return Err(Fault::at(0, reason));
    }
    match number(bytes, 4).ok_or_else(cut_short)? {
        FORMAT_VERSION => {}
        other => return Err(Fault::at(4, format!("format {other}, this version reads {FORMAT_VERSION}"))),
    }
    let (Some(length), Some(crc)) = (number(bytes, 8), number(bytes, 12)) else { return Err(cut_short()) };
    let mut at = HEADER_AT + length as usize;
    let header = bytes.get(HEADER_AT..at).ok_or_else(cut_short)?;
    if crc32fast::hash(header) != crc {
        return Err(Fault::at(HEADER_AT, "its header is damaged"));
    }
    let header: Header =
        serde_json::from_slice(header).map_err(|error| Fault::at(HEADER_AT, format!("its header: {error}")))?;
    let mut objects = Vec::new();
    for object in header.objects {
        let mut parts = Vec::new();
        for part in object.parts {
            let mut batches = Vec::new();
            for (length, crc) in part {
                let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
                let section = end.and_then(|end| bytes.get(at..end)).ok_or_else(cut_short)?;
                if crc32fast::hash(section) != crc {
                    return Err(Fault::at(at, format!("a section of object {} is damaged", object.id)));
                }
                batches.push(decode(section).map_err(|error| Fault::at(at, error.to_string()))?);
                at += section.len();
            }
            parts.push(batches);
        }
        let ObjectHeader { id, full, signature, lookups_at, .. } = object;
        objects.push(ObjectSave { id, full, signature, lookups_at, parts });
    }
    if at != bytes.len() {
        return Err(Fault::at(at, "bytes after its end"));
    }
    let present = objects.iter().map(|object| object.id).collect();
    Ok((header.base, Saved { offsets: header.offsets, times: header.times, full: header.full, objects, present }))
}

fn decode(bytes: &[u8]) -> Result<RecordBatch, ViewsError> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    reader.next().ok_or_else(|| ViewsError::BadState("a section without rows".to_owned()))?.map_err(Into::into)
}

pub(super) fn io_error(what: &str, path: &Path, error: std::io::Error) -> ViewsError {
    ViewsError::Io { context: format!("{what} {}", path.display()), source: Arc::new(error) }
}
