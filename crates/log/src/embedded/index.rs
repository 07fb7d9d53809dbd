//! Where in a segment to find an offset, and what the segment holds in all. The active segment's is kept in memory
//! by `view`, a sealed segment's is loaded when needed (`cache`) from its file (`index_file`) or by scanning.
//!
//! Sparse, so that its size does not depend on how small batches are: a partition's block gets an entry when it
//! lies at least [`STRIDE_BYTES`] behind that partition's last entry. From an entry, all blocks of the partition up
//! to its next entry begin within the stride, so a reader walks little and then jumps.

use std::collections::BTreeMap;

use highwater_model::{Offset, PartitionId};

use super::block::Batch;

/// Least distance in bytes between two entries of a partition.
pub(crate) const STRIDE_BYTES: u64 = 4096;

/// Next offset by partition; absent means 0.
pub(crate) type Ends = BTreeMap<PartitionId, Offset>;

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Next offsets when it began.
    pub(crate) start: Ends,
    /// Next offsets at its end.
    pub(crate) next: Ends,
    /// Records, rejects not counted.
    pub(crate) records: u64,
    /// Rejected records.
    pub(crate) rejects: u64,
    /// When its newest batch was accepted, microseconds since the epoch; none if it holds no batch.
    pub(crate) newest_micros: Option<i64>,
}

impl Summary {
    /// Counts a batch in.
    pub(crate) fn add(&mut self, batch: &Batch) {
        for part in &batch.parts {
            let count = u64::from(part.shape.count);
            let total = if part.partition.is_rejects() { &mut self.rejects } else { &mut self.records };
            *total += count;
            self.next.insert(part.partition, part.next());
        }
        self.newest_micros = self.newest_micros.max(Some(batch.ingested_at_micros));
    }
}

/// A known block of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Offset of its first record.
    pub(crate) base: Offset,
    /// Its position in the segment.
    pub(crate) position: u64,
}

/// Known blocks by partition, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) partitions: BTreeMap<PartitionId, Vec<Entry>>,
    /// Entries before this position are no place to walk from: there is a hole between.
    unbroken_from: u64,
}

impl Index {
    /// Notes a batch at a position.
    pub(crate) fn add(&mut self, batch: &Batch, position: u64) {
        for part in batch.parts.iter().filter(|part| part.shape.count > 0) {
            let entries = self.partitions.entry(part.partition).or_default();
            let due = entries
                .last()
                .is_none_or(|last| last.position < self.unbroken_from || position >= last.position + STRIDE_BYTES);
            if due {
                entries.push(Entry { base: part.base, position });
            }
        }
    }

    /// Notes a hole that ends at a position.
    pub(crate) fn break_at(&mut self, position: u64) {
        self.unbroken_from = position;
    }

    /// The last known block of the partition that begins at or below `offset`.
    pub(crate) fn seek(&self, partition: PartitionId, offset: Offset) -> Option<Entry> {
        let entries = self.partitions.get(&partition)?;
        let after = entries.partition_point(|entry| entry.base <= offset);
        entries.get(after.checked_sub(1)?).copied()
    }
}
