//! NaN and the infinities of float aggregates: counted apart from the exact sum, and only for the few groups that have
//! any, so that retracting one restores the finite result.

use std::collections::HashMap;

use ahash::RandomState;
use arrow_array::{Array, BinaryArray};

use crate::{AggregateError, state};

/// Numbers of NaN, +∞ and −∞ per slot.
pub(crate) struct Specials {
    counts: HashMap<usize, [i64; 3], RandomState>,
}

impl Default for Specials {
    fn default() -> Self {
        Self { counts: HashMap::with_hasher(RandomState::with_seeds(9, 10, 11, 12)) }
    }
}

impl Specials {
    /// Counts a value that is not finite.
    #[cold]
    pub(crate) fn add(&mut self, slot: usize, value: f64, weight: i64) {
        let mut counts = [0; 3];
        counts[if value.is_nan() { 0 } else { 1 + usize::from(value < 0.0) }] = weight;
        self.add_counts(slot, counts);
    }

    fn add_counts(&mut self, slot: usize, added: [i64; 3]) {
        let counts = self.counts.entry(slot).or_default();
        for (count, added) in counts.iter_mut().zip(added) {
            *count = count.saturating_add(added);
        }
        if *counts == [0; 3] {
            self.counts.remove(&slot);
        }
    }

    /// What the sum of a slot is because of them; `None` when there are none.
    pub(crate) fn sum(&self, slot: usize, name: &'static str) -> Result<Option<f64>, AggregateError> {
        if self.counts.is_empty() {
            return Ok(None);
        }
        match self.counts.get(&slot) {
            None => Ok(None),
            Some(counts) if counts.iter().any(|count| *count < 0) => Err(AggregateError::NegativeWeight(name)),
            Some([0, _, 0]) => Ok(Some(f64::INFINITY)),
            Some([0, 0, _]) => Ok(Some(f64::NEG_INFINITY)),
            Some(_) => Ok(Some(f64::NAN)),
        }
    }

    /// The counts of these slots: three little-endian 64-bit integers, or NULL.
    pub(crate) fn encode(&self, slots: &[u32]) -> BinaryArray {
        let bytes = |slot: &u32| Some(self.counts.get(&(*slot as usize))?.map(i64::to_le_bytes).concat());
        slots.iter().map(bytes).collect()
    }

    /// Adds the counts of an encoded state.
    pub(crate) fn merge(&mut self, column: &BinaryArray, row: usize, slot: usize) -> Result<(), AggregateError> {
        if column.is_null(row) {
            return Ok(());
        }
        match column.value(row).as_chunks::<8>() {
            ([nan, positive, negative], []) => {
                self.add_counts(slot, [nan, positive, negative].map(|count| i64::from_le_bytes(*count)));
                Ok(())
            }
            _ => Err(state::bad("counts of special values")),
        }
    }

    /// Forgets a slot.
    pub(crate) fn clear(&mut self, slot: usize) {
        if !self.counts.is_empty() {
            self.counts.remove(&slot);
        }
    }

    /// Heap bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.counts.capacity() * (size_of::<(usize, [i64; 3])>() + 1)
    }
}
