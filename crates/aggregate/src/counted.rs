//! All values of each group, counted and in order, and something read from them: what `min`, `max`, `any_value`,
//! `first_value` and `last_value` are under retraction, and what modes, percentiles, lists and histograms always are.
//! What is read is the business of a [`Reading`]; state, retraction and encoding are the same for all.
//! Built by [`crate::AggregateSpec::build`].

use std::borrow::Borrow;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Fields};

use crate::codec::Codec;
use crate::multiset::Multiset;
use crate::reading::Reading;
use crate::{Aggregate, AggregateError, Input, entries, state};

/// A multiset of keys per slot.
pub(crate) struct Counted<C: Codec, R> {
    codec: C,
    reading: R,
    name: &'static str,
    fields: Fields,
    sets: Vec<Multiset<C::Key>>,
    heap: usize,
    /// Number of keys, over all slots, whose count is negative.
    negative: usize,
}

impl<C: Codec, R: Reading<C>> Counted<C, R> {
    /// An empty one for arguments of these types.
    pub(crate) fn new(codec: C, reading: R, name: &'static str, data_types: &[DataType]) -> Self {
        let fields = entries::value_fields(data_types);
        Self { codec, reading, name, fields, sets: Vec::new(), heap: 0, negative: 0 }
    }
}

impl<C: Codec, R: Reading<C>> Aggregate for Counted<C, R> {
    fn grow(&mut self, slots: usize) {
        if slots > self.sets.len() {
            self.sets.resize_with(slots, Multiset::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let Self { codec, sets, heap, negative, .. } = self;
        codec.each(args, input, |view, _, slot, weight| {
            let set = &mut sets[slot];
            let before = set.heap();
            let change = set.add(view, weight, C::own);
            let held = |count: i64| if count == 0 { 0 } else { C::heap(view) };
            *heap = *heap + set.heap() + held(change.after) - before - held(change.before);
            *negative = *negative + usize::from(change.after < 0) - usize::from(change.before < 0);
        })
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &entries::state_type(&self.fields))?;
        let entries = entries::read(states, slots)?;
        self.update(&entries.columns, entries.input())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let sets = || slots.iter().map(|&slot| &self.sets[slot as usize]);
        if self.negative > 0 && sets().any(|set| set.iter().any(|(_, count)| count < 0)) {
            return Err(AggregateError::NegativeWeight(self.name));
        }
        self.reading.read(&self.codec, sets())
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let sets = || slots.iter().map(|&slot| &self.sets[slot as usize]);
        let columns = self.codec.columns(sets().flat_map(Multiset::iter).map(|(key, _)| Some(key)))?;
        let counts = sets().flat_map(Multiset::iter).map(|(_, count)| count).collect();
        entries::write(&self.fields, columns, counts, sets().map(Multiset::len))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            let set = std::mem::take(&mut self.sets[slot as usize]);
            self.heap -= set.heap() + set.iter().map(|(key, _)| C::heap(key.borrow())).sum::<usize>();
            self.negative -= set.iter().filter(|(_, count)| *count < 0).count();
        }
    }

    fn bytes(&self) -> usize {
        self.sets.capacity() * size_of::<Multiset<C::Key>>() + self.heap
    }
}
