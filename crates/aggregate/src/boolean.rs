//! `bool_and(x)`, `bool_or(x)`: numbers of true and of false values, 16 bytes a group, retractable.
//! Built by [`crate::AggregateSpec::build`].

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StructArray};
use arrow_schema::{DataType, Fields};

use crate::{Aggregate, AggregateError, Input, rows, state};

/// Truth values per slot.
pub(crate) struct Truth {
    /// [false, true].
    counts: Vec<[i64; 2]>,
    /// `bool_and` if true, else `bool_or`.
    all: bool,
}

impl Truth {
    /// An empty one. `all`: `bool_and`, else `bool_or`.
    pub(crate) fn new(all: bool) -> Self {
        Self { counts: Vec::new(), all }
    }

    fn state_fields() -> Fields {
        state::fields(&[("false", DataType::Int64, false), ("true", DataType::Int64, false)])
    }

    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::Struct(Self::state_fields())
    }

    fn read(&self, [no, yes]: [i64; 2]) -> Result<Option<bool>, AggregateError> {
        if no < 0 || yes < 0 {
            return Err(AggregateError::NegativeWeight(if self.all { "bool_and" } else { "bool_or" }));
        }
        let result = if self.all { no == 0 } else { yes > 0 };
        Ok((no + yes > 0).then_some(result))
    }
}

impl Aggregate for Truth {
    fn grow(&mut self, slots: usize) {
        if slots > self.counts.len() {
            self.counts.resize(slots, [0; 2]);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let array = args[0].as_boolean_opt().ok_or_else(|| AggregateError::Unsupported {
            function: if self.all { "bool_and" } else { "bool_or" },
            types: args[0].data_type().to_string(),
        })?;
        let (values, counts) = (array.values(), self.counts.as_mut_slice());
        rows::each(input, array.nulls(), |row, slot, weight| {
            counts[slot][usize::from(values.value(row))] += weight;
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &Self::state_type())?;
        let states = state::structure(states)?;
        for side in 0..2 {
            let added = state::numbers::<Int64Type>(states.column(side))?;
            for (&count, &slot) in added.values().iter().zip(slots) {
                let cell = &mut self.counts[slot as usize][side];
                *cell = cell.checked_add(count).ok_or_else(|| state::bad("a count beyond 64 bits"))?;
            }
        }
        Ok(())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let results: Result<BooleanArray, _> =
            slots.iter().map(|&slot| self.read(self.counts[slot as usize])).collect();
        Ok(Arc::new(results?))
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let side = |side: usize| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(slots.iter().map(|&slot| self.counts[slot as usize][side])))
        };
        Ok(Arc::new(StructArray::try_new(Self::state_fields(), vec![side(0), side(1)], None)?))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.counts[slot as usize] = [0; 2];
        }
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<[i64; 2]>()
    }
}
