//! Rows grouped by a key that many of them share: from a key to the slots of its rows, in constant time for each, added
//! to and removed from in constant time. Stores find rows by a part of their key with it, joins by the join key.

use arrow_array::ArrayRef;

use super::codec::{EncodedKeys, KeyCodec};
use super::table::KeyTable;
use crate::ViewsError;

/// No slot.
const NONE: u32 = u32::MAX;

/// Slots by key. The slots of a key are a doubly linked list through two columns indexed by slot.
pub(crate) struct SlotGroups {
    table: KeyTable,
    /// First slot of each key, by the key's own number.
    heads: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl SlotGroups {
    /// No slots yet; keys are made by `codec`.
    pub(crate) fn new(codec: KeyCodec) -> Self {
        Self { table: KeyTable::new(codec), heads: Vec::new(), next: Vec::new(), previous: Vec::new() }
    }

    /// Number of different keys.
    pub(crate) fn keys(&self) -> usize {
        self.table.len()
    }

    /// The codec of the keys.
    pub(crate) fn codec(&self) -> &KeyCodec {
        self.table.codec()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
            + (self.heads.capacity() + self.next.capacity() + self.previous.capacity()) * size_of::<u32>()
    }

    /// Adds slots, none of which is in it: slot `i` under the key in row `i` of the columns.
    pub(crate) fn insert(&mut self, columns: &[ArrayRef], slots: &[u32]) -> Result<(), ViewsError> {
        let keys = self.table.codec().encode(columns, slots.len())?;
        let rows: Vec<u32> = (0..slots.len() as u32).collect();
        self.insert_rows(&keys, &keys.hashes(), &rows, slots);
        Ok(())
    }

    /// As [`SlotGroups::insert`], for keys that are encoded already: slot `i` under the key in row `rows[i]`.
    pub(crate) fn insert_rows(&mut self, keys: &EncodedKeys, hashes: &[u64], rows: &[u32], slots: &[u32]) {
        let (mut groups, mut created) = (Vec::with_capacity(slots.len()), Vec::new());
        self.table.intern(keys, hashes, Some(rows), &mut groups, &mut created);
        self.heads.resize(self.table.slots(), NONE);
        let end = slots.iter().max().map_or(0, |slot| *slot as usize + 1);
        if self.next.len() < end {
            self.next.resize(end, NONE);
            self.previous.resize(end, NONE);
        }
        for (&slot, &group) in slots.iter().zip(&groups) {
            let head = std::mem::replace(&mut self.heads[group as usize], slot);
            self.next[slot as usize] = head;
            self.previous[slot as usize] = NONE;
            if head != NONE {
                self.previous[head as usize] = slot;
            }
        }
    }

    /// Removes slots that are in it, given with their keys.
    pub(crate) fn remove(&mut self, columns: &[ArrayRef], slots: &[u32]) -> Result<(), ViewsError> {
        let keys = self.table.codec().encode(columns, slots.len())?;
        let hashes = keys.hashes();
        slots.iter().enumerate().try_for_each(|(row, slot)| self.remove_row(&keys, row, hashes[row], *slot))
    }

    /// Removes one slot, whose key stands in a row of `keys`.
    pub(crate) fn remove_row(
        &mut self,
        keys: &EncodedKeys,
        row: usize,
        hash: u64,
        slot: u32,
    ) -> Result<(), ViewsError> {
        let (next, previous) = (self.next[slot as usize], self.previous[slot as usize]);
        if next != NONE {
            self.previous[next as usize] = previous;
        }
        if previous != NONE {
            self.next[previous as usize] = next;
            return Ok(());
        }
        let group = self.table.find(keys, row, hash);
        let group = group.ok_or_else(|| ViewsError::Invariant("a row left a group that it was not in".to_owned()))?;
        self.heads[group as usize] = next;
        if next == NONE {
            self.table.remove(&[group]);
        }
        Ok(())
    }

    /// The slots under the key in a row of `keys`, latest first.
    pub(crate) fn find(&self, keys: &EncodedKeys, row: usize, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let head = self.table.find(keys, row, hash).map_or(NONE, |group| self.heads[group as usize]);
        std::iter::successors((head != NONE).then_some(head), |slot| {
            let next = self.next[*slot as usize];
            (next != NONE).then_some(next)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use arrow_array::Int64Array;
    use arrow_schema::{DataType, Field};
    use proptest::prelude::*;

    use super::*;

    fn column(keys: &[i64]) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from(keys.to_vec()))]
    }

    proptest! {
        /// Against a map of sets: slots come, go, and come again under other keys.
        #[test]
        fn finds_what_a_map_of_sets_finds(moves in prop::collection::vec((0_u32..20, 0_i64..4), 0..80)) {
            let mut groups = SlotGroups::new(KeyCodec::new(&[Field::new("k", DataType::Int64, false)]).unwrap());
            let mut keys: BTreeMap<u32, i64> = BTreeMap::new();
            for (slot, key) in moves {
                match keys.remove(&slot) {
                    Some(old) => groups.remove(&column(&[old]), &[slot]).unwrap(),
                    None => {
                        keys.insert(slot, key);
                        groups.insert(&column(&[key]), &[slot]).unwrap();
                    }
                }
                let wanted = groups.codec().encode(&column(&[0, 1, 2, 3]), 4).unwrap();
                let hashes = wanted.hashes();
                for (key, hash) in hashes.into_iter().enumerate() {
                    let found: BTreeSet<u32> = groups.find(&wanted, key, hash).collect();
                    let expected = keys.iter().filter(|(_, k)| **k == key as i64).map(|(slot, _)| *slot).collect();
                    prop_assert_eq!(found, expected);
                }
                prop_assert_eq!(groups.keys(), keys.values().collect::<BTreeSet<_>>().len());
            }
        }
    }
}
