//! Keys in Arrow's row format: for types without a simpler key, and for the sort keys and value of first/last.
//! See [`super::Codec`].

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, SortOptions};

use super::Codec;
use crate::{AggregateError, Input, rows};

/// Row-format keys of one or several columns.
pub(crate) struct RowFormat {
    converter: RowConverter,
    data_types: Vec<DataType>,
    /// Whether a row whose first argument is NULL has no key.
    skip_nulls: bool,
    /// The key that reads as NULL in all columns.
    absent: Box<[u8]>,
}

impl RowFormat {
    /// Keys of a single column; NULL has none.
    pub(crate) fn value(data_type: &DataType) -> Result<Self, AggregateError> {
        Self::new(std::slice::from_ref(data_type), &[], SortOptions::default(), true)
    }

    /// Keys that compare first by the sort keys (arguments 1…) and then by the value (argument 0, possibly NULL).
    pub(crate) fn ordered(
        data_types: &[DataType],
        order: &[SortOptions],
        ties: SortOptions,
    ) -> Result<Self, AggregateError> {
        Self::new(data_types, order, ties, false)
    }

    fn new(
        data_types: &[DataType],
        order: &[SortOptions],
        ties: SortOptions,
        skip_nulls: bool,
    ) -> Result<Self, AggregateError> {
        let keys = data_types[1..].iter().zip(order);
        let fields = keys
            .map(|(data_type, options)| SortField::new_with_options(data_type.clone(), *options))
            .chain([SortField::new_with_options(data_types[0].clone(), ties)])
            .collect();
        let converter = RowConverter::new(fields)?;
        let nulls: Vec<_> = data_types.iter().map(|data_type| new_null_array(data_type, 1)).collect();
        let absent = converter.convert_columns(&rotated(&nulls))?.row(0).data().into();
        Ok(Self { converter, data_types: data_types.to_vec(), skip_nulls, absent })
    }
}

/// Arguments are value first; rows are value last.
fn rotated(args: &[ArrayRef]) -> Vec<ArrayRef> {
    args[1..].iter().chain(&args[..1]).cloned().collect()
}

impl Codec for RowFormat {
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
        mut act: impl FnMut(&[u8], usize, usize, i64),
    ) -> Result<(), AggregateError> {
        let keys = self.converter.convert_columns(&rotated(args))?;
        let nulls = if self.skip_nulls { args[0].logical_nulls() } else { None };
        rows::each(input, nulls.as_ref(), |row, slot, weight| act(keys.row(row).data(), row, slot, weight));
        Ok(())
    }

    fn columns<'a>(&self, keys: impl Iterator<Item = Option<&'a Self::Key>>) -> Result<Vec<ArrayRef>, AggregateError> {
        let parser = self.converter.parser();
        let keys = keys.map(|key| parser.parse(key.unwrap_or(&self.absent)));
        let mut columns = self.converter.convert_rows(keys)?;
        columns.rotate_right(1);
        for (column, data_type) in columns.iter_mut().zip(&self.data_types) {
            if column.data_type() != data_type {
                *column = arrow_cast::cast(column, data_type)?;
            }
        }
        Ok(columns)
    }
}
