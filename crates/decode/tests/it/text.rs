//! Text bodies in a declared layout.

use highwater_decode::{BodyFormat, DecodeError};
use highwater_model::{Format, TimeEncoding, micros_utc};

use super::*;

fn schema(delimiter: u8, quoted: bool, layout: &[&str]) -> StreamSchema {
    let zone = Some("America/Los_Angeles".to_owned());
    let time = TimeEncoding::Pattern { pattern: "%Y%m%d %H%M%S".to_owned(), zone };
    let columns = vec![
        column("source", DataType::Utf8),
        column("steps", DataType::Int64),
        Column { time: Some(time), ..column("ts", micros_utc()) },
        column("ok", DataType::Boolean),
    ];
    let layout = layout.iter().map(|name| (*name).to_owned()).collect();
    StreamSchema {
        format: Format::Text { delimiter, layout, quoted, fallback_delimiter: None },
        ..StreamSchema::json(columns)
    }
}

const LAYOUT: [&str; 5] = ["source", "ignored", "steps", "ts", "ok"];

#[test]
fn layouts() {
    let semicolons = schema(b';', false, &LAYOUT);
    let body = "6;zz;10;20160202 184139;True\r\n\n ; ; 11 ;;\n7;;12\n8;;x;;\n9;;13;20160202 184139;1;extra\n10;;14;;0";
    let decoded = decode(&semicolons, BodyFormat::Text, body);
    assert_eq!(rows(&decoded), ["6|10|2016-02-03T02:41:39Z|true", "∅|11|∅|∅", "7|12|∅|∅", "10|14|∅|false"]);
    assert_eq!(
        rejects(&decoded),
        [
            "3@5 steps: expected a whole number, found \"x\"",
            "4@6 -: the record has more than the 5 fields of the layout"
        ]
    );
    assert_eq!(decoded.records().get(0), b"6;zz;10;20160202 184139;True");
    let tabs = decode(&schema(b'\t', false, &LAYOUT), BodyFormat::Text, " a\t\t 1 \t\tf\n\t\t\t\t\n");
    assert_eq!(rows(&tabs), ["a|1|∅|false", "∅|∅|∅|∅"]);
}

/// A line without the delimiter may have another one.
#[test]
fn two_delimiters() {
    let mut both = schema(b';', false, &LAYOUT);
    let Format::Text { fallback_delimiter, .. } = &mut both.format else { panic!("{both:?}") };
    *fallback_delimiter = Some(b',');
    let body = "6;a,b;10;20160202 184139;True\n7, zz, 11, 20160202 184139, False\n8\n9,,x\n{\"source\":\"a,b\"}\n";
    let decoded = decode(&both, BodyFormat::Text, body);
    assert_eq!(
        rows(&decoded),
        ["6|10|2016-02-03T02:41:39Z|true", "7|11|2016-02-03T02:41:39Z|false", "8|∅|∅|∅", "a,b|∅|∅|∅"]
    );
    assert_eq!(rejects(&decoded), ["3@4 steps: expected a whole number, found \"x\""]);
    let Format::Text { quoted, .. } = &mut both.format else { panic!("{both:?}") };
    *quoted = true;
    assert!(Decoder::new(&both).is_err());
}

#[test]
fn quotes() {
    let quoted = schema(b',', true, &["source", "steps"]);
    let body = "\"a,\"\"b\"\"\", 1\n \"\" ,2\n\"two\nlines\",3\r\n\"x\" y,4\n\"open,5\nnext,6\n5\" disk,7\n\"last\"\r\n\"end\"";
    let decoded = decode(&quoted, BodyFormat::Text, body);
    assert_eq!(
        rows(&decoded),
        ["a,\"b\"|1|∅|∅", "|2|∅|∅", "two\nlines|3|∅|∅", "next|6|∅|∅", "5\" disk|7|∅|∅", "last|∅|∅|∅", "end|∅|∅|∅"]
    );
    assert_eq!(
        rejects(&decoded),
        ["3@5 -: the quotes of the record do not pair up", "4@6 -: the quotes of the record do not pair up"]
    );
    let plain = decode(&schema(b',', false, &["source", "steps"]), BodyFormat::Text, "\"a\",1\n");
    assert_eq!(rows(&plain), ["\"a\"|1|∅|∅"]);
}

#[test]
fn json_in_a_stream_of_text() {
    let semicolons = schema(b';', true, &LAYOUT);
    let body = "6;zz;10\n{\"steps\":11,\"source\":\"a;b\"}\n{\"steps\":\"x\"}\n{\"steps\":1} {\n";
    let decoded = decode(&semicolons, BodyFormat::Text, body);
    assert_eq!(rows(&decoded), ["6|10|∅|∅", "a;b|11|∅|∅"]);
    assert_eq!(decoded.rejects.len(), 2);
    for format in [BodyFormat::NdJson, BodyFormat::Json] {
        let decoded = decode(&semicolons, format, "{\"steps\":1}\n\" {\\\"steps\\\":2}\"\n{\"steps\":3}\n");
        assert_eq!(rows(&decoded), ["∅|1|∅|∅", "∅|2|∅|∅", "∅|3|∅|∅"]);
        assert_eq!(decoded.records().get(1), b"{\"steps\":2}");
    }
    let csv = decode(&semicolons, BodyFormat::Csv, "steps,source\n5,x\n");
    assert_eq!(rows(&csv), ["x|5|∅|∅"]);
}

#[test]
fn odd_bytes() {
    let semicolons = schema(b';', false, &LAYOUT);
    let decoded = decode(&semicolons, BodyFormat::Text, b"\xef\xbb\xbfa;;1\n\xff;;2\nb\0;;3\n\xc3\xa9;;4");
    assert_eq!(rows(&decoded), ["a|1|∅|∅", "b\0|3|∅|∅", "é|4|∅|∅"]);
    assert_eq!(rejects(&decoded), ["1@2 -: the record is not valid UTF-8 at its byte 0"]);
}

#[test]
fn a_stream_of_json_takes_no_text() {
    let decoder = Decoder::new(&StreamSchema::json(vec![column("a", DataType::Int64)])).unwrap();
    let error = decoder.decode_body(BodyFormat::Text, &Bytes::from_static(b"1;2")).unwrap_err();
    assert!(matches!(error, DecodeError::Format(_)) && error.to_string().contains("application/x-ndjson"));
}

#[test]
fn long_lines_are_rejected() {
    let mut semicolons = schema(b';', false, &LAYOUT);
    semicolons.max_record_bytes = 8;
    let decoded = decode(&semicolons, BodyFormat::Text, "a;;1\n0123456789;;2\nb;;3\n");
    assert_eq!(rows(&decoded), ["a|1|∅|∅", "b|3|∅|∅"]);
    assert_eq!(decoded.rejects[0].raw.as_ref(), b"01234567");
}
