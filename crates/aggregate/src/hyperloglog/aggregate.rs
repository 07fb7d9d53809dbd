//! `approx_distinct` over many groups. Built by [`crate::AggregateSpec::build`].

use std::sync::Arc;

use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::DataType;

use super::hash;
use super::sketch::Sketch;
use crate::codec::Codec;
use crate::{Aggregate, AggregateError, Input, state};

const NAME: &str = "approx_distinct";

/// One sketch a slot; negative weights are refused, for a sketch does not know how often it saw a value.
pub(crate) struct DistinctEstimate<C> {
    codec: C,
    sketches: Vec<Sketch>,
    heap: usize,
}

impl<C: Codec> DistinctEstimate<C> {
    /// An empty one.
    pub(crate) fn new(codec: C) -> Self {
        Self { codec, sketches: Vec::new(), heap: 0 }
    }
}

impl DistinctEstimate<()> {
    /// The type of the encoded state.
    pub(crate) fn state_type() -> DataType {
        DataType::LargeBinary
    }
}

impl<C: Codec> Aggregate for DistinctEstimate<C> {
    fn grow(&mut self, slots: usize) {
        if slots > self.sketches.len() {
            self.sketches.resize_with(slots, Sketch::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let Self { codec, sketches, heap } = self;
        let mut retracted = false;
        codec.each(args, input, |view, _, slot, weight| {
            retracted |= weight < 0;
            let sketch = &mut sketches[slot];
            let before = sketch.heap();
            sketch.add(hash::stable(view));
            *heap = *heap + sketch.heap() - before;
        })?;
        if retracted { Err(AggregateError::NegativeWeight(NAME)) } else { Ok(()) }
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &DistinctEstimate::state_type())?;
        let states = states.as_binary_opt::<i64>().ok_or_else(|| state::bad("not binary"))?;
        if states.null_count() > 0 {
            return Err(state::bad("a state is NULL"));
        }
        for (bytes, &slot) in states.iter().flatten().zip(slots) {
            let other = Sketch::decode(bytes).ok_or_else(|| state::bad("a sketch of distinct values"))?;
            let sketch = &mut self.sketches[slot as usize];
            let before = sketch.heap();
            sketch.merge(other);
            self.heap = self.heap + sketch.heap() - before;
        }
        Ok(())
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let counts = slots.iter().map(|&slot| self.sketches[slot as usize].count());
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let mut states = LargeBinaryBuilder::new();
        slots.iter().for_each(|&slot| states.append_value(self.sketches[slot as usize].encode()));
        Ok(Arc::new(states.finish()))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.heap -= std::mem::take(&mut self.sketches[slot as usize]).heap();
        }
    }

    fn bytes(&self) -> usize {
        self.sketches.capacity() * size_of::<Sketch>() + self.heap
    }
}
