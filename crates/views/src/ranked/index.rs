//! A ranked index: the keys of a store's rows in a counted tree. Kept by the tick that changes the store, read under the
//! same lock as the store, so that ranks and rows are of one version.

use std::ops::Range;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_row::Rows;
use arrow_schema::Schema;
use highwater_model::ChangeBatch;

use super::leaf::Bound;
use super::order::{RankOrder, RankSpec};
use super::tree::{KeyChange, Patch, Replaced, Tree};
use crate::ViewsError;
use crate::store::Snapshot;

/// The rows of a store in order, counted.
#[derive(Debug)]
pub struct RankIndex {
    spec: RankSpec,
    pub(super) order: RankOrder,
    tree: Tree,
}

/// Changes of an index, ready to be put in place.
#[derive(Debug)]
pub(crate) struct RankPatch(Patch);

/// What changes replaced, to be dropped when nobody waits.
#[derive(Debug)]
pub(crate) struct RankGarbage(#[expect(dead_code, reason = "kept only to be dropped later")] Replaced);

/// A row's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Places of its partition.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its own place.
    pub(super) place: usize,
}

impl RankIndex {
    /// An index without rows, of a relation with these columns and this key.
    ///
    /// # Errors
    /// When the relation has no key, or a column is of a type without an order.
    pub(crate) fn new(spec: RankSpec, schema: &Schema, key: &[usize]) -> Result<Self, ViewsError> {
        let order = RankOrder::new(&spec, schema, key)?;
        Ok(Self { spec, order, tree: Tree::default() })
    }

    /// What it orders by.
    #[must_use]
    pub fn spec(&self) -> &RankSpec {
        &self.spec
    }

    /// All columns that its order consists of: the partition's, the declared ones, and the rest of the relation's key.
    #[must_use]
    pub fn columns(&self) -> &[super::RankColumn] {
        self.order.columns()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.tree.bytes()
    }

    /// Takes in all rows of a snapshot; there were none before. `progress` is told the share that is done.
    pub(crate) fn fill(&mut self, snapshot: &Snapshot, mut progress: impl FnMut(f64)) -> Result<(), ViewsError> {
        let batches = snapshot.batches();
        let mut keys: Vec<Rows> = Vec::with_capacity(batches);
        for batch in 0..batches {
            keys.push(self.order.keys(&snapshot.batch(batch)?, self.order.columns().len())?);
            progress(batch as f64 / batches as f64 / 2.0);
        }
        let mut sorted: Vec<&[u8]> = Vec::with_capacity(keys.iter().map(Rows::num_rows).sum());
        sorted.extend(keys.iter().flat_map(|rows| rows.iter().map(|row| row.data())));
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ViewsError::Invariant(format!("{}: two rows have one key", self.spec.name)));
        }
        self.tree = Tree::from_sorted(sorted.into_iter());
        Ok(())
    }

    /// The changes of one tick, prepared beside readers.
    pub(crate) fn prepare(&self, changes: &[ChangeBatch]) -> Result<RankPatch, ViewsError> {
        let columns = self.order.columns().len();
        let keys =
            changes.iter().map(|change| self.order.keys(&change.rows, columns)).collect::<Result<Vec<_>, _>>()?;
        let weighed = changes
            .iter()
            .zip(&keys)
            .flat_map(|(change, keys)| keys.iter().enumerate().map(|(row, key)| (key.data(), change.weights.at(row))));
        let mut weighed: Vec<(&[u8], i64)> = weighed.collect();
        weighed.sort_unstable_by(|a, b| a.0.cmp(b.0));
        // A row that came and went, or went and came again, stays as it was.
        let net =
            weighed.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.iter().map(|(_, weight)| weight).sum()));
        let net: Vec<(&[u8], i64)> = net.filter(|(_, weight)| *weight != 0).collect();
        let changes: Vec<KeyChange<'_>> =
            net.iter().map(|(key, weight)| KeyChange { key, comes: *weight > 0 }).collect();
        self.tree.prepare(&changes).map(RankPatch)
    }

    /// Puts changes in place that were prepared for this very state.
    pub(crate) fn apply(&mut self, patch: RankPatch) -> RankGarbage {
        RankGarbage(self.tree.apply(patch.0))
    }

    /// Where a row stands whose key and its beginning, the partition's columns, are these.
    pub(super) fn standing(&self, partition: &[u8], key: &[u8]) -> Standing {
        let Range { start, end } = self.partition(partition);
        Standing { start, end, place: self.tree.count_before(Bound::Before(key)) }
    }

    /// The places of a partition.
    pub(super) fn partition(&self, partition: &[u8]) -> Range<usize> {
        if partition.is_empty() {
            return 0..self.tree.len();
        }
        self.before(partition)..self.after(partition)
    }

    /// How many rows stand before those whose keys begin so.
    pub(super) fn before(&self, start: &[u8]) -> usize {
        self.tree.count_before(Bound::Before(start))
    }

    /// How many rows stand before the first behind those whose keys begin so.
    pub(super) fn after(&self, start: &[u8]) -> usize {
        self.tree.count_before(Bound::After(start))
    }

    /// The keys at these places.
    pub(super) fn keys_at(&self, places: Range<usize>, keys: &mut Vec<Vec<u8>>) {
        self.tree.read(places, |key| keys.push(key.to_vec()));
    }

    /// The beginning of the key at a place, so many columns of it; `None` behind the last place.
    pub(super) fn start_at(&self, place: usize, columns: usize) -> Result<Option<Vec<u8>>, ViewsError> {
        let mut keys = Vec::new();
        self.keys_at(place..place + 1, &mut keys);
        let Some(key) = keys.pop() else { return Ok(None) };
        if columns == 0 {
            return Ok(Some(Vec::new()));
        }
        let values: Vec<ArrayRef> = self.order.read(std::slice::from_ref(&key))?;
        let start = self.order.starts(&values[..columns])?;
        Ok(Some(start.row(0).data().to_vec()))
    }

    /// The keys of rows, and their beginnings of so many columns (empty for none).
    pub(super) fn starts_of(&self, rows: &RecordBatch, columns: usize) -> Result<Vec<Vec<u8>>, ViewsError> {
        if columns == 0 {
            return Ok(vec![Vec::new(); rows.num_rows()]);
        }
        let keys = self.order.keys(rows, columns)?;
        Ok(keys.iter().map(|key| key.data().to_vec()).collect())
    }
}
