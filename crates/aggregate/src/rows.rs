//! Walking over the selected rows of an [`Input`]: one place that specialises for "all rows, no NULLs, all +1", so that
//! every aggregate's loop is tight without being written four times. Used by all aggregates; knows no state.

use arrow_buffer::NullBuffer;
use highwater_model::Weights;

use crate::Input;

/// Calls `act(row, slot, weight)` for every selected row that is not NULL, in order.
#[inline]
pub(crate) fn each(input: Input<'_>, nulls: Option<&NullBuffer>, act: impl FnMut(usize, usize, i64)) {
    let slots = input.slots;
    match (input.rows, nulls.filter(|nulls| nulls.null_count() > 0)) {
        (None, None) => {
            walk(input.weights, slots.iter().enumerate().map(|(row, &slot)| (row, slot as usize)), act);
        }
        (None, Some(nulls)) => {
            walk(input.weights, nulls.valid_indices().map(|row| (row, slots[row] as usize)), act);
        }
        (Some(rows), None) => {
            walk(input.weights, rows.iter().zip(slots).map(|(&row, &slot)| (row as usize, slot as usize)), act);
        }
        (Some(rows), Some(nulls)) => {
            let pairs = rows.iter().zip(slots).map(|(&row, &slot)| (row as usize, slot as usize));
            walk(input.weights, pairs.filter(|(row, _)| nulls.is_valid(*row)), act);
        }
    }
}

/// Calls `act(value, row, slot, weight)` for every selected row that is not NULL, in order.
#[inline]
pub(crate) fn each_value<T: Copy>(
    values: &[T],
    input: Input<'_>,
    nulls: Option<&NullBuffer>,
    mut act: impl FnMut(T, usize, usize, i64),
) {
    let dense = input.rows.is_none() && nulls.is_none_or(|nulls| nulls.null_count() == 0);
    if dense && matches!(input.weights, Weights::AllPlusOne) {
        for (row, (&value, &slot)) in values.iter().zip(input.slots).enumerate() {
            act(value, row, slot as usize, 1);
        }
    } else {
        each(input, nulls, |row, slot, weight| act(values[row], row, slot, weight));
    }
}

#[inline]
fn walk(weights: &Weights, pairs: impl Iterator<Item = (usize, usize)>, mut act: impl FnMut(usize, usize, i64)) {
    match weights {
        Weights::AllPlusOne => pairs.for_each(|(row, slot)| act(row, slot, 1)),
        Weights::Each(weights) => pairs.for_each(|(row, slot)| act(row, slot, weights[row])),
    }
}
