//! Reading encoded states with every doubt checked: type, length, NULLs where there can be none. Used by the `merge` of
//! all aggregates; what does not fit is [`AggregateError::BadState`], never a panic.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BinaryArray, PrimitiveArray, StructArray};
use arrow_schema::{DataType, Field, Fields};

use crate::AggregateError;

/// The error for damaged state.
pub(crate) fn bad(reason: impl Into<String>) -> AggregateError {
    AggregateError::BadState(reason.into())
}

/// Refuses states of another type or number than expected.
pub(crate) fn check(states: &ArrayRef, slots: &[u32], expected: &DataType) -> Result<(), AggregateError> {
    if states.data_type() != expected {
        return Err(bad(format!("expected {expected}, found {}", states.data_type())));
    }
    if states.len() != slots.len() {
        return Err(bad(format!("{} states for {} groups", states.len(), slots.len())));
    }
    Ok(())
}

/// The state as a struct without NULLs.
pub(crate) fn structure(states: &ArrayRef) -> Result<&StructArray, AggregateError> {
    let states = states.as_struct_opt().ok_or_else(|| bad("not a struct"))?;
    if states.null_count() > 0 { Err(bad("a state is NULL")) } else { Ok(states) }
}

/// A column of numbers without NULLs.
pub(crate) fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<&PrimitiveArray<T>, AggregateError> {
    let column =
        column.as_primitive_opt::<T>().ok_or_else(|| bad(format!("unexpected column {}", column.data_type())))?;
    if column.null_count() > 0 { Err(bad("a number is NULL")) } else { Ok(column) }
}

/// A column of byte strings (NULLs allowed).
pub(crate) fn binary(column: &ArrayRef) -> Result<&BinaryArray, AggregateError> {
    column.as_binary_opt::<i32>().ok_or_else(|| bad(format!("unexpected column {}", column.data_type())))
}

/// Non-nullable (unless marked) fields of a state struct.
pub(crate) fn fields(columns: &[(&str, DataType, bool)]) -> Fields {
    columns
        .iter()
        .map(|(name, data_type, nullable)| Arc::new(Field::new(*name, data_type.clone(), *nullable)))
        .collect()
}
