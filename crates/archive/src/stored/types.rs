//! Which type a column is held as.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use highwater_model::micros_utc;

/// What Delta can hold: `UInt8`→`Int16`, `UInt16`→`Int32`, `UInt32`→`Int64`, `UInt64`→`Decimal128(20, 0)`, nanosecond
/// timestamps→`Int64` nanoseconds (said in the field's comment), coarser ones→microseconds, one form of text, bytes,
/// lists and maps; likewise inside nested types. What has no such form stays as it is, and `Archive::table` refuses it.
///
/// Every column is nullable: older files may lack it, and a stream may come to allow NULL.
#[must_use]
pub fn stored_schema(schema: &Schema) -> Schema {
    Schema::new(stored_fields(schema.fields()))
}

fn stored_fields(fields: &Fields) -> Fields {
    fields.iter().map(|field| stored_field(field)).collect()
}

fn stored_field(field: &Field) -> Field {
    let stored = Field::new(field.name(), stored_type(field.data_type()), true);
    match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => stored.with_metadata(HashMap::from([(
            "comment".to_owned(),
            "nanoseconds since 1970-01-01T00:00:00Z".to_owned(),
        )])),
        _ => stored,
    }
}

fn stored_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => DataType::Int64,
        DataType::Timestamp(_, Some(_)) => micros_utc(),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => stored_type(values),
        DataType::Struct(fields) => DataType::Struct(stored_fields(fields)),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new("element", stored_type(item.data_type()), true)))
        }
        DataType::Map(entry, _) => stored_map(entry).unwrap_or_else(|| data_type.clone()),
        _ => data_type.clone(),
    }
}

fn stored_map(entry: &Field) -> Option<DataType> {
    let DataType::Struct(fields) = entry.data_type() else { return None };
    let [key, value] = fields.as_ref() else { return None };
    let fields = vec![
        Field::new("key", stored_type(key.data_type()), false),
        Field::new("value", stored_type(value.data_type()), true),
    ];
    Some(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields.into()), false)), false))
}

/// The first column, with its way into nested types, whose stored type Delta does not have.
pub(crate) fn unstorable(fields: &Fields) -> Option<(String, DataType)> {
    fields.iter().find_map(|field| {
        let inner = match field.data_type() {
            DataType::Struct(children) if children.is_empty() => Some((String::new(), field.data_type().clone())),
            DataType::Struct(children) => unstorable(children),
            DataType::List(item) => unstorable(&Fields::from(vec![item.as_ref().clone()])),
            DataType::Map(entry, _) => unstorable(&Fields::from(vec![entry.as_ref().clone()])),
            leaf => (!is_delta_type(leaf)).then(|| (String::new(), leaf.clone())),
        };
        inner.map(|(path, data_type)| match path.is_empty() {
            true => (field.name().clone(), data_type),
            false => (format!("{}.{path}", field.name()), data_type),
        })
    })
}

fn is_delta_type(leaf: &DataType) -> bool {
    match leaf {
        DataType::Boolean | DataType::Utf8 | DataType::Binary | DataType::Date32 => true,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => true,
        DataType::Float32 | DataType::Float64 => true,
        DataType::Decimal128(precision, scale) => *scale >= 0 && scale.unsigned_abs() <= *precision,
        DataType::Timestamp(TimeUnit::Microsecond, None) => true,
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => zone.as_ref() == "UTC",
        _ => false,
    }
}

/// Whether a timestamp without zone is among the stored columns, which a table must announce as a feature.
pub(crate) fn has_local_timestamps(fields: &Fields) -> bool {
    fields.iter().any(|field| match field.data_type() {
        DataType::Timestamp(_, None) => true,
        DataType::Struct(children) => has_local_timestamps(children),
        DataType::List(inner) | DataType::Map(inner, _) => {
            has_local_timestamps(&Fields::from(vec![inner.as_ref().clone()]))
        }
        _ => false,
    })
}
