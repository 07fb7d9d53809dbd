//! What readers see of a stream: its segments, and how far each partition is durable. Changed by `committer`, `trim`
//! and `grow` under a short write lock; readers take what they need and do their I/O without the lock.

use std::sync::Arc;

use highwater_model::{Offset, PartitionId};

use super::index::{Ends, Index, Summary};
use super::segment::SegmentFile;
use crate::log::{Bounds, StreamSize};

/// A segment that grows no more.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) segment: u64,
    pub(crate) summary: Summary,
}

/// The segment that is appended to.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) file: Arc<SegmentFile>,
    /// Durable contents only; `summary.bytes` is the durable size.
    pub(crate) summary: Summary,
    pub(crate) index: Index,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) partitions: u32,
    /// Oldest first.
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) active: Active,
}

impl View {
    /// Durable next offsets of all partitions.
    pub(crate) fn ends(&self) -> &Ends {
        &self.active.summary.next
    }

    pub(crate) fn has(&self, partition: PartitionId) -> bool {
        partition.is_rejects() || partition.0 < self.partitions
    }

    pub(crate) fn bounds(&self, partition: PartitionId) -> Bounds {
        let oldest = self.sealed.first().map_or(&self.active.summary, |sealed| &sealed.summary);
        Bounds { earliest: at(&oldest.start, partition), next: at(self.ends(), partition) }
    }

    pub(crate) fn size(&self) -> StreamSize {
        let summaries = self.sealed.iter().map(|sealed| &sealed.summary).chain([&self.active.summary]);
        summaries.fold(StreamSize::default(), |size, summary| StreamSize {
            bytes: size.bytes + summary.bytes,
            records: size.records + summary.records,
            rejects: size.rejects + summary.rejects,
        })
    }

    /// The segment that holds an offset which is durable and not trimmed; `None` for the active one.
    pub(crate) fn sealed_with(&self, partition: PartitionId, offset: Offset) -> Option<&Sealed> {
        let before = self.sealed.partition_point(|sealed| at(&sealed.summary.next, partition) <= offset);
        self.sealed.get(before)
    }
}

/// An offset of a partition, 0 if it is not named.
pub(crate) fn at(ends: &Ends, partition: PartitionId) -> Offset {
    ends.get(&partition).copied().unwrap_or(0)
}
