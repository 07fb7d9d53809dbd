//! JSON bodies: finding records, resuming after bad ones, odd bytes.

use highwater_decode::BodyFormat;

use super::*;

fn columns() -> Vec<Column> {
    vec![required("a", DataType::Int64), column("b", DataType::Utf8)]
}

#[test]
fn one_object_a_line() {
    let decoded = ndjson(columns(), "{\"a\":1,\"b\":\"x\"}\n\n  {\"b\":null,\"a\":2}\r\n{\"z\":[1,{}],\"a\":3}");
    assert_eq!(rows(&decoded), ["1|x", "2|∅", "3|∅"]);
    assert!(decoded.rejects.is_empty());
    let records: Vec<_> = decoded.records().iter().map(|r| String::from_utf8_lossy(r).into_owned()).collect();
    assert_eq!(records, ["{\"a\":1,\"b\":\"x\"}", "{\"b\":null,\"a\":2}", "{\"z\":[1,{}],\"a\":3}"]);
    assert_eq!(decoded.gather(&[2, 0]).get(0), b"{\"z\":[1,{}],\"a\":3}");
}

#[test]
fn every_shape_of_body_under_either_content_type() {
    let shapes = [
        "{\"a\":1}\n{\"a\":2}\n",
        "[{\"a\":1},{\"a\":2}]",
        " [ {\"a\":1} , {\"a\":2} ] \n",
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1} {\"a\":2}",
        "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n",
        "[\n{\"a\":1},\n{\"a\":2}\n]",
        "[{\"a\":1}]\n[{\"a\":2}]\n",
        "[]{\"a\":1}[][{\"a\":2}]",
        "\u{feff}{\"a\":1}\n{\"a\":2}",
        "\"{\\\"a\\\":1}\"\n\"  {\\\"a\\\":2} \"",
        "[\"{\\\"a\\\":1}\", {\"a\":2}]",
    ];
    for shape in shapes {
        for format in [BodyFormat::NdJson, BodyFormat::Json] {
            let decoded = decode(&StreamSchema::json(columns()), format, shape);
            assert_eq!(rows(&decoded), ["1|∅", "2|∅"], "{format:?} {shape}: {:?}", rejects(&decoded));
            assert!(decoded.rejects.is_empty(), "{shape}");
        }
    }
}

#[test]
fn empty_bodies_hold_no_records() {
    for body in ["", " \n\r\n\t", "\u{feff}", "[]", " [ ] "] {
        for format in [BodyFormat::NdJson, BodyFormat::Json] {
            let decoded = decode(&StreamSchema::json(columns()), format, body);
            assert_eq!((decoded.spans.len(), decoded.rejects.len()), (0, 0), "{body:?}");
        }
    }
}

#[test]
fn a_bad_line_leaves_its_neighbours_alone() {
    let body = "{\"a\":1}\n{\"a\":tru}\n{\"a\":2,\n{\"a\":\"x\ny\n{\"a\":3}\n{\"a\":4} x\n{\"b\":\"no a\"}\n{\"a\":5}\n{\"a\":6";
    for format in [BodyFormat::NdJson, BodyFormat::Json] {
        let decoded = decode(&StreamSchema::json(columns()), format, body);
        assert_eq!(rows(&decoded), ["1|∅", "3|∅", "5|∅"]);
        let found: Vec<_> = decoded.rejects.iter().map(|r| (r.record, r.line, r.raw.clone())).collect();
        let expected: Vec<(u64, u64, Bytes)> = vec![
            (1, 2, "{\"a\":tru}".into()),
            (2, 3, "{\"a\":2,".into()),
            (3, 4, "{\"a\":\"x".into()),
            (4, 5, "y".into()),
            (6, 7, "{\"a\":4} x".into()),
            (7, 8, "{\"b\":\"no a\"}".into()),
            (9, 10, "{\"a\":6".into()),
        ];
        assert_eq!(found, expected);
        assert_eq!(
            decoded.rejects[4].reason,
            "not valid JSON: more text after the record on its line at byte 8 of the record"
        );
        assert_eq!(decoded.rejects[5].column.as_deref(), Some("a"));
        assert_eq!(decoded.rejects[5].byte, body.find("{\"b\":\"no").unwrap() as u64);
    }
}

