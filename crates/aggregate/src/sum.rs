//! Exact sums and averages of integers, decimals and durations. Built by [`crate::AggregateSpec::build`]; floats are in
//! [`crate::float`].
//!
//! A slot holds one word (`BIGINT`: 64 bits, `DECIMAL(≤38)`: 128) and the number of values, 16 bytes for `BIGINT`. What
//! leaves the word goes to a sparse map of carries, so sums are exact however large they become on the way. A result
//! beyond the result type (64 bits, or the decimal's precision) reads as NULL and comes back when retractions bring it
//! into range.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use ahash::RandomState;
use arrow_array::builder::PrimitiveBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Int64Array, PrimitiveArray, StructArray};
use arrow_schema::{DataType, Fields};
use num_bigint::BigInt;

use crate::word::Word;
use crate::{Aggregate, AggregateError, Input, physical, rows, state};

/// What is read from sum and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The sum.
    Sum,
    /// The sum times ten to this power, divided by the number of values, truncated.
    Average(u32),
}

#[derive(Clone, Copy, Default)]
struct Cell<W> {
    sum: W,
    values: i64,
}

/// Sums of values of carrier `T` in words `W`.
pub(crate) struct ExactSum<T, W> {
    cells: Vec<Cell<W>>,
    /// What left the word, in units of 2^bits; absent means 0.
    carries: HashMap<usize, i64, RandomState>,
    reading: Reading,
    result_type: DataType,
    /// Results must lie strictly between these.
    limits: Option<(W, W)>,
    carrier: PhantomData<fn(T)>,
}

/// The type of the encoded state for words `W`.
pub(crate) fn state_type<W: Word>() -> DataType {
    DataType::Struct(state_fields::<W>())
}

fn state_fields<W: Word>() -> Fields {
    state::fields(&[
        ("sum", W::Arrow::DATA_TYPE, false),
        ("values", DataType::Int64, false),
        ("carry", DataType::Int64, false),
    ])
}

impl<T, W> ExactSum<T, W>
where
    T: ArrowPrimitiveType,
    W: Word + From<T::Native> + PartialOrd,
{
    /// An empty one. `precision`: decimal digits that a result may have.
    pub(crate) fn new(reading: Reading, result_type: DataType, precision: Option<u8>) -> Self {
        let limits = precision.and_then(|digits| {
            let limit = BigInt::from(10).pow(u32::from(digits));
            Some((W::from_big(&-&limit)?, W::from_big(&limit)?))
        });
        Self {
            cells: Vec::new(),
            carries: HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4)),
            reading,
            result_type,
            limits,
            carrier: PhantomData,
        }
    }

    fn read(&self, slot: usize) -> Result<Option<W>, AggregateError> {
        let cell = self.cells[slot];
        let carry = self.carries.get(&slot).copied().unwrap_or(0);
        if cell.values < 0 || (cell.values == 0 && (carry != 0 || cell.sum != W::default())) {
            return Err(AggregateError::NegativeWeight(self.name()));
        }
        if cell.values == 0 {
            return Ok(None);
        }
        let result = match self.reading {
            Reading::Sum => (carry == 0).then_some(cell.sum),
            Reading::Average(power) => {
                let total = cell.sum.big() + (BigInt::from(carry) << W::BITS);
                W::from_big(&(total * BigInt::from(10).pow(power) / cell.values))
            }
        };
        Ok(result.filter(|value| self.fits(*value)))
    }

    fn fits(&self, value: W) -> bool {
        self.limits.is_none_or(|(low, high)| low < value && value < high)
    }

    fn name(&self) -> &'static str {
        if self.reading == Reading::Sum { "sum" } else { "avg" }
    }
}

/// Adds to the carry of a slot; 0 is not kept.
#[cold]
fn carry_out(carries: &mut HashMap<usize, i64, RandomState>, slot: usize, by: i64) {
    let carry = carries.entry(slot).or_insert(0);
    *carry += by;
    if *carry == 0 {
        carries.remove(&slot);
    }
}

