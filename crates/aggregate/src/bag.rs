//! An unordered multiset of keys for one group: what the distinct aggregates keep. A few keys lie in place, many in a
//! hash table with fixed seeds. Counts may pass below 0 between the updates of one batch.

use std::borrow::Borrow;
use std::hash::Hash;

use ahash::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::multiset::Change;

/// Up to here looking at every key is as fast as hashing.
const FEW: usize = 8;

/// Keys with counts, none 0.
pub(crate) enum Bag<K> {
    /// Unsorted.
    Few(SmallVec<[(K, i64); 1]>),
    /// More than [`FEW`] at some time.
    Many(Box<HashMap<K, i64, RandomState>>),
}

impl<K> Default for Bag<K> {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl<K: Hash + Eq> Bag<K> {
    /// Adds `weight` to the count of a key.
    pub(crate) fn add<V: Hash + Eq + ?Sized>(&mut self, view: &V, weight: i64, own: impl FnOnce(&V) -> K) -> Change
    where
        K: Borrow<V>,
    {
        if weight == 0 {
            return Change { before: 0, after: 0 };
        }
        if let Self::Few(few) = self {
            if let Some(index) = few.iter().position(|(key, _)| key.borrow() == view) {
                let before = few[index].1;
                few[index].1 += weight;
                if before + weight == 0 {
                    few.swap_remove(index);
                }
                return Change { before, after: before + weight };
            }
            if few.len() < FEW {
                few.push((own(view), weight));
                return Change { before: 0, after: weight };
            }
        }
        self.add_many(view, weight, own)
    }

    fn add_many<V: Hash + Eq + ?Sized>(&mut self, view: &V, weight: i64, own: impl FnOnce(&V) -> K) -> Change
    where
        K: Borrow<V>,
    {
        if let Self::Few(few) = self {
            let mut many = HashMap::with_capacity_and_hasher(2 * FEW, RandomState::with_seeds(5, 6, 7, 8));
            many.extend(std::mem::take(few));
            *self = Self::Many(Box::new(many));
        }
        let Self::Many(many) = self else {
            return Change { before: 0, after: 0 };
        };
        let Some(count) = many.get_mut(view) else {
            many.insert(own(view), weight);
            return Change { before: 0, after: weight };
        };
        let before = *count;
        *count += weight;
        if before + weight == 0 {
            many.remove(view);
            if many.is_empty() {
                *self = Self::default();
            }
        }
        Change { before, after: before + weight }
    }

    /// All keys in order with their counts.
    pub(crate) fn sorted(&self) -> Vec<(&K, i64)>
    where
        K: Ord,
    {
        let mut entries: Vec<(&K, i64)> = self.iter().collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
        entries
    }

    /// All keys in no order with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, i64)> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flat_map(|few| few.iter().map(|(key, count)| (key, *count)));
        few.chain(many.into_iter().flat_map(|many| many.iter().map(|(key, count)| (key, *count))))
    }

    /// Heap bytes without those of the keys themselves.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::Few(few) if few.spilled() => few.capacity() * size_of::<(K, i64)>(),
            Self::Few(_) => 0,
            Self::Many(many) => size_of::<HashMap<K, i64, RandomState>>() + many.allocation_size(),
        }
    }
}
