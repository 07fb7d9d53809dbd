//! Columns into their stored form and back. Structs match by name, so that files written before a field was added can
//! be read; everything else must convert without losing anything.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, Fields, SchemaRef};

use super::stored_schema;

/// Rows as files hold them: the columns of [`stored_schema`].
///
/// # Errors
/// When a value has no place in the stored type, such as a timestamp in seconds beyond the microseconds of 64 bits.
pub fn to_stored(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    conform(batch, &Arc::new(stored_schema(&batch.schema())))
}

/// Rows of a file as `wanted` declares them. A column that the file lacks is NULL.
///
/// # Errors
/// When a value does not fit the wanted type, or is NULL where the wanted schema has none.
pub fn from_stored(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    conform(batch, wanted)
}

/// One column of a file as another type; see [`from_stored`]. Also for bounds of files ([`crate::ColumnRange`]).
///
/// # Errors
/// As [`from_stored`].
pub fn array_from_stored(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    convert(array, wanted)
}

/// The columns that `schema` names, converted; those that are not there are NULL.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => convert(column, field.data_type()).map_err(|error| named(field, &error)),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

fn named(field: &Field, error: &ArrowError) -> ArrowError {
    ArrowError::CastError(format!("column {}: {error}", field.name()))
}

fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    match (array.data_type(), to) {
        (from, to) if from == to => Ok(array.clone()),
        (DataType::Struct(_), DataType::Struct(fields)) => Ok(Arc::new(convert_struct(array.as_struct(), fields)?)),
        (DataType::List(_), DataType::List(item)) => {
            let (_, offsets, values, nulls) = array.as_list::<i32>().clone().into_parts();
            let values = convert(&values, item.data_type())?;
            Ok(Arc::new(ListArray::try_new(item.clone(), offsets, values, nulls)?))
        }
        (DataType::FixedSizeList(item, _) | DataType::LargeList(item), DataType::List(_)) => {
            convert(&exactly(array, &DataType::List(item.clone()))?, to)
        }
        (DataType::List(_), DataType::FixedSizeList(item, _) | DataType::LargeList(item)) => {
            exactly(&convert(array, &DataType::List(item.clone()))?, to)
        }
        (DataType::Map(..), DataType::Map(entry, sorted)) => convert_map(array.as_map(), entry, *sorted),
        _ => exactly(array, to),
    }
}

fn convert_struct(array: &StructArray, fields: &Fields) -> Result<StructArray, ArrowError> {
    let columns = fields
        .iter()
        .map(|field| match array.column_by_name(field.name()) {
            Some(column) => convert(column, field.data_type()).map_err(|error| named(field, &error)),
            None => Ok(new_null_array(field.data_type(), array.len())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    StructArray::try_new_with_length(fields.clone(), columns, array.nulls().cloned(), array.len())
}

fn convert_map(array: &MapArray, entry: &Arc<Field>, sorted: bool) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = entry.data_type() else {
        return Err(ArrowError::SchemaError(format!("a map's entries are {}, not a struct", entry.data_type())));
    };
    let (_, offsets, entries, nulls, _) = array.clone().into_parts();
    let columns = entries
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| convert(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let entries = StructArray::try_new(fields.clone(), columns, entries.nulls().cloned())?;
    Ok(Arc::new(MapArray::try_new(entry.clone(), offsets, entries, nulls, sorted)?))
}

/// A cast that loses nothing: casting back gives the same.
fn exactly(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = cast_with_options(array, to, &options)?;
    let back = cast_with_options(&cast, array.data_type(), &options)?;
    if back.as_ref() != array.as_ref() {
        let from = array.data_type();
        return Err(ArrowError::CastError(format!("values of {from} do not fit {to} exactly")));
    }
    Ok(cast)
}
