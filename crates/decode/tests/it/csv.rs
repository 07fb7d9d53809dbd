//! CSV bodies with a header.

use highwater_decode::BodyFormat;

use super::*;

fn columns() -> Vec<Column> {
    vec![
        at(required("id", DataType::Int64), &["user", "id"]),
        column("name", DataType::Utf8),
        column("Ok", DataType::Boolean),
        at(column("zip", DataType::Utf8), &["user", "address", "zip"]),
    ]
}

fn csv(body: &str) -> Decoded {
    decode(&StreamSchema::json(columns()), BodyFormat::Csv, body)
}

#[test]
fn columns_are_matched_by_name_and_path() {
    let decoded = csv(
        "name,other,user.id,ZIP,ok\n\"a \"\"q\"\", é\",x,1,0123,true\n,,2,\"\",F\nb,,3\n\nc,,\nd,,4,5,6,7\n\\\t,,5\r\n\"two\nlines\",,6\n",
    );
    assert_eq!(rows(&decoded), ["1|a \"q\", é|true|0123", "2|∅|false|", "3|b|∅|∅", "5|\\\t|∅|∅", "6|two\nlines|∅|∅"]);
    assert_eq!(
        rejects(&decoded),
        [
            "3@6 id: a value is required, but it is missing or null",
            "4@7 -: the row has more than the 5 fields of the header",
        ]
    );
    assert_eq!(decoded.rejects[1].raw.as_ref(), b"d,,4,5,6,7");
    assert_eq!(
        decoded.records().get(0),
        "{\"name\":\"a \\\"q\\\", é\",\"user\":{\"id\":\"1\",\"address\":{\"zip\":\"0123\"}},\"Ok\":\"true\",\"other\":\"x\"}"
            .as_bytes()
    );
}

#[test]
fn other_delimiters_and_a_mark() {
    assert_eq!(rows(&csv("\u{feff}id;name\n1;a,b\n")), ["1|a,b|∅|∅"]);
    assert_eq!(rows(&csv("id\tname\n1\t\n")), ["1|∅|∅|∅"]);
    assert_eq!(rows(&csv("\"id\"\r\n7")), ["7|∅|∅|∅"]);
    assert!(rows(&csv("")).is_empty());
    assert!(rows(&csv("id,name\n")).is_empty());
}

#[test]
fn headers_that_do_not_fit() {
    let decoder = Decoder::new(&StreamSchema::json(columns())).unwrap();
    let refused = |body: &'static str| {
        decoder.decode_body(BodyFormat::Csv, &Bytes::from_static(body.as_bytes())).unwrap_err().to_string()
    };
    let error = refused("a,b\n1,2\n");
    assert!(error.contains("(a, b)") && error.contains("(id, name, Ok, zip)"), "{error}");
    assert!(refused("id,user.id\n1,2\n").contains("more than once"));
}

#[test]
fn a_broken_row_leaves_its_neighbours_alone() {
    let decoded = csv("id,name\n1,\"a\n2,b\n3,\"c\" d\n4,e\n");
    assert_eq!(rows(&decoded), ["2|b|∅|∅", "4|e|∅|∅"]);
    let raw: Vec<_> = decoded.rejects.iter().map(|r| (r.line, r.raw.clone())).collect();
    assert_eq!(raw, [(2, Bytes::from("1,\"a")), (4, Bytes::from("3,\"c\" d"))]);
}

#[test]
fn rows_that_grow_over_the_limit_are_rejected() {
    let mut schema = StreamSchema::json(columns());
    schema.max_record_bytes = 40;
    let decoded = decode(&schema, BodyFormat::Csv, "id,name\n1,a\n2,aaaaaaaaaaaaaaaaaaaaaaaaa\n3,b\n");
    assert_eq!(rows(&decoded), ["1|a|∅|∅", "3|b|∅|∅"]);
    assert!(decoded.rejects[0].reason.contains("more than the stream's max_record_bytes of 40"));
}
