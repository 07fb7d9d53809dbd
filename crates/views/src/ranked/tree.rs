//! A counted tree of keys (order statistics; Knuth, The Art of Computer Programming 3, 6.2.3): how many keys lie before a
//! place, and which key is the n-th. Three levels: the root lists blocks with their number of keys, a block lists leaves.
//! Changes are made in two steps: a [`Patch`] is prepared beside readers, and put in place by moving pointers.

use super::leaf::{Bound, FEW_KEYS, Leaf, MOST_KEYS, NEW_KEYS};
use crate::ViewsError;

/// Leaves of a block at most.
const MOST_LEAVES: usize = 512;
/// Leaves of a new block.
const NEW_LEAVES: usize = 384;

/// Different keys in order.
#[derive(Debug, Default)]
pub(super) struct Tree {
    blocks: Vec<Block>,
    keys: usize,
    leaf_bytes: usize,
}

#[derive(Debug, Default)]
struct Block {
    leaves: Vec<Leaf>,
    keys: usize,
}

/// A key that comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyChange<'a> {
    pub(super) key: &'a [u8],
    pub(super) comes: bool,
}

/// Leaves that take the place of others. Valid until the tree changes.
#[derive(Debug, Default)]
pub(super) struct Patch(Vec<Replacement>);

/// `leaves` in the place of so many leaves of a block.
#[derive(Debug)]
struct Replacement {
    block: usize,
    first: usize,
    count: usize,
    leaves: Vec<Leaf>,
}

