//! Many keys with counts, sorted, in blocks of some hundred bytes to a few kilobytes. Each block knows the sum and the
//! maximum of its counts, so that the key of a rank and the most frequent key are found by looking at the blocks and
//! then into one of them. The large form of [`crate::multiset::Multiset`].

use std::borrow::Borrow;

use crate::multiset::{self, Change, End};

/// A block of this many keys is halved; one of less than a quarter joins a neighbour.
const MOST: usize = 128;

/// Sorted keys with counts, none 0.
pub(crate) struct Blocks<K> {
    /// None empty.
    blocks: Vec<Block<K>>,
    keys: usize,
    /// Capacity of all blocks together, in keys.
    capacity: usize,
}

struct Block<K> {
    entries: Vec<(K, i64)>,
    /// Sum of the counts.
    total: i64,
    /// The greatest count.
    most: i64,
}

impl<K> Block<K> {
    fn new(entries: Vec<(K, i64)>) -> Self {
        let mut block = Self { entries, total: 0, most: 0 };
        block.recount();
        block
    }

    fn recount(&mut self) {
        self.total = self.entries.iter().fold(0, |total, (_, count)| total.wrapping_add(*count));
        self.most = multiset::most(&self.entries);
    }
}

impl<K: Ord> Block<K> {
    fn starts_until<V: Ord + ?Sized>(&self, view: &V) -> bool
    where
        K: Borrow<V>,
    {
        self.entries.first().is_some_and(|(key, _)| key.borrow() <= view)
    }

    fn add<V: Ord + ?Sized>(&mut self, view: &V, weight: i64, own: impl FnOnce(&V) -> K) -> Change
    where
        K: Borrow<V>,
    {
        self.total = self.total.wrapping_add(weight);
        match self.entries.binary_search_by(|(key, _)| key.borrow().cmp(view)) {
            Ok(index) => {
                let before = self.entries[index].1;
                let after = before.wrapping_add(weight);
                if after == 0 {
                    self.entries.remove(index);
                } else {
                    self.entries[index].1 = after;
                }
                if after != 0 && after >= self.most {
                    self.most = after;
                } else if before == self.most {
                    self.most = multiset::most(&self.entries);
                }
                Change { before, after }
            }
            Err(index) => {
                self.most = if self.entries.is_empty() { weight } else { self.most.max(weight) };
                self.entries.insert(index, (own(view), weight));
                Change { before: 0, after: weight }
            }
        }
    }
}

impl<K: Ord> Blocks<K> {
    /// From sorted keys.
    pub(crate) fn new(entries: Vec<(K, i64)>) -> Self {
        Self { keys: entries.len(), capacity: entries.capacity(), blocks: vec![Block::new(entries)] }
    }

    /// Adds `weight` (not 0) to the count of a key.
    pub(crate) fn add<V: Ord + ?Sized>(&mut self, view: &V, weight: i64, own: impl FnOnce(&V) -> K) -> Change
    where
        K: Borrow<V>,
    {
        let index = self.blocks.partition_point(|block| block.starts_until(view)).saturating_sub(1);
        if self.blocks.is_empty() {
            self.blocks.push(Block::new(Vec::new()));
        }
        let block = &mut self.blocks[index];
        let (len, capacity) = (block.entries.len(), block.entries.capacity());
        let change = block.add(view, weight, own);
        self.keys = self.keys + block.entries.len() - len;
        self.capacity = self.capacity + block.entries.capacity() - capacity;
        if block.entries.len() >= MOST {
            self.halve(index);
        } else if change.after == 0 && block.entries.len() < MOST / 4 {
            self.join(index);
        }
        change
    }

    fn halve(&mut self, index: usize) {
        let block = &mut self.blocks[index];
        let half = block.entries.split_off(block.entries.len() / 2);
        block.recount();
        self.capacity += half.capacity();
        self.blocks.insert(index + 1, Block::new(half));
    }

    /// Puts a small block and its neighbour together, if the result is not large; lets an empty one go.
    fn join(&mut self, index: usize) {
        let left = if index + 1 < self.blocks.len() { index } else { index.saturating_sub(1) };
        let (small, fits) = match self.blocks.get(left..left + 2) {
            Some([one, two]) => (left + 1, one.entries.len() + two.entries.len() <= MOST / 2),
            _ => (index, false),
        };
        if fits {
            let removed = self.blocks.remove(small);
            let block = &mut self.blocks[left];
            self.capacity -= removed.entries.capacity() + block.entries.capacity();
            block.entries.extend(removed.entries);
            self.capacity += block.entries.capacity();
            block.recount();
        } else if self.blocks[index].entries.is_empty() {
            self.capacity -= self.blocks.remove(index).entries.capacity();
        }
    }

    /// The least key.
    pub(crate) fn first(&self) -> Option<&K> {
        Some(&self.blocks.first()?.entries.first()?.0)
    }

    /// The greatest key.
    pub(crate) fn last(&self) -> Option<&K> {
        Some(&self.blocks.last()?.entries.last()?.0)
    }

    /// Number of different keys.
    pub(crate) fn len(&self) -> usize {
        self.keys
    }

    /// Sum of all counts.
    pub(crate) fn total(&self) -> i64 {
        self.blocks.iter().fold(0, |total, block| total.wrapping_add(block.total))
    }

    /// The key at a rank from 0, each counted as often as it is there. No count may be negative.
    pub(crate) fn nth(&self, mut rank: i64) -> Option<&K> {
        for block in &self.blocks {
            if rank < block.total {
                return multiset::nth(&block.entries, rank);
            }
            rank -= block.total;
        }
        None
    }

    /// The key with the greatest count; of several, the one at this end.
    pub(crate) fn most_frequent(&self, ties: End) -> Option<&K> {
        let most = self.blocks.iter().map(|block| block.most).max()?;
        let mut blocks = self.blocks.iter().filter(|block| block.most == most);
        let block = if ties == End::First { blocks.next() } else { blocks.next_back() };
        multiset::with_count(&block?.entries, most, ties)
    }

    /// All keys in order with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, i64)> {
        self.blocks.iter().flat_map(|block| &block.entries)
    }

    /// Heap bytes without those of the keys themselves.
    pub(crate) fn heap(&self) -> usize {
        self.blocks.capacity() * size_of::<Block<K>>() + self.capacity * size_of::<(K, i64)>()
    }
}