#[test]
fn an_array_resumes_where_brackets_pair_up() {
    let decoded = json(columns(), "[{\"a\":1}, {\"a\":tru}, 7, [1], null, \"x\", {\"a\":1.5}, {\"a\":2}]");
    assert_eq!(rows(&decoded), ["1|∅", "2|∅"]);
    assert_eq!(
        rejects(&decoded),
        [
            "1@1 -: not valid JSON: expected ident at byte 8 of the record",
            "2@1 -: a record must be a JSON object, found a number",
            "3@1 -: a record must be a JSON object, found a list",
            "4@1 -: a record must be a JSON object, found null",
            "5@1 -: a record must be a JSON object, found a text that holds none",
            "6@1 a: expected a whole number, found \"1.5\"",
        ]
    );
}

#[test]
fn what_cannot_be_resumed_rejects_the_rest_once() {
    for (body, good, raw) in [
        ("[{\"a\":1}, {\"a\":\"x}, {\"a\":2}]", 1, "{\"a\":\"x}, {\"a\":2}]"),
        ("[{\"a\":1}, {\"a\":2}", 2, ""),
        ("[{\"a\":1},]", 1, ",]"),
        ("[{\"a\":1} {\"a\":2}]", 1, "{\"a\":2}]"),
        ("[", 0, ""),
        ("[{\"a\":1}, {\"a\":", 1, "{\"a\":"),
        ("{\n\"a\":1}\n{\"a\":x\n}}{\"a\":2}", 1, "{\"a\":x\n}}{\"a\":2}"),
    ] {
        let decoded = json(columns(), body);
        assert_eq!(decoded.spans.len(), good, "{body}");
        assert_eq!(decoded.rejects.len(), 1, "{body}: {:?}", rejects(&decoded));
        assert_eq!(decoded.rejects[0].raw, raw, "{body}");
        assert!(
            decoded.rejects[0].reason.contains("the rest of the body is rejected"),
            "{}",
            decoded.rejects[0].reason
        );
    }
}

#[test]
fn a_long_rest_is_kept_in_pieces() {
    let mut schema = StreamSchema::json(columns());
    schema.max_record_bytes = 10;
    let decoded = decode(&schema, BodyFormat::Json, "[{\"a\":1}, {\"a\":\"0123456789abcdefg]");
    let raw: Vec<u8> = decoded.rejects.iter().flat_map(|r| r.raw.to_vec()).collect();
    assert_eq!(raw, b"{\"a\":\"0123456789abcdefg]");
    assert_eq!(decoded.rejects.len(), 3);
}

#[test]
fn the_last_of_repeated_keys_wins() {
    let decoded =
        ndjson(columns(), "{\"a\":1,\"b\":\"x\",\"a\":2,\"b\":null}\n{\"a\":null,\"a\":3}\n{\"a\":3,\"a\":null}");
    assert_eq!(rows(&decoded), ["2|∅", "3|∅"]);
    assert_eq!(rejects(&decoded), ["2@3 a: a value is required, but it is missing or null"]);
}

#[test]
fn keys_in_any_order_and_with_escapes() {
    let decoded =
        ndjson(columns(), "{\"\\u0061\":1,\"b\":\"\\ud83d\\ude00\\n\"}\n{\"b\":\"é\",\"a\":2}\n{\"A\":0,\"a\":3}");
    assert_eq!(rows(&decoded), ["1|😀\n", "2|é", "3|∅"]);
}

#[test]
fn text_columns_keep_any_value_as_its_source() {
    let decoded = ndjson(
        columns(),
        "{\"a\":1,\"b\":1.50}\n{\"a\":2,\"b\":true}\n{\"a\":3,\"b\":{\"x\": [1, \"é\"]}}\n{\"a\":4,\"b\":[ ]}",
    );
    assert_eq!(rows(&decoded), ["1|1.50", "2|true", "3|{\"x\": [1, \"é\"]}", "4|[ ]"]);
}

