//! `min`, `max`, `any_value`, `first_value`, `last_value` over append-only input: the least or greatest key of each
//! group, where a key is the value itself or, for first/last, sort keys followed by the value (see [`crate::codec`]).
//! Under retraction they are [`crate::counted`]. Built by [`crate::AggregateSpec::build`].

use std::borrow::Borrow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Fields};
use highwater_model::Weights;

use crate::codec::Codec;
use crate::{Aggregate, AggregateError, Input, entries, state};

/// One key a group; negative weights are refused.
pub(crate) struct Best<C: Codec, const LAST: bool> {
    codec: C,
    name: &'static str,
    fields: Fields,
    keys: Vec<Option<C::Key>>,
    heap: usize,
}

impl<C: Codec, const LAST: bool> Best<C, LAST> {
    /// An empty one for arguments of these types.
    pub(crate) fn new(codec: C, name: &'static str, data_types: &[DataType]) -> Self {
        Self { codec, name, fields: entries::value_fields(data_types), keys: Vec::new(), heap: 0 }
    }

    fn columns(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, AggregateError> {
        self.codec.columns(slots.iter().map(|&slot| self.keys[slot as usize].as_ref()))
    }
}

impl<C: Codec, const LAST: bool> Aggregate for Best<C, LAST> {
    fn grow(&mut self, slots: usize) {
        if slots > self.keys.len() {
            self.keys.resize_with(slots, || None);
        }
    }

    fn update(&mut self, args: &[ArrayRef], input: Input<'_>) -> Result<(), AggregateError> {
        let (keys, heap) = (self.keys.as_mut_slice(), &mut self.heap);
        let mut retracted = false;
        self.codec.each(args, input, |view, _, slot, weight| {
            retracted |= weight < 0;
            let cell = &mut keys[slot];
            if let Some(best) = cell {
                let best: &C::View = (*best).borrow();
                if if LAST { view <= best } else { view >= best } {
                    return;
                }
            }
            *heap += C::heap(view);
            if let Some(old) = cell.replace(C::own(view)) {
                *heap -= C::heap(old.borrow());
            }
        })?;
        if retracted { Err(AggregateError::NegativeWeight(self.name)) } else { Ok(()) }
    }

    fn merge(&mut self, states: &ArrayRef, slots: &[u32]) -> Result<(), AggregateError> {
        state::check(states, slots, &DataType::Struct(self.fields.clone()))?;
        let states = states.as_struct_opt().ok_or_else(|| state::bad("not a struct"))?;
        let (rows, slots): (Vec<u32>, Vec<u32>) =
            (0u32..).zip(slots).filter(|(row, _)| states.is_valid(*row as usize)).unzip();
        let input = Input { rows: Some(&rows), slots: &slots, weights: &Weights::AllPlusOne };
        self.update(states.columns(), input)
    }

    fn finish(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        Ok(self.columns(slots)?.swap_remove(0))
    }

    fn encode(&self, slots: &[u32]) -> Result<ArrayRef, AggregateError> {
        let present: NullBuffer = slots.iter().map(|&slot| self.keys[slot as usize].is_some()).collect();
        Ok(Arc::new(StructArray::try_new(self.fields.clone(), self.columns(slots)?, Some(present))?))
    }

    fn clear(&mut self, slots: &[u32]) {
        for &slot in slots {
            if let Some(old) = self.keys[slot as usize].take() {
                self.heap -= C::heap(old.borrow());
            }
        }
    }

    fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<Option<C::Key>>() + self.heap
    }
}
