//! Structs, lists, maps, paths, and JSON inside JSON strings.

use std::sync::Arc;

use arrow_schema::{Field, Fields};

use super::*;

fn point() -> DataType {
    DataType::Struct(Fields::from(vec![
        Field::new("x", DataType::Int32, false),
        Field::new("y", DataType::Int32, true),
    ]))
}

fn list(item: DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, nullable)))
}

fn map(value: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

#[test]
fn structs() {
    let decoded = ndjson(
        vec![column("p", point())],
        "{\"p\":{\"x\":1,\"y\":2}}\n{\"p\":null}\n{}\n{\"p\":{\"y\":1}}\n{\"p\":{\"x\":3,\"q\":0}}\n{\"p\":\"{\\\"x\\\":4}\"}\n{\"p\":5}\n{\"p\":{\"x\":1},\"p\":{\"y\":9,\"x\":6}}\n",
    );
    assert_eq!(rows(&decoded), ["{x: 1, y: 2}", "∅", "∅", "{x: 3, y: ∅}", "{x: 4, y: ∅}", "{x: 6, y: 9}"]);
    assert_eq!(
        rejects(&decoded),
        ["3@4 p.x: a value is required, but it is missing or null", "6@7 p: expected an object, found \"5\""]
    );
}

#[test]
fn lists() {
    let decoded = ndjson(
        vec![column("l", list(point(), true)), column("n", list(DataType::Int8, false))],
        "{\"l\":[{\"x\":1},null,{\"x\":2}],\"n\":[]}\n{\"l\":[{\"x\":1},{\"x\":\"a\"}]}\n{\"n\":[1,2,300]}\n{\"n\":[1,null]}\n{\"n\":\"[1,2]\"}\n{\"l\":[],\"n\":[7]}\n",
    );
    assert_eq!(rows(&decoded), ["[{x: 1, y: ∅}, ∅, {x: 2, y: ∅}]|[]", "∅|[1, 2]", "[]|[7]"]);
    let columns: Vec<_> = decoded.rejects.iter().map(|r| r.column.clone().unwrap()).collect();
    assert_eq!(columns, ["l[1].x", "n[2]", "n[1]"]);
}

#[test]
fn maps() {
    let decoded = ndjson(
        vec![column("m", map(DataType::Int64))],
        "{\"m\":{\"a\":1,\"b\":null}}\n{\"m\":{}}\n{\"m\":{\"a\":1,\"b\":2,\"a\":3}}\n{\"m\":{\"a\":\"x\"}}\n{\"m\":[1]}\n{\"m\":{\"\":4}}\n{}\n",
    );
    assert_eq!(rows(&decoded), ["{a: 1, b: ∅}", "{}", "{a: 3, b: 2}", "{: 4}", "∅"]);
    assert_eq!(decoded.rejects.len(), 2);
    let many: String = (0..40).map(|n| format!("\"k{}\":{n},", n % 30)).collect();
    let decoded =
        ndjson(vec![column("m", map(DataType::Int64))], format!("{{\"m\":{{{}}}}}", many.trim_end_matches(',')));
    assert!(rows(&decoded)[0].starts_with("{k0: 30, k1: 31"), "{:?}", rows(&decoded));
}

#[test]
fn deep_types_roll_back_exactly() {
    let kind = list(map(list(point(), true)), true);
    let good = "{\"v\":[{\"a\":[{\"x\":1,\"y\":2}]},{\"b\":[]},null]}\n";
    let bad = "{\"v\":[{\"a\":[{\"x\":1},{\"x\":2},null]},{\"b\":[{\"y\":1}]}]}\n";
    let decoded = ndjson(vec![column("v", kind)], [bad, good, bad, bad, good].concat());
    assert_eq!(rows(&decoded), vec!["[{a: [{x: 1, y: 2}]}, {b: []}, ∅]"; 2]);
    assert_eq!(decoded.rejects[0].column.as_deref(), Some("v[1][entry 0][0].x"));
}

#[test]
fn paths() {
    let columns = vec![
        at(required("id", DataType::Int64), &["meta", "id"]),
        at(column("first", DataType::Utf8), &["tags", "0"]),
        at(column("second_x", DataType::Int64), &["points", "1", "x"]),
        at(column("whole", DataType::Utf8), &["meta"]),
        at(column("same_id", DataType::Utf8), &["meta", "id"]),
    ];
    let decoded = ndjson(
        columns,
        "{\"meta\":{\"id\":1},\"tags\":[\"a\",\"b\"],\"points\":[{\"x\":1},{\"x\":2}]}\n\
         {\"meta\":\"{\\\"id\\\":2}\",\"tags\":[]}\n\
         {\"meta\":{},\"tags\":null}\n\
         {\"meta\":5}\n\
         {\"meta\":{\"id\":9},\"meta\":{\"id\":3},\"points\":[0]}\n\
         {\"meta\":{\"id\":9},\"meta\":{}}\n\
         {\"tags\":{\"0\":\"z\"},\"meta\":{\"id\":4}}\n",
    );
    assert_eq!(
        rows(&decoded),
        ["1|a|2|{\"id\":1}|1", "2|∅|∅|{\"id\":2}|2", "3|∅|∅|{\"id\":3}|3", "4|z|∅|{\"id\":4}|4"]
    );
    assert_eq!(
        rejects(&decoded),
        [
            "2@3 id: a value is required, but it is missing or null",
            "3@4 id: expected an object or a list at \"meta\" of the column's path, found a plain value",
            "5@6 id: a value is required, but it is missing or null",
        ]
    );
}

#[test]
fn many_unknown_keys_in_changing_order() {
    let columns: Vec<_> = (0..30).map(|n| column(&format!("k{n}"), DataType::Int64)).collect();
    let line = |shift: usize| {
        let pairs: Vec<_> = (0..60).map(|n| (n * 7 + shift) % 60).map(|n| format!("\"k{n}\":{n}")).collect();
        format!("{{{}}}\n", pairs.join(","))
    };
    let expected = (0..30).map(|n| n.to_string()).collect::<Vec<_>>().join("|");
    let decoded = ndjson(columns, (0..50).map(line).collect::<String>());
    assert_eq!(rows(&decoded), vec![expected; 50]);
}
