//! The bounds of a file as the `stats` of a Delta add action, and back. Also reads those that other writers made.

use std::sync::Arc;

use arrow_array::TimestampMicrosecondArray;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Schema, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value, json};

use super::{ColumnRange, date_of_day};

/// The `stats` text of a file.
pub(crate) fn ranges_to_json(rows: u64, ranges: &[ColumnRange]) -> String {
    let mut nulls = Map::new();
    let mut min = Map::new();
    let mut max = Map::new();
    for range in ranges {
        if let Some(count) = range.nulls {
            nulls.insert(range.name.clone(), count.into());
        }
        for (bounds, bound) in [(&mut min, &range.min), (&mut max, &range.max)] {
            if let Some(value) = bound.as_ref().and_then(to_json) {
                bounds.insert(range.name.clone(), value);
            }
        }
    }
    json!({ "numRecords": rows, "minValues": min, "maxValues": max, "nullCount": nulls }).to_string()
}

/// Rows and ranges of a file from its `stats`, for the columns of the stored schema. What is not told is unknown.
pub(crate) fn ranges_from_json(schema: &Schema, stats: &str) -> Option<(u64, Vec<ColumnRange>)> {
    let stats: Value = serde_json::from_str(stats).ok()?;
    let rows = stats.get("numRecords")?.as_u64()?;
    let ranges = schema.fields().iter().map(|field| {
        let of = |kind: &str| stats.get(kind).and_then(|values| values.get(field.name()));
        let bound = |kind: &str| of(kind).and_then(|value| from_json(value, field.data_type(), kind == "maxValues"));
        ColumnRange {
            name: field.name().clone(),
            nulls: of("nullCount").and_then(Value::as_u64),
            min: bound("minValues"),
            max: bound("maxValues"),
        }
    });
    Some((rows, ranges.collect()))
}

fn to_json(bound: &ArrayRef) -> Option<Value> {
    match bound.data_type() {
        DataType::Utf8 => Some(bound.as_string::<i32>().value(0).into()),
        DataType::Decimal128(..) => {
            let value = bound.as_primitive::<Decimal128Type>().value(0);
            i64::try_from(value).map(Value::from).or_else(|_| u64::try_from(value).map(Value::from)).ok()
        }
        DataType::Date32 => {
            let date = date_of_day(bound.as_primitive::<Date32Type>().value(0))?;
            Some(date.format("%Y-%m-%d").to_string().into())
        }
        DataType::Timestamp(_, zone) => {
            let at = DateTime::from_timestamp_micros(bound.as_primitive::<TimestampMicrosecondType>().value(0))?;
            let end = if zone.is_some() { "Z" } else { "" };
            Some(format!("{}{end}", at.format("%Y-%m-%dT%H:%M:%S%.6f")).into())
        }
        DataType::Float32 | DataType::Float64 => {
            let value = cast(bound, &DataType::Float64).ok()?;
            serde_json::Number::from_f64(value.as_primitive::<arrow_array::types::Float64Type>().value(0))
                .map(Value::Number)
        }
        _ => {
            let value = cast(bound, &DataType::Int64).ok()?;
            Some(value.as_primitive::<arrow_array::types::Int64Type>().value(0).into())
        }
    }
}

fn from_json(value: &Value, data_type: &DataType, upper: bool) -> Option<ArrayRef> {
    let array: ArrayRef = match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Arc::new(Int64Array::from(vec![value.as_i64()?]))
        }
        DataType::Float32 => Arc::new(Float64Array::from(vec![value.as_f64()?])),
        // `serde_json` may read the last digit wrong, so what it read is moved outwards.
        DataType::Float64 if upper => Arc::new(Float64Array::from(vec![value.as_f64()?.next_up().next_up()])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![value.as_f64()?.next_down().next_down()])),
        DataType::Decimal128(precision, 0) => {
            let value = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))?;
            Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(*precision, 0).ok()?)
        }
        DataType::Utf8 => Arc::new(StringArray::from(vec![value.as_str()?])),
        DataType::Date32 => {
            let date = NaiveDate::parse_from_str(value.as_str()?, "%Y-%m-%d").ok()?;
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
            Arc::new(Date32Array::from(vec![date.num_days_from_ce() - epoch.num_days_from_ce()]))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = micros_from_json(value.as_str()?, upper)?;
            Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone_opt(zone.clone()))
        }
        _ => return None,
    };
    let array = cast(&array, data_type).ok()?;
    (array.null_count() == 0).then_some(array)
}

/// Other writers cut the bounds of timestamps to milliseconds, so an upper one is moved to the end of its millisecond.
fn micros_from_json(text: &str, upper: bool) -> Option<i64> {
    let bare = text.trim_end_matches('Z');
    let micros = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.timestamp_micros(),
        Err(_) => NaiveDateTime::parse_from_str(bare, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc().timestamp_micros(),
    };
    let fraction = bare.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    Some(if upper && digits < 6 { micros.saturating_add(999) } else { micros })
}
