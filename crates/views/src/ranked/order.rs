//! What a ranked index orders by, and rows as keys that compare as the rows do: Arrow's row format of the partition's
//! columns, the declared order, and whatever of the relation's key is not among them, so that no two keys are equal.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{DataType, Schema, SortOptions};
use highwater_model::{ObjectId, ObjectName};

use crate::ViewsError;

/// A ranked index as declared. Columns are numbered as in the relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankSpec {
    /// The index.
    pub id: ObjectId,
    /// Its name.
    pub name: ObjectName,
    /// Rows with equal values here are ranked among themselves; empty: all rows together.
    pub partition: Vec<usize>,
    /// The order in a partition.
    pub order: Vec<RankColumn>,
}

/// A column that rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankColumn {
    /// The column.
    pub column: usize,
    /// Greatest first.
    pub descending: bool,
    /// Where NULL stands.
    pub nulls_first: bool,
}

/// Makes and reads keys.
#[derive(Debug)]
pub(super) struct RankOrder {
    /// The partition's columns, the declared order, the rest of the relation's key.
    columns: Vec<RankColumn>,
    /// How many of them are the partition's.
    partition: usize,
    /// Where each column of the relation's key is among them.
    key: Vec<usize>,
    /// One for each number of columns from 1.
    converters: Vec<RowConverter>,
}

impl RankOrder {
    /// Of a relation with this key.
    ///
    /// # Errors
    /// When the relation has no key, or a column is of a type without an order.
    pub(super) fn new(spec: &RankSpec, schema: &Schema, key: &[usize]) -> Result<Self, ViewsError> {
        if key.is_empty() {
            return Err(ViewsError::refused(
                format!("index {}", spec.name),
                "no key identifies the rows of what it ranks",
                "rank a table, a keyed stream, or a view with GROUP BY",
            ));
        }
        let plain = |column| RankColumn { column, descending: false, nulls_first: false };
        let mut columns: Vec<RankColumn> =
            spec.partition.iter().copied().map(plain).chain(spec.order.clone()).collect();
        for column in key {
            if columns.iter().all(|other| other.column != *column) {
                columns.push(plain(*column));
            }
        }
        let fields = columns.iter().map(|at| {
            let data_type = schema.fields().get(at.column).map(|field| field.data_type().clone());
            let data_type =
                data_type.ok_or_else(|| ViewsError::Invariant("an index of a column too far".to_owned()))?;
            if !is_ordered(&data_type) {
                let reason = format!("values of type {data_type} have no order");
                return Err(ViewsError::refused(format!("index {}", spec.name), reason, "order by a plain column"));
            }
            Ok(SortField::new_with_options(data_type, SortOptions::new(at.descending, at.nulls_first)))
        });
        let fields = fields.collect::<Result<Vec<_>, ViewsError>>()?;
        let converters = (1..=fields.len()).map(|columns| RowConverter::new(fields[..columns].to_vec()));
        let place = |column: &usize| columns.iter().position(|at| at.column == *column).unwrap_or_default();
        Ok(Self {
            partition: spec.partition.len(),
            key: key.iter().map(place).collect(),
            converters: converters.collect::<Result<_, _>>()?,
            columns,
        })
    }

    /// All columns in the order of the keys.
    pub(super) fn columns(&self) -> &[RankColumn] {
        &self.columns
    }

    /// How many of them are the partition's.
    pub(super) fn partition(&self) -> usize {
        self.partition
    }

    /// The beginnings of the rows' keys, so many columns of them.
    pub(super) fn keys(&self, rows: &RecordBatch, columns: usize) -> Result<Rows, ViewsError> {
        let arrays: Vec<ArrayRef> = self.columns[..columns].iter().map(|at| rows.column(at.column).clone()).collect();
        self.starts(&arrays)
    }

    /// The beginnings of keys with these values in their first columns, of which there is at least one.
    pub(super) fn starts(&self, arrays: &[ArrayRef]) -> Result<Rows, ViewsError> {
        let converter = arrays.len().checked_sub(1).and_then(|last| self.converters.get(last));
        let converter = converter.ok_or_else(|| ViewsError::Invariant("no column to make keys of".to_owned()))?;
        Ok(converter.convert_columns(arrays)?)
    }

    /// All columns of these whole keys.
    pub(super) fn read(&self, keys: &[Vec<u8>]) -> Result<Vec<ArrayRef>, ViewsError> {
        let converter = self.converters.last();
        let converter = converter.ok_or_else(|| ViewsError::Invariant("no column to read keys of".to_owned()))?;
        let parser = converter.parser();
        Ok(converter.convert_rows(keys.iter().map(|key| parser.parse(key)))?)
    }

    /// Of all columns of some keys, those of the relation's key.
    pub(super) fn key_of(&self, columns: &[ArrayRef]) -> Vec<ArrayRef> {
        self.key.iter().map(|at| columns[*at].clone()).collect()
    }
}

/// Whether values of a type have an order that everyone agrees on.
pub(super) fn is_ordered(data_type: &DataType) -> bool {
    data_type.is_primitive()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        )
}

impl RankSpec {
    /// Whether rows can be ordered by values of this type: anything but lists, structs and maps.
    #[must_use]
    pub fn can_order(data_type: &DataType) -> bool {
        is_ordered(data_type)
    }
}

/// The number of rows of some columns.
pub(super) fn rows_of(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, |column| column.len())
}
