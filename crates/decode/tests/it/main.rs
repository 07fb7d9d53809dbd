//! Behaviour of the decoder through its public door. Every body decoded here is also replayed from its stored records
//! and must give the same rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod added;
mod csv;
mod gunzip;
mod json;
mod nested;
mod numbers;
mod partition;
mod property;
mod schema;
mod text;
mod time;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use bytes::Bytes;
use highwater_decode::{BodyFormat, Decoded, Decoder};
use highwater_model::{Column, JsonPath, StreamSchema};

/// Decodes, and checks what holds for every body.
fn decode(schema: &StreamSchema, format: BodyFormat, body: impl AsRef<[u8]>) -> Decoded {
    let decoder = Decoder::new(schema).unwrap();
    let decoded = decoder.decode_body(format, &Bytes::copy_from_slice(body.as_ref())).unwrap();
    assert_eq!(decoded.rows.num_rows(), decoded.spans.len());
    assert_eq!(decoder.decode_records(&decoded.records()).unwrap(), decoded.rows, "replay");
    decoded
}

fn ndjson(columns: Vec<Column>, body: impl AsRef<[u8]>) -> Decoded {
    decode(&StreamSchema::json(columns), BodyFormat::NdJson, body)
}

fn json(columns: Vec<Column>, body: impl AsRef<[u8]>) -> Decoded {
    decode(&StreamSchema::json(columns), BodyFormat::Json, body)
}

/// The rows as text: fields separated by `|`, NULL as `∅`.
fn rows(decoded: &Decoded) -> Vec<String> {
    let options = FormatOptions::new().with_null("∅");
    let columns: Vec<_> =
        decoded.rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    (0..decoded.rows.num_rows())
        .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}

/// Record number, line, column and reason of each reject.
fn rejects(decoded: &Decoded) -> Vec<String> {
    let show = |r: &highwater_decode::Reject| {
        format!("{}@{} {}: {}", r.record, r.line, r.column.as_deref().unwrap_or("-"), r.reason)
    };
    decoded.rejects.iter().map(show).collect()
}

fn column(name: &str, data_type: DataType) -> Column {
    Column::new(name, data_type, true)
}

fn required(name: &str, data_type: DataType) -> Column {
    Column::new(name, data_type, false)
}

fn at(mut column: Column, path: &[&str]) -> Column {
    column.path = Some(JsonPath(path.iter().map(|part| (*part).to_owned()).collect()));
    column
}

/// One value of one type in one JSON record: the value's text, or the reason why not.
fn value(column: Column, json: &str) -> Result<String, String> {
    let name = column.name.clone();
    let decoded = ndjson(vec![column], format!("{{\"{name}\":{json}}}"));
    match decoded.rejects.first() {
        Some(reject) => {
            assert_eq!(decoded.rows.num_rows(), 0);
            Err(reject.reason.clone())
        }
        None => Ok(rows(&decoded).remove(0)),
    }
}
