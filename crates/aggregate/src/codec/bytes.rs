//! Keys of columns of strings and byte strings: the bytes. See [`super::Codec`].

use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, BinaryViewArray, LargeBinaryArray, LargeStringArray, StringArray};
use arrow_array::{ArrayAccessor, StringViewArray};
use arrow_schema::DataType;

use super::Codec;
use crate::{AggregateError, Input, rows};

/// Keys of a column of (large, view) strings or byte strings.
pub(crate) struct Bytes {
    data_type: DataType,
}

impl Bytes {
    /// For columns of this type.
    pub(crate) fn new(data_type: &DataType) -> Self {
        Self { data_type: data_type.clone() }
    }
}

/// Calls `act` for the rows of one concrete array type.
fn walk<'a, A: ArrayAccessor<Item: AsRef<[u8]>> + 'a>(
    array: A,
    input: Input<'_>,
    mut act: impl FnMut(&[u8], usize, usize, i64),
) {
    rows::each(input, array.nulls(), |row, slot, weight| act(array.value(row).as_ref(), row, slot, weight));
}

impl Codec for Bytes {
    type Key = Box<[u8]>;
    type View = [u8];

    fn own(view: &[u8]) -> Box<[u8]> {
        view.into()
    }

    fn heap(view: &[u8]) -> usize {
        view.len()
    }

    fn each(
        &self,
        args: &[ArrayRef],
        input: Input<'_>,
        act: impl FnMut(&[u8], usize, usize, i64),
    ) -> Result<(), AggregateError> {
        let array = args[0].as_any();
        if let Some(array) = array.downcast_ref::<StringArray>() {
            walk(array, input, act);
        } else if let Some(array) = array.downcast_ref::<StringViewArray>() {
            walk(array, input, act);
        } else if let Some(array) = array.downcast_ref::<LargeStringArray>() {
            walk(array, input, act);
        } else if let Some(array) = array.downcast_ref::<BinaryArray>() {
            walk(array, input, act);
        } else if let Some(array) = array.downcast_ref::<BinaryViewArray>() {
            walk(array, input, act);
        } else if let Some(array) = array.downcast_ref::<LargeBinaryArray>() {
            walk(array, input, act);
        } else {
            let types = args[0].data_type().to_string();
            return Err(AggregateError::Unsupported { function: "an aggregate", types });
        }
        Ok(())
    }

    fn columns<'a>(&self, keys: impl Iterator<Item = Option<&'a Self::Key>>) -> Result<Vec<ArrayRef>, AggregateError> {
        let mut values = BinaryBuilder::new();
        keys.for_each(|key| values.append_option(key));
        let values: ArrayRef = Arc::new(values.finish());
        // Bytes that came from strings are valid UTF-8, so this only checks and never loses.
        let column = arrow_cast::cast(&values, &self.data_type)?;
        debug_assert_eq!(column.null_count(), values.as_binary::<i32>().null_count());
        Ok(vec![column])
    }
}
