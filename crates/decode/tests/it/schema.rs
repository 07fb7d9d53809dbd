//! Schemas that cannot be decoded are refused with the column's name.

use std::sync::Arc;

use arrow_schema::{Field, TimeUnit};
use highwater_decode::DecodeError;
use highwater_model::{Format, TimeEncoding, micros_utc};

use super::*;

fn refused(column: Column) -> String {
    let error = Decoder::new(&StreamSchema::json(vec![column])).unwrap_err();
    assert!(matches!(&error, DecodeError::Column { column, .. } if column == "c"), "{error}");
    error.to_string()
}

fn timed(data_type: DataType, pattern: &str, zone: Option<&str>) -> Column {
    let time = TimeEncoding::Pattern { pattern: pattern.to_owned(), zone: zone.map(str::to_owned) };
    Column { time: Some(time), ..column("c", data_type) }
}

#[test]
fn column_by_column() {
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    assert!(refused(timed(micros_utc(), "%Y-%m-%d", Some("Mars/Olympus"))).contains("no time zone \"Mars/Olympus\""));
    assert!(refused(timed(micros_utc(), "%Y-%m-%d %Q", Some("UTC"))).contains("no strftime pattern"));
    assert!(refused(timed(micros_utc(), "%H:%M", Some("UTC"))).contains("does not name a date"));
    assert!(refused(timed(micros_utc(), "%Y-%m-%d", None)).contains("declare the IANA zone"));
    assert!(refused(timed(micros_utc(), "%Y-%m-%d %H:%M:%S %f", Some("UTC"))).contains("%.f"));
    assert!(refused(timed(local.clone(), "%Y-%m-%d", Some("UTC"))).contains("TIMESTAMPTZ"));
    assert!(refused(timed(local, "%Y-%m-%dT%H:%M:%S%z", None)).contains("TIMESTAMPTZ"));
    assert!(refused(column("c", DataType::Utf8View)).contains("cannot be decoded"));
    let nested = DataType::List(Arc::new(Field::new("item", DataType::LargeBinary, true)));
    assert!(refused(column("c", nested)).contains("cannot be decoded"));
}

#[test]
fn layouts_and_partitions() {
    let mut schema = StreamSchema::json(vec![column("a", DataType::Int64)]);
    let mut layout = |delimiter: u8, names: &[&str]| {
        let layout = names.iter().map(|name| (*name).to_owned()).collect();
        schema.format = Format::Text { delimiter, layout, quoted: false, fallback_delimiter: None };
        Decoder::new(&schema).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(layout(b';', &["x", "a"]), Ok(()));
    assert!(layout(b';', &["x"]).unwrap_err().contains("names no column"));
    assert!(layout(b';', &["a", "a"]).unwrap_err().contains("twice"));
    assert!(layout(b'e', &["a"]).unwrap_err().contains("cannot delimit"));
    assert!(layout(0xe9, &["a"]).unwrap_err().contains("cannot delimit"));
    let mut schema =
        StreamSchema::json(vec![column("a", DataType::List(Arc::new(Field::new("item", DataType::Int64, true))))]);
    schema.partition_by = vec![0];
    assert!(Decoder::new(&schema).unwrap_err().to_string().contains("cannot pick the partition"));
    schema.partition_by = vec![7];
    assert!(Decoder::new(&schema).is_err());
}

#[test]
fn replay_names_the_record_that_does_not_decode() {
    let decoder = Decoder::new(&StreamSchema::json(vec![required("a", DataType::Int64)])).unwrap();
    for (bad, reason) in [
        ("{\"a\":\"x\"}", "(column \"a\"): expected a whole number"),
        ("{\"a\":", "not valid JSON"),
        ("{\"a\":1} {", "more text after the record"),
        ("", "not valid JSON"),
        ("{}", "missing or null"),
    ] {
        let mut records = highwater_model::RecordsBuilder::default();
        assert!(records.push(b"{\"a\":1}") && records.push(bad.as_bytes()));
        let error = decoder.decode_records(&records.finish()).unwrap_err().to_string();
        assert!(error.starts_with("stored record 1") && error.contains(reason), "{error}");
    }
}
