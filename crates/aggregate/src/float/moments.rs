//! Variance and standard deviation from exact Σx and Σx², computed as a rational number and rounded once (the standard
//! deviation is the square root of the rounded variance), so nothing cancels and any history gives the same bits.
//! Built by [`crate::AggregateSpec::build`]. Any NaN or infinity gives NaN.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Float64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StructArray};
use arrow_schema::{DataType, Fields};
use num_bigint::BigUint;

use super::rounding::round_ratio;
use super::special::Specials;
use super::superaccumulator::Superaccumulator;
use crate::{Aggregate, AggregateError, Input, rows, state};

/// Which measure of spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Sample variance; NULL for fewer than two values.
    VarSamp,
    /// Population variance.
    VarPop,
    /// Square root of the sample variance.
    StddevSamp,
    /// Square root of the population variance.
    StddevPop,
}

impl Spread {
    fn is_sample(self) -> bool {
        matches!(self, Self::VarSamp | Self::StddevSamp)
    }

    fn name(self) -> &'static str {
        match self {
            Self::VarSamp => "var_samp",
            Self::VarPop => "var_pop",
            Self::StddevSamp => "stddev_samp",
            Self::StddevPop => "stddev_pop",
        }
    }
}

#[derive(Default)]
struct Cell {
    sum: Superaccumulator,
    squares: Superaccumulator,
    values: i64,
}

impl Cell {
    fn heap(&self) -> usize {
        self.sum.heap() + self.squares.heap()
    }

    /// (n·Σx² − (Σx)²) / (n·divisor).
    fn variance(&self, divisor: i64) -> f64 {
        let (sum, sum_exponent) = self.sum.big();
        let (squares, squares_exponent) = self.squares.big();
        let exponent = squares_exponent.min(2 * sum_exponent);
        let squares = (squares * self.values) << (squares_exponent - exponent) as u64;
        let square_of_sum = (&sum * &sum) << (2 * sum_exponent - exponent) as u64;
        let denominator = BigUint::from(self.values.unsigned_abs()) * divisor.unsigned_abs();
        round_ratio(&(squares - square_of_sum), &denominator, exponent)
    }
}

/// Exact Σx and Σx² per slot.
pub(crate) struct Moments {
    cells: Vec<Cell>,
    specials: Specials,
    spread: Spread,
    heap: usize,
}

impl Moments {
    /// An empty one.
    pub(crate) fn new(spread: Spread) -> Self {
        Self { cells: Vec::new(), specials: Specials::default(), spread, heap: 0 }
    }

    fn state_fields() -> Fields {
        state::fields(&[
            ("sum", DataType::Binary, false),
            ("squares", DataType::Binary, false),
            ("values", DataType::Int64, false),
            ("special", DataType::Binary, true),
        ])
    }

    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::Struct(Self::state_fields())
    }

    fn read(&self, slot: usize) -> Result<Option<f64>, AggregateError> {
        let cell = &self.cells[slot];
        let special = self.specials.sum(slot, self.spread.name())?;
        let empty = special.is_none() && cell.sum.is_zero() && cell.squares.is_zero();
        if cell.values < 0 || (cell.values == 0 && !empty) {
            return Err(AggregateError::NegativeWeight(self.spread.name()));
        }
        let divisor = cell.values - i64::from(self.spread.is_sample());
        if divisor <= 0 {
            return Ok(None);
        }
        if special.is_some() {
            return Ok(Some(f64::NAN));
        }
        let variance = cell.variance(divisor);
        if variance < 0.0 {
            // By Cauchy and Schwarz only a retraction of other values than were inserted can lead here.
            return Err(AggregateError::NegativeWeight(self.spread.name()));
        }
        Ok(Some(match self.spread {
            Spread::VarSamp | Spread::VarPop => variance,
            Spread::StddevSamp | Spread::StddevPop => variance.sqrt(),
        }))
    }
}

fn decode(column: &BinaryArray, row: usize) -> Result<Superaccumulator, AggregateError> {
    Superaccumulator::decode(column.value(row)).ok_or_else(|| state::bad("an exact sum"))
}

impl Aggregate for Moments {
    fn grow(&mut self, slots: usize) {
        if slots > self.cells.len() {
            self.cells.resize_with(slots, Cell::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let array = args[0].as_primitive_opt::<Float64Type>().ok_or_else(|| AggregateError::Unsupported {
            function: self.spread.name(),
            types: args[0].data_type().to_string(),
        })?;
        let Self { cells, specials, heap, .. } = self;
        rows::each_value(array.values(), input, array.nulls(), |value, _, slot, weight| {
            let cell = &mut cells[slot];
            cell.values += weight;
            if value.is_finite() {
                let before = cell.heap();
                cell.sum.add(value, weight);
                cell.squares.add_square(value, weight);
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
        let (sums, squares) = (state::binary(states.column(0))?, state::binary(states.column(1))?);
        let values = state::numbers::<Int64Type>(states.column(2))?;
        let specials = state::binary(states.column(3))?;
        for (row, &slot) in slots.iter().enumerate() {
            let cell = &mut self.cells[slot as usize];
            let before = cell.heap();
            cell.sum.merge(&decode(sums, row)?);
            cell.squares.merge(&decode(squares, row)?);
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
        let (mut sums, mut squares) = (BinaryBuilder::new(), BinaryBuilder::new());
        for cell in cells() {
            sums.append_value(cell.sum.encode());
            squares.append_value(cell.squares.encode());
        }
        let values = Int64Array::from_iter_values(cells().map(|cell| cell.values));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(sums.finish()),
            Arc::new(squares.finish()),
            Arc::new(values),
            Arc::new(self.specials.encode(slots)),
        ];
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
        self.cells.capacity() * size_of::<Cell>() + self.heap + self.specials.bytes()
    }
}
