//! `count(*)`, `count(x)`, `count(x, y, …)`: 8 bytes a group. Built by [`crate::AggregateSpec::build`];
//! `count(DISTINCT x)` is [`crate::distinct`] over this.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use highwater_model::Weights;

use crate::{Aggregate, AggregateError, Input, rows, state};

/// Rows where no argument is NULL, per slot.
#[derive(Default)]
pub(crate) struct Count {
    counts: Vec<i64>,
}

impl Count {
    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::Int64
    }

    fn gather(&self, slots: &[u32]) -> Int64Array {
        Int64Array::from_iter_values(slots.iter().map(|&slot| self.counts[slot as usize]))
    }
}

impl Aggregate for Count {
    fn grow(&mut self, slots: usize) {
        if slots > self.counts.len() {
            self.counts.resize(slots, 0);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let nulls = args
            .iter()
            .fold(None, |nulls: Option<NullBuffer>, arg| {
                NullBuffer::union(nulls.as_ref(), arg.logical_nulls().as_ref())
            })
            .filter(|nulls| nulls.null_count() > 0);
        let counts = self.counts.as_mut_slice();
        if nulls.is_none() && matches!(input.weights, Weights::AllPlusOne) {
            // Which rows were selected does not matter here, only how many for each slot.
            for &slot in input.slots {
                counts[slot as usize] += 1;
            }
        } else {
            rows::each(input, nulls.as_ref(), |_, slot, weight| counts[slot] += weight);
        }
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &Self::state_type())?;
        let counts = state::numbers::<Int64Type>(states)?;
        for (&count, &slot) in counts.values().iter().zip(slots) {
            let cell = &mut self.counts[slot as usize];
            *cell = cell.checked_add(count).ok_or_else(|| state::bad("a count beyond 64 bits"))?;
        }
        Ok(())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let counts = self.gather(slots);
        if counts.values().iter().any(|&count| count < 0) {
            return Err(AggregateError::NegativeWeight("count"));
        }
        Ok(Arc::new(counts))
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        Ok(Arc::new(self.gather(slots)))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.counts[slot as usize] = 0;
        }
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<i64>()
    }
}
