//! Keys in Arrow's row format: for types without a simpler key, and for sort keys followed by a value (first/last, lists).
//! See [`super::Codec`].

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, SortOptions};

use super::{Codec, Ordered};
use crate::{AggregateError, Input, rows};

/// Row-format keys of one or several columns.
pub(crate) struct RowFormat {
    converter: RowConverter,
    data_types: Vec<DataType>,
    /// Whether a row whose first argument is NULL has no key.
    skip_nulls: bool,
    /// Whether −0.0 and 0.0 are one key (in columns of floats, not in nested ones).
    fold_zero: bool,
    /// The key that reads as NULL in all columns.
    absent: Box<[u8]>,
}

impl RowFormat {
    /// Keys of a single column; NULL has none.
    pub(crate) fn value(data_type: &DataType) -> Result<Self, AggregateError> {
        Ok(Self::ordered(std::slice::from_ref(data_type), &[], SortOptions::default())?.skip_nulls())
    }

    /// Keys that compare first by the sort keys (arguments 1…) and then by the value (argument 0, possibly NULL).
    pub(crate) fn ordered(
        data_types: &[DataType],
        order: &[SortOptions],
        ties: SortOptions,
    ) -> Result<Self, AggregateError> {
        let keys = data_types[1..].iter().zip(order);
        let fields = keys
            .map(|(data_type, options)| SortField::new_with_options(data_type.clone(), *options))
            .chain([SortField::new_with_options(data_types[0].clone(), ties)])
            .collect();
        let converter = RowConverter::new(fields)?;
        let nulls: Vec<_> = data_types.iter().map(|data_type| new_null_array(data_type, 1)).collect();
        let absent = converter.convert_columns(&rotated(&nulls))?.row(0).data().into();
        Ok(Self { converter, data_types: data_types.to_vec(), skip_nulls: false, fold_zero: false, absent })
    }

    /// Rows whose value is NULL have no key.
    pub(crate) fn skip_nulls(self) -> Self {
        Self { skip_nulls: true, ..self }
    }

    /// −0.0 and 0.0 are one key.
    pub(crate) fn fold_zero(self) -> Self {
        Self { fold_zero: true, ..self }
    }

    /// The columns that keys are made of, of these rows (`None`: all).
    fn picked(&self, args: &[ArrayRef], rows: Option<&[u32]>) -> Result<Vec<ArrayRef>, AggregateError> {
        let rows = rows.map(|rows| UInt32Array::from(rows.to_vec()));
        let pick = |arg: &ArrayRef| -> Result<ArrayRef, AggregateError> {
            let arg = match &rows {
                Some(rows) => arrow_select::take::take(arg, rows, None)?,
                None => arg.clone(),
            };
            Ok(if self.fold_zero { folded(arg) } else { arg })
        };
        args.iter().map(pick).collect()
    }
}

/// The column with −0.0 as 0.0.
fn folded(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64 => Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(Ordered::fold_zero)),
        DataType::Float32 => Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(Ordered::fold_zero)),
        _ => column,
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
        // Only what is selected is converted: the shards of a batch each select their own rows.
        let columns = self.picked(args, input.rows)?;
        let keys = self.converter.convert_columns(&rotated(&columns))?;
        let nulls = if self.skip_nulls { columns[0].logical_nulls() } else { None };
        let Some(rows) = input.rows else {
            rows::each(input, nulls.as_ref(), |row, slot, weight| act(keys.row(row).data(), row, slot, weight));
            return Ok(());
        };
        for (position, (&row, &slot)) in rows.iter().zip(input.slots).enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(position)) {
                let row = row as usize;
                act(keys.row(position).data(), row, slot as usize, input.weights.at(row));
            }
        }
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