/// Leaves that were replaced. Dropping them takes time, which readers need not wait for.
#[derive(Debug, Default)]
pub(super) struct Replaced(#[expect(dead_code, reason = "kept only to be dropped later")] Vec<Leaf>);

impl Tree {
    /// A tree of these different keys, which come in rising order.
    pub(super) fn from_sorted<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut tree = Self::default();
        let mut waiting: Vec<&[u8]> = Vec::with_capacity(NEW_KEYS);
        for key in keys {
            waiting.push(key);
            if waiting.len() == NEW_KEYS {
                tree.push(Leaf::new(&waiting));
                waiting.clear();
            }
        }
        if !waiting.is_empty() {
            tree.push(Leaf::new(&waiting));
        }
        tree
    }

    fn push(&mut self, leaf: Leaf) {
        if self.blocks.last().is_none_or(|block| block.leaves.len() == NEW_LEAVES) {
            self.blocks.push(Block::default());
        }
        let Some(block) = self.blocks.last_mut() else { return };
        block.keys += leaf.len();
        self.keys += leaf.len();
        self.leaf_bytes += leaf.bytes();
        block.leaves.push(leaf);
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.keys
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let unused = |block: &Block| (block.leaves.capacity() - block.leaves.len()) * size_of::<Leaf>();
        self.leaf_bytes + self.blocks.capacity() * size_of::<Block>() + self.blocks.iter().map(unused).sum::<usize>()
    }

    /// How many keys lie before a place.
    pub(super) fn count_before(&self, bound: Bound<'_>) -> usize {
        let Some((block, leaf)) = self.leaf_before(bound) else { return 0 };
        let blocks: usize = self.blocks[..block].iter().map(|block| block.keys).sum();
        let leaves = &self.blocks[block].leaves;
        blocks + leaves[..leaf].iter().map(Leaf::len).sum::<usize>() + leaves[leaf].count_before(bound)
    }

    /// Calls `each` with the keys at these places (from 0, the end excluded), in order.
    pub(super) fn read(&self, places: std::ops::Range<usize>, mut each: impl FnMut(&[u8])) {
        let mut skip = places.start;
        let mut left = places.end.min(self.keys).saturating_sub(places.start);
        let mut key = Vec::new();
        for block in &self.blocks {
            if skip >= block.keys {
                skip -= block.keys;
                continue;
            }
            for leaf in &block.leaves {
                if left == 0 {
                    return;
                }
                for at in skip.min(leaf.len())..leaf.len().min(skip.saturating_add(left)) {
                    key.clear();
                    leaf.read(at, &mut key);
                    each(&key);
                    left -= 1;
                }
                skip = skip.saturating_sub(leaf.len());
            }
        }
    }

    /// The last leaf whose first key lies before a place.
    fn leaf_before(&self, bound: Bound<'_>) -> Option<(usize, usize)> {
        let begins_before = |block: &Block| block.leaves.first().is_some_and(|leaf| leaf.begins_before(bound));
        let block = self.blocks.partition_point(begins_before).checked_sub(1)?;
        let leaf = self.blocks[block].leaves.partition_point(|leaf| leaf.begins_before(bound)).checked_sub(1)?;
        Some((block, leaf))
    }

    /// The changes as a patch. They are in rising order, each of another key.
    ///
    /// # Errors
    /// When a key comes that is there, or goes that is not: a defect of who calls.
    pub(super) fn prepare(&self, changes: &[KeyChange<'_>]) -> Result<Patch, ViewsError> {
        let mut patch = Patch::default();
        let mut left = changes;
        while let Some(first) = left.first() {
            if self.blocks.is_empty() {
                let mut merged = Merged::default();
                merged.add(None, left)?;
                patch.0.push(Replacement { block: 0, first: 0, count: 0, leaves: merged.leaves() });
                break;
            }
            let (block, leaf) = self.leaf_before(Bound::Behind(first.key)).unwrap_or((0, 0));
            let leaves = &self.blocks[block].leaves;
            let mut merged = Merged::default();
            let mut next = leaf;
            // A leaf that becomes small takes in the one behind it.
            while next == leaf || (merged.len() < FEW_KEYS && next < leaves.len()) {
                let here = left.partition_point(|change| !self.is_behind(block, next, change.key));
                merged.add(Some(&leaves[next]), &left[..here])?;
                left = &left[here..];
                next += 1;
            }
            patch.0.push(Replacement { block, first: leaf, count: next - leaf, leaves: merged.leaves() });
        }
        Ok(patch)
    }

    /// Whether a key belongs to a leaf behind this one.
    fn is_behind(&self, block: usize, leaf: usize, key: &[u8]) -> bool {
        let next = self.blocks[block].leaves.get(leaf + 1);
        let next = next.or_else(|| self.blocks.get(block + 1).and_then(|block| block.leaves.first()));
        next.is_some_and(|next| next.begins_before(Bound::Behind(key)))
    }

    /// Puts a patch in place.
    pub(super) fn apply(&mut self, patch: Patch) -> Replaced {
        let mut replaced = Vec::with_capacity(patch.0.len());
        if self.blocks.is_empty() && !patch.0.is_empty() {
            self.blocks.push(Block::default());
        }
        // From the end, so that what is in front stays where the patch says.
        for change in patch.0.into_iter().rev() {
            let Some(block) = self.blocks.get_mut(change.block) else { continue };
            let came: usize = change.leaves.iter().map(Leaf::len).sum();
            self.leaf_bytes += change.leaves.iter().map(Leaf::bytes).sum::<usize>();
            let before = replaced.len();
            replaced.extend(block.leaves.splice(change.first..change.first + change.count, change.leaves));
            let went: usize = replaced[before..].iter().map(Leaf::len).sum();
            self.leaf_bytes -= replaced[before..].iter().map(Leaf::bytes).sum::<usize>();
            block.keys = block.keys + came - went;
            self.keys = self.keys + came - went;
        }
        self.balance();
        Replaced(replaced)
    }

    /// Splits blocks that have grown too large, removes empty ones, joins small ones with the block behind them.
    fn balance(&mut self) {
        const SMALL: usize = NEW_LEAVES / 8;
        for at in
            (0..self.blocks.len()).rev().filter(|at| self.blocks[*at].leaves.len() > MOST_LEAVES).collect::<Vec<_>>()
        {
            let mut leaves = std::mem::take(&mut self.blocks[at]).leaves.into_iter();
            let parts = std::iter::from_fn(|| {
                let leaves: Vec<Leaf> = leaves.by_ref().take(NEW_LEAVES / 2).collect();
                (!leaves.is_empty()).then(|| Block { keys: leaves.iter().map(Leaf::len).sum(), leaves })
            });
            let parts: Vec<Block> = parts.collect();
            self.blocks.splice(at..=at, parts);
        }
        self.blocks.retain(|block| !block.leaves.is_empty());
        let mut at = 0;
        while at + 1 < self.blocks.len() {
            let (here, behind) = (self.blocks[at].leaves.len(), self.blocks[at + 1].leaves.len());
            if here.min(behind) < SMALL && here + behind <= NEW_LEAVES {
                let joined = self.blocks.remove(at + 1);
                self.blocks[at].leaves.extend(joined.leaves);
                self.blocks[at].keys += joined.keys;
            } else {
                at += 1;
            }
        }
    }
}

/// Keys of some leaves after changes.
#[derive(Default)]
struct Merged {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Merged {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    /// Adds the keys of a leaf, changed.
    fn add(&mut self, leaf: Option<&Leaf>, changes: &[KeyChange<'_>]) -> Result<(), ViewsError> {
        let mut changes = changes.iter().peekable();
        let mut key = Vec::new();
        for at in 0..leaf.map_or(0, Leaf::len) {
            key.clear();
            if let Some(leaf) = leaf {
                leaf.read(at, &mut key);
            }
            while let Some(change) = changes.next_if(|change| *change.key < *key) {
                self.change(change)?;
            }
            match changes.next_if(|change| *change.key == *key) {
                Some(change) if change.comes => return Err(unfit("came that was there")),
                Some(_) => {}
                None => self.push(&key),
            }
        }
        changes.try_for_each(|change| self.change(change))
    }

    /// Takes in a key that no leaf has.
    fn change(&mut self, change: &KeyChange<'_>) -> Result<(), ViewsError> {
        if !change.comes {
            return Err(unfit("went that was not there"));
        }
        self.push(change.key);
        Ok(())
    }

    /// The keys as leaves of about equal size.
    fn leaves(&self) -> Vec<Leaf> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let keys: Vec<&[u8]> = starts.zip(&self.ends).map(|(from, to)| &self.bytes[from..*to]).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        let leaves = if keys.len() <= MOST_KEYS { 1 } else { keys.len().div_ceil(NEW_KEYS) };
        keys.chunks(keys.len().div_ceil(leaves)).map(Leaf::new).collect()
    }
}

fn unfit(what: &str) -> ViewsError {
    ViewsError::Invariant(format!("a key of a ranked index {what}"))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
