//! `sum(DOUBLE)` and `avg(DOUBLE)`: exact, correctly rounded. Built by [`crate::AggregateSpec::build`].
//!
//! NaN, or +∞ with −∞, gives NaN; otherwise an infinity wins. An exact result of 0 reads as +0.0, also when all terms
//! are −0.0. A sum beyond the range of `f64` reads as an infinity and comes back when retractions bring it into range.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Float64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int64Array, StructArray};
use arrow_schema::{DataType, Fields};
use num_bigint::BigUint;

use super::rounding::round_ratio;
use super::special::Specials;
use super::superaccumulator::Superaccumulator;
use crate::{Aggregate, AggregateError, Input, rows, state};

#[derive(Default)]
struct Cell {
    sum: Superaccumulator,
    values: i64,
}

/// Exact sums per slot.
pub(crate) struct FloatSum {
    cells: Vec<Cell>,
    specials: Specials,
    average: bool,
    heap: usize,
}

impl FloatSum {
    /// An empty one, read as average or as sum.
    pub(crate) fn new(average: bool) -> Self {
        Self { cells: Vec::new(), specials: Specials::default(), average, heap: 0 }
    }

    fn state_fields() -> Fields {
        state::fields(&[
            ("sum", DataType::Binary, false),
            ("values", DataType::Int64, false),
            ("special", DataType::Binary, true),
        ])
    }

    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::Struct(Self::state_fields())
    }

    fn read(&self, slot: usize) -> Result<Option<f64>, AggregateError> {
        let name = if self.average { "avg" } else { "sum" };
        let cell = &self.cells[slot];
        let special = self.specials.sum(slot, name)?;
        match cell.values {
            0 if special.is_none() && cell.sum.is_zero() => Ok(None),
            ..=0 => Err(AggregateError::NegativeWeight(name)),
            _ if special.is_some() => Ok(special),
            _ => Ok(Some(if self.average { average(&cell.sum, cell.values) } else { cell.sum.round().0 })),
        }
    }
}

/// The quotient of the exact sum and a positive number, rounded once.
fn average(sum: &Superaccumulator, values: i64) -> f64 {
    let (rounded, exact) = sum.round();
    if exact && values < 1 << 53 {
        // Both operands are exact, so the division rounds correctly.
        return rounded / values as f64;
    }
    let (sum, exponent) = sum.big();
    round_ratio(&sum, &BigUint::from(values.unsigned_abs()), exponent)
}

impl Aggregate for FloatSum {
    fn grow(&mut self, slots: usize) {
        if slots > self.cells.len() {
            self.cells.resize_with(slots, Cell::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let array = args[0].as_primitive_opt::<Float64Type>().ok_or_else(|| AggregateError::Unsupported {
            function: if self.average { "avg" } else { "sum" },
            types: args[0].data_type().to_string(),
        })?;
        let Self { cells, specials, heap, .. } = self;
        rows::each_value(array.values(), input, array.nulls(), |value, _, slot, weight| {
            let cell = &mut cells[slot];
            cell.values += weight;
            if value.is_finite() {
                let before = cell.sum.heap();
                cell.sum.add(value, weight);
                *heap = *heap + cell.sum.heap() - before;
            } else {
                specials.add(slot, value, weight);
            }
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &Self::state_type())?;
        let states = state::structure(states)?;
        let (sums, specials) = (state::binary(states.column(0))?, state::binary(states.column(2))?);
        let values = state::numbers::<Int64Type>(states.column(1))?;
        for (row, &slot) in slots.iter().enumerate() {
            let cell = &mut self.cells[slot as usize];
            let sum = Superaccumulator::decode(sums.value(row)).ok_or_else(|| state::bad("an exact sum"))?;
            let before = cell.sum.heap();
            cell.sum.merge(&sum);
            self.heap = self.heap + cell.sum.heap() - before;
            cell.values =
                cell.values.checked_add(values.value(row)).ok_or_else(|| state::bad("a count beyond 64 bits"))?;
            self.specials.merge(specials, row, slot as usize)?;
        }
        Ok(())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let mut results = Float64Builder::with_capacity(slots.len());
        for &slot in slots {
            results.append_option(self.read(slot as usize)?);
        }
        Ok(Arc::new(results.finish()))
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let cells = || slots.iter().map(|&slot| &self.cells[slot as usize]);
        let mut sums = BinaryBuilder::with_capacity(slots.len(), slots.len() * 18);
        cells().for_each(|cell| sums.append_value(cell.sum.encode()));
        let values = Int64Array::from_iter_values(cells().map(|cell| cell.values));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(sums.finish()), Arc::new(values), Arc::new(self.specials.encode(slots))];
        Ok(Arc::new(StructArray::try_new(Self::state_fields(), columns, None)?))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            let cell = std::mem::take(&mut self.cells[slot as usize]);
            self.heap -= cell.sum.heap();
            self.specials.clear(slot as usize);
        }
    }

    fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.heap + self.specials.bytes()
    }
}
