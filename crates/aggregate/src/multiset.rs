//! An ordered multiset of keys for one group: what min/max and first/last keep when rows can be retracted, and what
//! modes, percentiles, lists and histograms always keep. A few keys lie sorted in place (one without any heap), many in
//! [`Blocks`]. Counts may pass below 0 between the updates of one batch; only reading demands that they are not.

use std::borrow::Borrow;

use smallvec::SmallVec;

use crate::blocks::Blocks;

/// Up to here one sorted array is faster and smaller.
const FEW: usize = 16;

/// Which end of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The least.
    First,
    /// The greatest.
    Last,
}

/// Keys with counts, none 0.
pub(crate) enum Multiset<K> {
    /// Sorted.
    Few(SmallVec<[(K, i64); 1]>),
    /// More than [`FEW`] at some time.
    Many(Box<Blocks<K>>),
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
        if let Self::Few(few) = self
            && few.len() == FEW
        {
            *self = Self::Many(Box::new(Blocks::new(std::mem::take(few).into_vec())));
        }
        match self {
            Self::Few(few) => match few.binary_search_by(|(key, _)| key.borrow().cmp(view)) {
                Ok(index) => {
                    let before = few[index].1;
                    let after = before.wrapping_add(weight);
                    few[index].1 = after;
                    if after == 0 {
                        few.remove(index);
                    }
                    Change { before, after }
                }
                Err(index) => {
                    few.insert(index, (own(view), weight));
                    Change { before: 0, after: weight }
                }
            },
            Self::Many(many) => {
                let change = many.add(view, weight, own);
                if many.len() == 0 {
                    *self = Self::default();
                }
                change
            }
        }
    }

    /// The least key.
    pub(crate) fn first(&self) -> Option<&K> {
        match self {
            Self::Few(few) => few.first().map(|(key, _)| key),
            Self::Many(many) => many.first(),
        }
    }

    /// The greatest key.
    pub(crate) fn last(&self) -> Option<&K> {
        match self {
            Self::Few(few) => few.last().map(|(key, _)| key),
            Self::Many(many) => many.last(),
        }
    }

    /// Number of different keys.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    /// Sum of all counts.
    pub(crate) fn total(&self) -> i64 {
        match self {
            Self::Few(few) => few.iter().fold(0, |total, (_, count)| total.wrapping_add(*count)),
            Self::Many(many) => many.total(),
        }
    }

    /// The key at a rank from 0, each counted as often as it is there. No count may be negative.
    pub(crate) fn nth(&self, rank: i64) -> Option<&K> {
        match self {
            Self::Few(few) => nth(few, rank),
            Self::Many(many) => many.nth(rank),
        }
    }

    /// The key with the greatest count; of several, the one at this end.
    pub(crate) fn most_frequent(&self, ties: End) -> Option<&K> {
        match self {
            Self::Few(few) => with_count(few, most(few), ties),
            Self::Many(many) => many.most_frequent(ties),
        }
    }

    /// All keys in order with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, i64)> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let entries = few.into_iter().flatten().chain(many.into_iter().flat_map(|many| many.iter()));
        entries.map(|(key, count)| (key, *count))
    }

    /// Heap bytes without those of the keys themselves.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::Few(few) if few.spilled() => few.capacity() * size_of::<(K, i64)>(),
            Self::Few(_) => 0,
            Self::Many(many) => size_of::<Blocks<K>>() + many.heap(),
        }
    }
}

/// The greatest count.
pub(crate) fn most<K>(entries: &[(K, i64)]) -> i64 {
    entries.iter().map(|(_, count)| *count).max().unwrap_or(0)
}

/// The key at a rank from 0, each counted as often as it is there. No count may be negative.
pub(crate) fn nth<K>(entries: &[(K, i64)], mut rank: i64) -> Option<&K> {
    let reached = |(_, count): &&(K, i64)| {
        rank -= count;
        rank < 0
    };
    entries.iter().find(reached).map(|(key, _)| key)
}

/// The key with this count; of several, the one at this end.
pub(crate) fn with_count<K>(entries: &[(K, i64)], wanted: i64, ties: End) -> Option<&K> {
    let mut entries = entries.iter().filter(|(_, count)| *count == wanted);
    let entry = if ties == End::First { entries.next() } else { entries.next_back() };
    entry.map(|(key, _)| key)
}
