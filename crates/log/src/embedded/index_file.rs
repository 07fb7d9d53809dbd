//! The index of a sealed segment on disk: summary and sparse index. A cache: whatever is wrong with it, it is made
//! again by scanning the segment. Written by `writer` and `recovery`, read by `recovery` (summary) and `cache` (index).
//!
//! ```text
//!  0  8 B  magic "HWLOGIDX"
//!  8  u32  version, 1
//! 12  u32  bytes of the summary
//! 16  u32  bytes of the index
//! 20  u32  crc32 of stream, segment and the summary
//! 24  u32  crc32 of stream, segment and the index
//! 28       summary: v bytes, i64 newest (µs), u8 whether there is one, v records, v rejects, start ends, next ends
//!          (ends: v count, for each v partition, v offset); index: v partitions, for each v partition, v entries,
//!          for each v base offset and v position, both as the difference from the entry before
//! ```

use std::path::Path;

use highwater_model::PartitionId;

use super::block::Home;
use super::failure::io_error;
use super::index::{Ends, Entry, Index, Summary};
use super::layout;
use super::varint::{Cursor, put_varint};
use crate::LogError;
use crate::storage::{Storage, read_exact_at, write_all_at};

const MAGIC: [u8; 8] = *b"HWLOGIDX";
const HEAD_BYTES: usize = 28;
/// More than any index within the limits of a segment takes.
const MAX_SECTION_BYTES: usize = 256 << 20;

