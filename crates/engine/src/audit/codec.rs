//! Rows as bytes that are equal when the rows are: floats bit for bit, except that one NaN is as good as another.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, StructArray};
use arrow_cast::cast;
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{DataType, SchemaRef};
use highwater_api::{ApiError, RowText};
use highwater_sql::datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

/// Longest text of a value that is shown.
const SHOWN_CHARS: usize = 1_000;

/// How the rows of one relation are compared.
pub(super) struct Codec {
    schema: SchemaRef,
    key: Vec<usize>,
    rows: RowConverter,
    keys: Option<RowConverter>,
}

/// Rows of a batch, encoded.
pub(super) struct Encoded {
    pub(super) rows: Rows,
    /// Their keys; without a key the rows themselves are.
    keys: Option<Rows>,
}

impl Encoded {
    pub(super) fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// What tells rows apart that should be compared with each other.
    pub(super) fn key(&self, row: usize) -> &[u8] {
        match &self.keys {
            Some(keys) => keys.row(row).data(),
            None => self.rows.row(row).data(),
        }
    }
}

/// A fixed hash of bytes; `seed` gives independent ones.
pub(super) fn hash(seed: u8, bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(seed);
    hasher.write(bytes);
    hasher.finish()
}

impl Codec {
    /// Rows of `schema`, identified by these columns if there are any.
    pub(super) fn new(schema: &SchemaRef, key: &[usize]) -> Result<Self, ApiError> {
        let sorted = |columns: &mut dyn Iterator<Item = usize>| -> Result<RowConverter, ApiError> {
            let fields = columns.map(|column| SortField::new(schema.field(column).data_type().clone())).collect();
            RowConverter::new(fields).map_err(defect)
        };
        Ok(Self {
            rows: sorted(&mut (0..schema.fields().len()))?,
            keys: if key.is_empty() { None } else { Some(sorted(&mut key.iter().copied())?) },
            key: key.to_vec(),
            schema: Arc::clone(schema),
        })
    }

    /// Whether rows have a key.
    pub(super) fn is_keyed(&self) -> bool {
        self.keys.is_some()
    }

    /// Encodes rows, whose columns may be of types that hold the same values.
    pub(super) fn encode(&self, batch: &RecordBatch) -> Result<Encoded, ApiError> {
        if batch.num_columns() != self.schema.fields().len() {
            let message = format!("{} columns instead of {}", batch.num_columns(), self.schema.fields().len());
            return Err(ApiError::internal(message));
        }
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            let column = match column.data_type() == field.data_type() {
                true => Arc::clone(column),
                false => cast(column, field.data_type()).map_err(defect)?,
            };
            one_nan(&column).map_err(defect)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, ApiError>>()?;
        let keys = self.keys.as_ref().map(|keys| {
            let columns: Vec<ArrayRef> = self.key.iter().map(|column| Arc::clone(&columns[*column])).collect();
            keys.convert_columns(&columns).map_err(defect)
        });
        Ok(Encoded { rows: self.rows.convert_columns(&columns).map_err(defect)?, keys: keys.transpose()? })
    }

    /// Encoded rows read back.
    pub(super) fn decode<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<RecordBatch, ApiError> {
        let parser = self.rows.parser();
        let columns = self.rows.convert_rows(rows.map(|row| parser.parse(row))).map_err(defect)?;
        let fields = self.schema.fields().iter().zip(&columns).map(|(field, column)| {
            field.as_ref().clone().with_data_type(column.data_type().clone()).with_nullable(true)
        });
        let schema = Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()));
        RecordBatch::try_new(schema, columns).map_err(defect)
    }

    /// A row's values as texts, and its key's.
    pub(super) fn text(&self, rows: &RecordBatch, row: usize) -> Result<(RowText, Option<RowText>), ApiError> {
        let options = FormatOptions::new().with_null("");
        let mut texts = RowText::new();
        for (column, field) in rows.columns().iter().zip(self.schema.fields()) {
            let value = match column.is_null(row) {
                true => Value::Null,
                false => {
                    let text = ArrayFormatter::try_new(column, &options).map_err(defect)?.value(row).to_string();
                    Value::String(text.chars().take(SHOWN_CHARS).collect())
                }
            };
            texts.insert(field.name().clone(), value);
        }
        let name = |column: &usize| self.schema.field(*column).name();
        let key = self.key.iter().filter_map(|column| Some((name(column).clone(), texts.get(name(column))?.clone())));
        let key = self.is_keyed().then(|| key.collect());
        Ok((texts, key))
    }
}

/// The same values with one and the same NaN for all.
fn one_nan(column: &ArrayRef) -> Result<ArrayRef, arrow_schema::ArrowError> {
    Ok(match column.data_type() {
        DataType::Float32 => {
            let one = |value: f32| if value.is_nan() { f32::NAN } else { value };
            Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(one))
        }
        DataType::Float64 => {
            let one = |value: f64| if value.is_nan() { f64::NAN } else { value };
            Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(one))
        }
        DataType::List(field) => {
            let list = column.as_list::<i32>();
            let values = one_nan(list.values())?;
            Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let parts = column.as_struct();
            let columns = parts.columns().iter().map(one_nan).collect::<Result<Vec<_>, _>>()?;
            let nulls = parts.nulls().cloned();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, column.len())?)
        }
        DataType::Map(field, ordered) => {
            let map = column.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = one_nan(&entries)?.as_struct().clone();
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *ordered)?)
        }
        _ => Arc::clone(column),
    })
}

fn defect(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(format!("comparing rows: {error}"))
}
