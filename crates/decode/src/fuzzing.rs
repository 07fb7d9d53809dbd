//! The bodies of the fuzz targets as plain functions, so that fuzzers and the seeded mutation test run the same checks.
//!
//! Input is arbitrary; the first bytes choose the schema and the body's format. A broken property is a failed assertion.

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use arrow_schema::{DataType, Field, Fields, TimeUnit};
use bytes::Bytes;
use highwater_model::{Column, Format, JsonPath, StreamSchema, TimeEncoding, micros_utc};

use crate::{BodyFormat, Decoder};

/// Decodes arbitrary bytes as a body. Nothing may panic; rows and rejects account for every record; every span lies in
/// the source, in order; and the stored records decode again to the same rows.
///
/// # Panics
/// When a property does not hold.
pub fn fuzz_decode(data: &[u8]) {
    let [choice, body @ ..] = data else { return };
    let decoders = decoders();
    let decoder = &decoders[usize::from(choice >> 2) % decoders.len()];
    let format = [BodyFormat::NdJson, BodyFormat::Json, BodyFormat::Csv, BodyFormat::Text][usize::from(choice & 3)];
    let body = Bytes::copy_from_slice(body);
    let Ok(decoded) = decoder.decode_body(format, &body) else {
        assert!(matches!(format, BodyFormat::Csv | BodyFormat::Text), "only a header or a layout can refuse a body");
        return;
    };
    assert_eq!(decoded.rows.num_rows(), decoded.spans.len(), "one span a row");
    let mut spans = decoded.spans.clone();
    spans.sort_by_key(|span| (span.start, span.end));
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "spans do not overlap");
    let max = decoder.declared.max_record_bytes as usize;
    for (before, reject) in (0_u64..).zip(&decoded.rejects) {
        let start = reject.byte as usize;
        assert_eq!(body.get(start..start + reject.raw.len()), Some(reject.raw.as_ref()), "rejects are kept raw");
        assert!(reject.raw.len() <= max && reject.line >= 1 && !reject.reason.is_empty());
        assert!(reject.record <= before + decoded.spans.len() as u64, "records are counted once");
    }
    let mut rejected: Vec<u64> = decoded.rejects.iter().map(|reject| reject.record).collect();
    assert!(rejected.is_sorted(), "rejects are in order");
    rejected.dedup();
    let records = (decoded.spans.len() + rejected.len()) as u64;
    assert!(rejected.last().is_none_or(|last| *last < records), "rows and rejects account for every record");
    let again = decoder.decode_records(&decoded.records()).map_err(|error| error.to_string());
    assert_eq!(again.as_ref(), Ok(&decoded.rows), "accepted records decode again to the same rows");
}

/// Reads arbitrary text by common patterns, by hand and by chrono: what is read by hand must be what chrono reads.
///
/// # Panics
/// When the two disagree.
pub fn fuzz_time(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        crate::time::compare(text);
    }
}

/// Unpacks arbitrary bytes as gzip: never more than asked for.
///
/// # Panics
/// When more comes out than was allowed.
pub fn fuzz_gunzip(data: &[u8]) {
    if let Ok(unpacked) = crate::gunzip(data, 1 << 16) {
        assert!(unpacked.len() <= 1 << 16);
    }
}

/// One decoder of each kind that matters; built once.
fn decoders() -> &'static [Decoder] {
    static DECODERS: OnceLock<Vec<Decoder>> = OnceLock::new();
    DECODERS.get_or_init(|| schemas().iter().filter_map(|schema| Decoder::new(schema).ok()).collect())
}

fn schemas() -> Vec<StreamSchema> {
    let text = |delimiter: u8, quoted: bool| {
        let layout = ["id", "skipped", "text", "float", "local", "flag"].map(str::to_owned).to_vec();
        StreamSchema {
            format: Format::Text { delimiter, layout, quoted, fallback_delimiter: (!quoted).then_some(b'|') },
            ..StreamSchema::json(scalars())
        }
    };
    let short = StreamSchema { max_record_bytes: 24, ..StreamSchema::json(scalars()) };
    vec![
        StreamSchema::json(scalars()),
        StreamSchema::json(nested()),
        text(b';', false),
        text(b',', true),
        text(b'\t', true),
        short,
    ]
}

fn scalars() -> Vec<Column> {
    let zone = Some("America/Los_Angeles".to_owned());
    let pattern = TimeEncoding::Pattern { pattern: "%Y-%m-%d %H:%M:%S".to_owned(), zone };
    vec![
        Column::new("id", DataType::Int64, false),
        Column::new("text", DataType::Utf8, true),
        Column::new("float", DataType::Float64, true),
        Column::new("single", DataType::Float32, true),
        Column::new("small", DataType::UInt8, true),
        Column::new("money", DataType::Decimal128(12, 3), true),
        Column::new("flag", DataType::Boolean, true),
        Column::new("day", DataType::Date32, true),
        Column::new("bytes", DataType::Binary, true),
        Column::new("at", micros_utc(), true),
        Column { time: Some(pattern), ..Column::new("local", micros_utc(), true) },
        Column {
            time: Some(TimeEncoding::EpochMillis),
            ..Column::new("epoch", DataType::Timestamp(TimeUnit::Nanosecond, None), true)
        },
    ]
}

fn nested() -> Vec<Column> {
    let point = DataType::Struct(Fields::from(vec![
        Field::new("x", DataType::Int32, false),
        Field::new("text", DataType::Utf8, true),
    ]));
    let list = DataType::List(Arc::new(Field::new("item", point.clone(), true)));
    let entries =
        Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", list.clone(), true)]);
    let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false);
    let path = |parts: &[&str]| Some(JsonPath(parts.iter().map(|part| (*part).to_owned()).collect()));
    vec![
        Column { path: path(&["meta", "id"]), ..Column::new("id", DataType::Int64, false) },
        Column { path: path(&["meta"]), ..Column::new("whole", DataType::Utf8, true) },
        Column { path: path(&["list", "1", "x"]), ..Column::new("second", DataType::Int64, true) },
        Column::new("point", point, true),
        Column::new("list", list, true),
        Column::new("map", map, true),
    ]
}