/// Writes the index of a segment. Not flushed: a damaged one is made again.
pub(crate) fn store(
    storage: &dyn Storage,
    folder: &Path,
    home: Home,
    summary: &Summary,
    index: &Index,
) -> Result<(), LogError> {
    let (summary, index) = (encode_summary(summary), encode_index(index));
    let mut bytes = Vec::with_capacity(HEAD_BYTES + summary.len() + index.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.extend_from_slice(&(summary.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(index.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&checksum(home, &summary).to_le_bytes());
    bytes.extend_from_slice(&checksum(home, &index).to_le_bytes());
    bytes.extend_from_slice(&summary);
    bytes.extend_from_slice(&index);
    let path = layout::index_file(folder, home.segment);
    let unfinished = layout::unfinished(&path);
    let write = || {
        let file = storage.create(&unfinished)?;
        write_all_at(&*file, &bytes, 0)?;
        storage.rename(&unfinished, &path)
    };
    write().map_err(|error| io_error("write", &path, error))
}

/// The summary of a segment; `None` if the index is missing or damaged.
pub(crate) fn load_summary(storage: &dyn Storage, folder: &Path, home: Home) -> Option<Summary> {
    decode_summary(&section(storage, folder, home, false)?)
}

/// The index of a segment; `None` if it is missing or damaged.
pub(crate) fn load_index(storage: &dyn Storage, folder: &Path, home: Home) -> Option<Index> {
    decode_index(&section(storage, folder, home, true)?)
}

fn section(storage: &dyn Storage, folder: &Path, home: Home, second: bool) -> Option<Vec<u8>> {
    let file = storage.open(&layout::index_file(folder, home.segment)).ok()?;
    let mut head = [0; HEAD_BYTES];
    if read_exact_at(&*file, &mut head, 0).ok()? < HEAD_BYTES || head[..8] != MAGIC {
        return None;
    }
    let mut cursor = Cursor::new(&head[8..]);
    let version = cursor.u32()?;
    let lengths = [cursor.u32()? as usize, cursor.u32()? as usize];
    let checksums = [cursor.u32()?, cursor.u32()?];
    if version != 1 || lengths.iter().any(|length| *length > MAX_SECTION_BYTES) {
        return None;
    }
    let start = HEAD_BYTES + if second { lengths[0] } else { 0 };
    let which = usize::from(second);
    if (start + lengths[which]) as u64 > file.size().ok()? {
        return None;
    }
    let mut bytes = vec![0; lengths[which]];
    let read = read_exact_at(&*file, &mut bytes, start as u64).ok()?;
    (read == bytes.len() && checksum(home, &bytes) == checksums[which]).then_some(bytes)
}

fn checksum(home: Home, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&home.stream.0.to_le_bytes());
    hasher.update(&home.segment.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

fn put_partition(out: &mut Vec<u8>, partition: PartitionId) {
    put_varint(out, u64::from(partition.0.wrapping_add(1)));
}

fn partition(cursor: &mut Cursor<'_>) -> Option<PartitionId> {
    Some(PartitionId(cursor.varint_u32()?.wrapping_sub(1)))
}

fn put_ends(out: &mut Vec<u8>, ends: &Ends) {
    put_varint(out, ends.len() as u64);
    for (partition, offset) in ends {
        put_partition(out, *partition);
        put_varint(out, *offset);
    }
}

fn ends(cursor: &mut Cursor<'_>) -> Option<Ends> {
    (0..cursor.varint()?).map(|_| Some((partition(cursor)?, cursor.varint()?))).collect()
}

fn encode_summary(summary: &Summary) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, summary.bytes);
    out.extend_from_slice(&summary.newest_micros.unwrap_or(0).to_le_bytes());
    out.push(u8::from(summary.newest_micros.is_some()));
    put_varint(&mut out, summary.records);
    put_varint(&mut out, summary.rejects);
    put_ends(&mut out, &summary.start);
    put_ends(&mut out, &summary.next);
    out
}

fn decode_summary(bytes: &[u8]) -> Option<Summary> {
    let mut cursor = Cursor::new(bytes);
    let bytes = cursor.varint()?;
    let newest = cursor.i64()?;
    let newest_micros = (cursor.u8()? == 1).then_some(newest);
    let (records, rejects) = (cursor.varint()?, cursor.varint()?);
    let (start, next) = (ends(&mut cursor)?, ends(&mut cursor)?);
    Some(Summary { bytes, start, next, records, rejects, newest_micros })
}

fn encode_index(index: &Index) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, index.partitions.len() as u64);
    for (partition, entries) in &index.partitions {
        put_partition(&mut out, *partition);
        put_varint(&mut out, entries.len() as u64);
        let mut last = Entry { base: 0, position: 0 };
        for entry in entries {
            put_varint(&mut out, entry.base - last.base);
            put_varint(&mut out, entry.position - last.position);
            last = *entry;
        }
    }
    out
}

fn decode_index(bytes: &[u8]) -> Option<Index> {
    let mut cursor = Cursor::new(bytes);
    let mut index = Index::default();
    for _ in 0..cursor.varint()? {
        let partition = partition(&mut cursor)?;
        let mut entries = Vec::new();
        let mut last = Entry { base: 0, position: 0 };
        for _ in 0..cursor.varint()? {
            last = Entry {
                base: last.base.checked_add(cursor.varint()?)?,
                position: last.position.checked_add(cursor.varint()?)?,
            };
            entries.push(last);
        }
        index.partitions.insert(partition, entries);
    }
    cursor.is_empty().then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_summary_come_back() {
        let mut index = Index::default();
        let entries = vec![Entry { base: 3, position: 32 }, Entry { base: 900, position: 70_000 }];
        index.partitions.insert(PartitionId::REJECTS, entries.clone());
        index.partitions.insert(PartitionId(0), entries);
        assert_eq!(decode_index(&encode_index(&index)), Some(index));
        let summary = Summary {
            bytes: 77,
            start: Ends::from([(PartitionId(1), 5)]),
            next: Ends::from([(PartitionId(1), 9), (PartitionId::REJECTS, 1)]),
            records: 4,
            rejects: 1,
            newest_micros: Some(-5),
        };
        assert_eq!(decode_summary(&encode_summary(&summary)), Some(summary));
    }
}
