//! `DISTINCT` for any aggregate of one argument: a bag of the values of each group, in front of the plain aggregate,
//! which sees a value once when its count leaves 0 and loses it when the count returns to 0. Results therefore cost no
//! more than without `DISTINCT`. −0.0 and 0.0 are one value, as for `GROUP BY`. Built by [`crate::AggregateSpec::build`].

use std::borrow::Borrow;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Fields};
use highwater_model::Weights;

use crate::bag::Bag;
use crate::codec::Codec;
use crate::{Aggregate, AggregateError, Input, entries, state};

/// Distinct values per slot, and the aggregate over them.
pub(crate) struct Distinct<C: Codec> {
    codec: C,
    name: &'static str,
    fields: Fields,
    bags: Vec<Bag<C::Key>>,
    inner: Box<dyn Aggregate>,
    heap: usize,
    /// Number of values, over all slots, whose count is negative.
    negative: usize,
}

impl<C: Codec> Distinct<C> {
    /// An empty one for an argument of this type.
    pub(crate) fn new(codec: C, name: &'static str, data_types: &[DataType], inner: Box<dyn Aggregate>) -> Self {
        let fields = entries::value_fields(data_types);
        Self { codec, name, fields, bags: Vec::new(), inner, heap: 0, negative: 0 }
    }
}

impl<C: Codec> Aggregate for Distinct<C> {
    fn grow(&mut self, slots: usize) {
        if slots > self.bags.len() {
            self.bags.resize_with(slots, Bag::default);
        }
        self.inner.grow(slots);
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let Self { codec, bags, heap, negative, .. } = self;
        let (mut rows, mut slots, mut signs) = (Vec::new(), Vec::new(), Vec::new());
        codec.each(args, input, |view, row, slot, weight| {
            let bag = &mut bags[slot];
            let before = bag.heap();
            let change = bag.add(view, weight, C::own);
            let held = |count: i64| if count == 0 { 0 } else { C::heap(view) };
            *heap = *heap + bag.heap() + held(change.after) - before - held(change.before);
            *negative = *negative + usize::from(change.after < 0) - usize::from(change.before < 0);
            let sign = i64::from(change.after > 0) - i64::from(change.before > 0);
            if sign != 0 {
                rows.push(row as u32);
                slots.push(slot as u32);
                signs.push(sign);
            }
        })?;
        if rows.is_empty() {
            return Ok(());
        }
        let weights = if signs.iter().all(|&sign| sign == 1) {
            Weights::AllPlusOne
        } else {
            let mut weights = vec![1; args[0].len()];
            for (&row, &sign) in rows.iter().zip(&signs) {
                weights[row as usize] = sign;
            }
            Weights::Each(weights.into())
        };
        self.inner.update(args, Input { rows: Some(&rows), slots: &slots, weights: &weights })
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &entries::state_type(&self.fields))?;
        let entries = entries::read(states, slots)?;
        self.update(&entries.columns, entries.input())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let mut bags = slots.iter().map(|&slot| &self.bags[slot as usize]);
        if self.negative > 0 && bags.any(|bag| bag.iter().any(|(_, count)| count < 0)) {
            return Err(AggregateError::NegativeWeight(self.name));
        }
        self.inner.finish(slots)
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let bags: Vec<_> = slots.iter().map(|&slot| self.bags[slot as usize].sorted()).collect();
        let columns = self.codec.columns(bags.iter().flatten().map(|(key, _)| Some(*key)))?;
        let counts = bags.iter().flatten().map(|(_, count)| *count).collect();
        entries::write(&self.fields, columns, counts, bags.iter().map(Vec::len))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            let bag = std::mem::take(&mut self.bags[slot as usize]);
            self.heap -= bag.heap() + bag.iter().map(|(key, _)| C::heap(key.borrow())).sum::<usize>();
            self.negative -= bag.iter().filter(|(_, count)| *count < 0).count();
        }
        self.inner.clear(slots);
    }

    fn bytes(&self) -> usize {
        self.bags.capacity() * size_of::<Bag<C::Key>>() + self.heap + self.inner.bytes()
    }
}