#[test]
fn bytes_that_are_no_text() {
    let mut body = b"{\"a\":1,\"b\":\"".to_vec();
    body.extend_from_slice(
        b"\xff\"}\n{\"a\":2,\"z\":\"\xc3\"}\n{\"a\":3,\"b\":\"\xc3\xa9\"}\n{\"a\":4,\"\xe2\x82\":1}\n",
    );
    let decoded = ndjson(columns(), &body);
    assert_eq!(rows(&decoded), ["3|é"]);
    for reject in &decoded.rejects {
        assert!(reject.reason.starts_with("the record is not valid UTF-8 at its byte"), "{}", reject.reason);
    }
    let mut array = b"[{\"a\":1,\"b\":\"\xff\"},{\"a\":2}]".to_vec();
    assert_eq!(rows(&json(columns(), &array)), ["2|∅"]);
    array.extend_from_slice(b"\xff");
    assert_eq!(json(columns(), &array).rejects.len(), 2);
}

#[test]
fn lone_surrogates_and_control_characters() {
    let body = "{\"a\":1,\"b\":\"\\ud800\"}\n{\"a\":2,\"b\":\"\\udc00x\"}\n{\"a\":3,\"b\":\"a\u{1}\"}\n{\"a\":4,\"b\":\"\\u0000\"}\n{\"a\":5,\0\"b\":1}\n";
    let decoded = ndjson(columns(), body);
    assert_eq!(rows(&decoded), ["4|\0"]);
    assert_eq!(decoded.rejects.len(), 4);
}

#[test]
fn nesting_is_limited() {
    let deep = |levels: usize| format!("{{\"a\":1,\"b\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let body = format!("{}\n{}\n{}\n{{\"a\":2}}", deep(63), deep(64), deep(100_000));
    let decoded = ndjson(columns(), &body);
    assert_eq!(rows(&decoded).len(), 2);
    assert!(rejects(&decoded).iter().all(|r| r.contains("nested more than 64 levels deep")), "{:?}", rejects(&decoded));
    let unknown =
        format!("{{\"a\":1,\"z\":{}{}}}\n{{\"a\":2}}", "{\"x\":".repeat(70), "1".to_owned() + &"}".repeat(70));
    assert_eq!(rows(&ndjson(columns(), unknown)), ["2|∅"]);
}

#[test]
fn records_over_the_limit_are_rejected_and_cut() {
    let mut schema = StreamSchema::json(columns());
    schema.max_record_bytes = 20;
    let body = "{\"a\":1}\n{\"a\":2,\"b\":\"0123456789\"}\n{\"a\":3}\n";
    for (format, body) in
        [(BodyFormat::NdJson, body.to_owned()), (BodyFormat::Json, format!("[{}]", body.trim_end().replace('\n', ",")))]
    {
        let decoded = decode(&schema, format, body);
        assert_eq!(rows(&decoded), ["1|∅", "3|∅"]);
        assert_eq!(decoded.rejects[0].raw.as_ref(), b"{\"a\":2,\"b\":\"01234567");
        assert_eq!(
            decoded.rejects[0].reason,
            "the record has 24 bytes, more than the stream's max_record_bytes of 20 (the first 20 of 24 bytes are kept)"
        );
    }
}

#[test]
fn objects_may_share_a_line() {
    let decoded = ndjson(columns(), "{\"a\":1}{\"a\":2} [{\"a\":3},{\"a\":x}]\n{\"a\":4}{\"a\":\n{\"a\":5}");
    assert_eq!(rows(&decoded), ["1|∅", "2|∅", "3|∅", "4|∅", "5|∅"]);
    assert_eq!(decoded.rejects.len(), 2);
    assert_eq!(decoded.rejects[1].raw.as_ref(), b"{\"a\":");
}

#[test]
fn many_rejects_keep_their_places() {
    let body: String = (0..500)
        .map(|n| if n % 3 == 0 { format!("{{\"a\":\"x{n}\"}}\n") } else { format!("{{\"a\":{n}}}\n") })
        .collect();
    let decoded = ndjson(columns(), &body);
    assert_eq!(decoded.spans.len() + decoded.rejects.len(), 500);
    for reject in &decoded.rejects {
        assert_eq!(reject.line, reject.record + 1);
        assert!(body.as_bytes()[reject.byte as usize..].starts_with(&reject.raw));
    }
}
