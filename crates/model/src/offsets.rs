//! Positions in logs: one offset, the vector of offsets that names a version or a mark, and a range of one partition.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ObjectId, PartitionId};

/// The position of a record in its partition, counted from 0, dense.
pub type Offset = u64;

/// For every partition of every stream the *next* offset: all records below it are included.
///
/// Absent means 0. Two vectors are compared by [`Offsets::covers`], which is a partial order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Offsets(BTreeMap<ObjectId, BTreeMap<PartitionId, Offset>>);

impl Offsets {
    /// The next offset of a partition; 0 when nothing was seen of it.
    #[must_use]
    pub fn get(&self, stream: ObjectId, partition: PartitionId) -> Offset {
        self.0.get(&stream).and_then(|p| p.get(&partition)).copied().unwrap_or(0)
    }

    /// Sets the next offset of a partition.
    pub fn set(&mut self, stream: ObjectId, partition: PartitionId, next: Offset) {
        self.0.entry(stream).or_default().insert(partition, next);
    }

    /// Forgets a stream (it was dropped).
    pub fn remove(&mut self, stream: ObjectId) {
        self.0.remove(&stream);
    }

    /// Keeps only the streams for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(ObjectId) -> bool) {
        self.0.retain(|stream, _| keep(*stream));
    }

    /// Whether everything `other` includes is included here too.
    #[must_use]
    pub fn covers(&self, other: &Offsets) -> bool {
        other.iter().all(|(stream, partition, next)| self.get(stream, partition) >= next)
    }

    /// All entries in order of stream and partition.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, PartitionId, Offset)> + '_ {
        self.0.iter().flat_map(|(s, ps)| ps.iter().map(move |(p, o)| (*s, *p, *o)))
    }

    /// How many records the vector includes in all; grows with every event, so it orders one log's versions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, _, next)| next).sum()
    }

    /// A 64-bit FNV-1a hash of the entries: equal vectors, equal fingerprints, on every machine.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |value: u64| {
            for byte in value.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for (stream, partition, next) in self.iter().filter(|(_, _, next)| *next > 0) {
            eat(u64::from(stream.0));
            eat(u64::from(partition.0));
            eat(next);
        }
        hash
    }
}

impl fmt::Display for Offsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (stream, partition, next)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{stream}/{partition}:{next}")?;
        }
        Ok(())
    }
}

/// A run of records of one partition: `first..next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRange {
    /// The partition.
    pub partition: PartitionId,
    /// Offset of the first record.
    pub first: Offset,
    /// Offset after the last record.
    pub next: Offset,
}

impl PartitionRange {
    /// How many records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_is_a_partial_order() {
        let (mut a, mut b) = (Offsets::default(), Offsets::default());
        a.set(ObjectId(1), PartitionId(0), 5);
        b.set(ObjectId(1), PartitionId(1), 5);
        assert!(!a.covers(&b) && !b.covers(&a));
        b.set(ObjectId(1), PartitionId(0), 5);
        assert!(b.covers(&a) && !a.covers(&b));
        assert_eq!(b.total(), 10);
    }

    #[test]
    fn fingerprint_ignores_empty_partitions() {
        let (mut a, b) = (Offsets::default(), Offsets::default());
        a.set(ObjectId(1), PartitionId(0), 0);
        assert_eq!(a.fingerprint(), b.fingerprint());
    }
}
