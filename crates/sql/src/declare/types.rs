//! Arrow types under the names that `CREATE` statements give them.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

use super::text::identifier;

/// A type as SQL writes it; types that no statement can name are shown as Arrow calls them.
#[must_use]
pub fn sql_type(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "TINYINT UNSIGNED",
        DataType::UInt16 => "SMALLINT UNSIGNED",
        DataType::UInt32 => "INT UNSIGNED",
        DataType::UInt64 => "BIGINT UNSIGNED",
        DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "TEXT",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BYTEA",
        DataType::Date32 => "DATE",
        DataType::Timestamp(unit, zone) => return timestamp(*unit, zone.is_some()),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            return format!("DECIMAL({precision}, {scale})");
        }
        DataType::List(item) | DataType::LargeList(item) => return format!("LIST<{}>", sql_type(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", identifier(field.name()), sql_type(field.data_type())))
                .collect();
            return format!("STRUCT<{}>", fields.join(", "));
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else { return data_type.to_string() };
            let parts: Vec<String> = fields.iter().map(|field| sql_type(field.data_type())).collect();
            return format!("MAP<{}>", parts.join(", "));
        }
        other => return other.to_string(),
    };
    name.to_owned()
}

fn timestamp(unit: TimeUnit, zoned: bool) -> String {
    let name = if zoned { "TIMESTAMPTZ" } else { "TIMESTAMP" };
    match unit {
        TimeUnit::Second => format!("{name}(0)"),
        TimeUnit::Millisecond => format!("{name}(3)"),
        TimeUnit::Microsecond => name.to_owned(),
        TimeUnit::Nanosecond => format!("{name}(9)"),
    }
}
