//! An ordered multiset of keys for one group: what min/max and first/last keep when rows can be retracted. A few keys
//! lie sorted in place (one without any heap), many in a B-tree. Counts may pass below 0 between the updates of one
//! batch; only reading demands that they are not.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use smallvec::SmallVec;

/// Up to here a sorted array is faster and smaller than a tree.
const FEW: usize = 16;

/// Keys with counts, none 0.
pub(crate) enum Multiset<K> {
    /// Sorted.
    Few(SmallVec<[(K, i64); 1]>),
    /// More than [`FEW`] at some time.
    Many(BTreeMap<K, i64>),
}

impl<K> Default for Multiset<K> {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

/// The count of a key before and after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) before: i64,
    pub(crate) after: i64,
}

impl<K: Ord> Multiset<K> {
    /// Adds `weight` to the count of a key.
    pub(crate) fn add<V: Ord + ?Sized>(&mut self, view: &V, weight: i64, own: impl FnOnce(&V) -> K) -> Change
    where
        K: Borrow<V>,
    {
        if weight == 0 {
            return Change { before: 0, after: 0 };
        }
        if matches!(self, Self::Few(few) if few.len() == FEW) {
            self.spread();
        }
        match self {
            Self::Few(few) => match few.binary_search_by(|(key, _)| key.borrow().cmp(view)) {
                Ok(index) => {
                    let before = few[index].1;
                    few[index].1 += weight;
                    if before + weight == 0 {
                        few.remove(index);
                    }
                    Change { before, after: before + weight }
                }
                Err(index) => {
                    few.insert(index, (own(view), weight));
                    Change { before: 0, after: weight }
                }
            },
            Self::Many(many) => {
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
        }
    }

    fn spread(&mut self) {
        if let Self::Few(few) = self {
            *self = Self::Many(std::mem::take(few).into_iter().collect());
        }
    }

    /// The least key.
    pub(crate) fn first(&self) -> Option<&K> {
        match self {
            Self::Few(few) => few.first().map(|(key, _)| key),
            Self::Many(many) => many.first_key_value().map(|(key, _)| key),
        }
    }

    /// The greatest key.
    pub(crate) fn last(&self) -> Option<&K> {
        match self {
            Self::Few(few) => few.last().map(|(key, _)| key),
            Self::Many(many) => many.last_key_value().map(|(key, _)| key),
        }
    }

    /// Number of different keys.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    /// All keys in order with their counts.
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
        let entry = size_of::<(K, i64)>();
        match self {
            Self::Few(few) if few.spilled() => few.capacity() * entry,
            Self::Few(_) => 0,
            // A B-tree node holds up to 11 entries, about 8 on average, and a header.
            Self::Many(many) => many.len() * (11 * entry + 32) / 8,
        }
    }
}