impl<T, W> Aggregate for ExactSum<T, W>
where
    T: ArrowPrimitiveType,
    W: Word + From<T::Native> + PartialOrd,
{
    fn grow(&mut self, slots: usize) {
        if slots > self.cells.len() {
            self.cells.resize(slots, Cell::default());
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let array = physical::relabel(&args[0], &carrier_of::<T>(args[0].data_type()))?;
        let array: &PrimitiveArray<T> = array
            .as_primitive_opt()
            .ok_or_else(|| AggregateError::Unsupported { function: "sum", types: args[0].data_type().to_string() })?;
        let (cells, carries) = (self.cells.as_mut_slice(), &mut self.carries);
        rows::each_value(array.values(), input, array.nulls(), |value, _, slot, weight| {
            let cell = &mut cells[slot];
            let value = W::from(value);
            let (sum, carry) = if weight == 1 { cell.sum.plus(value) } else { cell.sum.plus_times(value, weight) };
            cell.sum = sum;
            cell.values += weight;
            if carry != 0 {
                carry_out(carries, slot, carry);
            }
        });
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &state_type::<W>())?;
        let states = state::structure(states)?;
        let sums = state::numbers::<W::Arrow>(states.column(0))?;
        let values = state::numbers::<Int64Type>(states.column(1))?;
        let carries = state::numbers::<Int64Type>(states.column(2))?;
        for (index, &slot) in slots.iter().enumerate() {
            let cell = &mut self.cells[slot as usize];
            let (sum, carry) = cell.sum.plus(sums.value(index));
            let out_of_range = || state::bad("a number beyond 64 bits");
            cell.values = cell.values.checked_add(values.value(index)).ok_or_else(out_of_range)?;
            cell.sum = sum;
            let carry = carry.checked_add(carries.value(index)).ok_or_else(out_of_range)?;
            if carry != 0 {
                carry_out(&mut self.carries, slot as usize, carry);
            }
        }
        Ok(())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let mut results = PrimitiveBuilder::<W::Arrow>::with_capacity(slots.len());
        for &slot in slots {
            results.append_option(self.read(slot as usize)?);
        }
        let results = results.finish();
        if matches!(self.result_type, DataType::Decimal32(..)) {
            let narrow = results
                .as_any()
                .downcast_ref::<Int64Array>()
                .map(|wide| wide.unary_opt::<_, Int32Type>(|value| i32::try_from(value).ok()));
            if let Some(narrow) = narrow {
                return physical::relabel(&(Arc::new(narrow) as ArrayRef), &self.result_type);
            }
        }
        physical::relabel(&(Arc::new(results) as ArrayRef), &self.result_type)
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let cells = || slots.iter().map(|&slot| self.cells[slot as usize]);
        let carry = |&slot: &u32| self.carries.get(&(slot as usize)).copied().unwrap_or(0);
        let sums = PrimitiveArray::<W::Arrow>::from_iter_values(cells().map(|cell| cell.sum));
        let values = Int64Array::from_iter_values(cells().map(|cell| cell.values));
        let carries = Int64Array::from_iter_values(slots.iter().map(carry));
        let columns: Vec<ArrayRef> = vec![Arc::new(sums), Arc::new(values), Arc::new(carries)];
        Ok(Arc::new(StructArray::try_new(state_fields::<W>(), columns, None)?))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.cells[slot as usize] = Cell::default();
            if !self.carries.is_empty() {
                self.carries.remove(&(slot as usize));
            }
        }
    }

    fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell<W>>() + self.carries.capacity() * (size_of::<(usize, i64)>() + 1)
    }
}

/// Decimals of 128 and 256 bits are their own carriers whatever their precision.
fn carrier_of<T: ArrowPrimitiveType>(given: &DataType) -> DataType {
    match given {
        DataType::Decimal128(..) | DataType::Decimal256(..) => given.clone(),
        _ => T::DATA_TYPE,
    }
}
