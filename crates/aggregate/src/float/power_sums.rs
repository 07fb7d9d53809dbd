//! Exact sums of powers (Σx, and Σx² where needed) for many groups, their number, and NaN and the infinities apart:
//! what all float aggregates keep. What is read from them is the business of a [`Reading`].

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Float64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int64Array, StructArray};
use arrow_schema::{DataType, Field, Fields};

use super::special::Specials;
use super::superaccumulator::Superaccumulator;
use crate::{Aggregate, AggregateError, Input, rows, state};

/// Σx, Σx², … of the finite values of a group, as many as there are powers, and the number of all its values.
pub(crate) struct Sums<const POWERS: usize> {
    pub(super) sums: [Superaccumulator; POWERS],
    pub(super) values: i64,
}

impl<const POWERS: usize> Default for Sums<POWERS> {
    fn default() -> Self {
        Self { sums: std::array::from_fn(|_| Superaccumulator::default()), values: 0 }
    }
}

impl<const POWERS: usize> Sums<POWERS> {
    fn heap(&self) -> usize {
        self.sums.iter().map(Superaccumulator::heap).sum()
    }

    /// Whether nothing finite is left. With no values and no special ones that must be so.
    fn is_zero(&self) -> bool {
        self.sums.iter().all(Superaccumulator::is_zero)
    }

    /// Adds a finite value.
    fn add(&mut self, value: f64, weight: i64) {
        for (index, sum) in self.sums.iter_mut().enumerate() {
            if index == 0 { sum.add(value, weight) } else { sum.add_square(value, weight) }
        }
    }
}

/// What is read from the sums of a group.
pub(crate) trait Reading<const POWERS: usize>: Send {
    /// The SQL name.
    fn name(&self) -> &'static str;

    /// The result. There is at least one value; `special` is the sum if it is not finite.
    fn read(&self, sums: &Sums<POWERS>, special: Option<f64>) -> Result<Option<f64>, AggregateError>;
}

/// Exact sums of the first (one or two) powers per slot.
pub(crate) struct PowerSums<const POWERS: usize, R> {
    cells: Vec<Sums<POWERS>>,
    specials: Specials,
    reading: R,
    heap: usize,
}

impl<const POWERS: usize, R> PowerSums<POWERS, R> {
    /// An empty one.
    pub(super) fn of(reading: R) -> Self {
        Self { cells: Vec::new(), specials: Specials::default(), reading, heap: 0 }
    }

    fn state_fields() -> Fields {
        let sums = ["sum", "squares"].into_iter().take(POWERS).map(|name| (name, DataType::Binary, false));
        let rest = [("values", DataType::Int64, false), ("special", DataType::Binary, true)];
        sums.chain(rest).map(|(name, data_type, nullable)| Field::new(name, data_type, nullable)).collect()
    }

    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::Struct(Self::state_fields())
    }
}

impl<const POWERS: usize, R: Reading<POWERS>> PowerSums<POWERS, R> {
    fn read(&self, slot: usize) -> Result<Option<f64>, AggregateError> {
        let cell = &self.cells[slot];
        let special = self.specials.sum(slot, self.reading.name())?;
        match cell.values {
            0 if special.is_none() && cell.is_zero() => Ok(None),
            ..=0 => Err(AggregateError::NegativeWeight(self.reading.name())),
            _ => self.reading.read(cell, special),
        }
    }
}

impl<const POWERS: usize, R: Reading<POWERS>> Aggregate for PowerSums<POWERS, R> {
    fn grow(&mut self, slots: usize) {
        if slots > self.cells.len() {
            self.cells.resize_with(slots, Sums::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let array = args[0].as_primitive_opt::<Float64Type>().ok_or_else(|| AggregateError::Unsupported {
            function: self.reading.name(),
            types: args[0].data_type().to_string(),
        })?;
        let Self { cells, specials, heap, .. } = self;
        rows::each_value(array.values(), input, array.nulls(), |value, _, slot, weight| {
            let cell = &mut cells[slot];
            cell.values += weight;
            if value.is_finite() {
                let before = cell.heap();
                cell.add(value, weight);
                *heap = *heap + cell.heap() - before;
            } else {
                specials.add(slot, value, weight);
            }
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &Self::state_type())?;
        let states = state::structure(states)?;
        let sums = states.columns()[..POWERS].iter().map(state::binary).collect::<Result<Vec<_>, _>>()?;
        let values = state::numbers::<Int64Type>(states.column(POWERS))?;
        let specials = state::binary(states.column(POWERS + 1))?;
        for (row, &slot) in slots.iter().enumerate() {
            let cell = &mut self.cells[slot as usize];
            let before = cell.heap();
            for (sum, column) in cell.sums.iter_mut().zip(&sums) {
                let added = Superaccumulator::decode(column.value(row));
                sum.merge(&added.ok_or_else(|| state::bad("an exact sum"))?);
            }
            self.heap = self.heap + cell.heap() - before;
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
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(POWERS + 2);
        for power in 0..POWERS {
            let mut sums = BinaryBuilder::with_capacity(slots.len(), slots.len() * 18);
            cells().for_each(|cell| sums.append_value(cell.sums[power].encode()));
            columns.push(Arc::new(sums.finish()));
        }
        columns.push(Arc::new(Int64Array::from_iter_values(cells().map(|cell| cell.values))));
        columns.push(Arc::new(self.specials.encode(slots)));
        Ok(Arc::new(StructArray::try_new(Self::state_fields(), columns, None)?))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            let cell = std::mem::take(&mut self.cells[slot as usize]);
            self.heap -= cell.heap();
            self.specials.clear(slot as usize);
        }
    }

    fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Sums<POWERS>>() + self.heap + self.specials.bytes()
    }
}
