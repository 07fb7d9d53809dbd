//! The encoded form of multisets: for each group a list of (argument columns…, count). Shared by retractable
//! min/max/first/last and the distinct aggregates. Values are stored as Arrow columns, not as keys, so that reading them
//! back goes through the same checks as any input.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, LargeListArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, FieldRef, Fields};
use highwater_model::Weights;

use crate::{AggregateError, Input, state};

/// Fields of the argument columns in states.
pub(crate) fn value_fields(data_types: &[DataType]) -> Fields {
    (0..)
        .zip(data_types)
        .map(|(index, data_type)| Field::new(format!("value{index}"), data_type.clone(), true))
        .collect()
}

fn item(values: &Fields) -> (Fields, FieldRef) {
    let count = Arc::new(Field::new("count", DataType::Int64, false));
    let fields: Fields = values.iter().cloned().chain([count]).collect();
    let item = Arc::new(Field::new("item", DataType::Struct(fields.clone()), false));
    (fields, item)
}

/// The type of the encoded state.
pub(crate) fn state_type(values: &Fields) -> DataType {
    DataType::LargeList(item(values).1)
}

/// Encodes: `columns` and `counts` of all groups behind each other, `lengths` of each group.
pub(crate) fn write(
    values: &Fields,
    mut columns: Vec<ArrayRef>,
    counts: Vec<i64>,
    lengths: impl Iterator<Item = usize>,
) -> Result<ArrayRef, AggregateError> {
    let (fields, item) = item(values);
    columns.push(Arc::new(Int64Array::from(counts)));
    let entries = StructArray::try_new(fields, columns, None)?;
    Ok(Arc::new(LargeListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::new(entries), None)?))
}

/// Decoded entries of many groups.
pub(crate) struct Entries {
    /// The argument columns.
    pub(crate) columns: Vec<ArrayRef>,
    rows: Vec<u32>,
    slots: Vec<u32>,
    weights: Weights,
}

impl Entries {
    /// The entries as an update.
    pub(crate) fn input(&self) -> Input<'_> {
        Input { rows: Some(&self.rows), slots: &self.slots, weights: &self.weights }
    }
}

/// Decodes states of the right type and number (see [`state::check`]).
pub(crate) fn read(states: &ArrayRef, slots: &[u32]) -> Result<Entries, AggregateError> {
    let lists = states.as_list_opt::<i64>().ok_or_else(|| state::bad("not a list"))?;
    let entries = state::structure(lists.values())?;
    if lists.null_count() > 0 {
        return Err(state::bad("a state is NULL"));
    }
    let (mut columns, mut rows, mut entry_slots) = (entries.columns().to_vec(), Vec::new(), Vec::new());
    let counts = columns.pop().ok_or_else(|| state::bad("no counts"))?;
    let counts = state::numbers::<Int64Type>(&counts)?;
    for (bounds, &slot) in lists.value_offsets().windows(2).zip(slots) {
        for row in bounds[0]..bounds[1] {
            rows.push(u32::try_from(row).map_err(|_| state::bad("more than 2^32 entries in one array"))?);
            entry_slots.push(slot);
        }
    }
    let weights = Weights::Each(counts.values().iter().copied().collect());
    Ok(Entries { columns, rows, slots: entry_slots, weights })
}
