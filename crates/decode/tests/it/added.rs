//! Columns that were added when there were records: old records never fail for them, new ones are judged by them.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Fields};
use highwater_model::{Added, Format, RecordsBuilder};
use proptest::prelude::*;

use super::*;

/// The stored records of bodies that `old` accepts, as rows of `new`.
fn reread(old: &StreamSchema, new: &StreamSchema, format: BodyFormat, body: &str) -> RecordBatch {
    let decoded = decode(old, format, body);
    assert_eq!(decoded.rejects, [], "the old declaration accepts it");
    Decoder::new(new).unwrap().decode_records(&decoded.records()).unwrap()
}

fn text(rows: &RecordBatch) -> Vec<String> {
    let spans = Vec::new();
    super::rows(&Decoded { rows: rows.clone(), spans, source: Bytes::new(), rejects: Vec::new(), header: None })
}

fn added(column: Column) -> Column {
    Column { added: Some(Added::All), ..column }
}

fn with(old: &StreamSchema, more: Vec<Column>) -> StreamSchema {
    let mut new = old.clone();
    new.columns.extend(more);
    new
}

#[test]
fn old_values_come_from_raw_and_what_does_not_fit_is_null() {
    let old = StreamSchema::json(vec![required("id", DataType::Int64)]);
    let new = with(
        &old,
        vec![
            added(column("n", DataType::Int32)),
            added(at(column("lat", DataType::Float64), &["venue", "lat"])),
            added(at(column("second", DataType::Utf8), &["tags", "1"])),
            added(at(column("whole", DataType::Utf8), &["venue"])),
        ],
    );
    let body = r#"{"id":1,"n":7,"venue":{"lat":1.5},"tags":["a","b"]}
{"id":2,"n":"seven","venue":{"lat":"north"},"tags":{}}
{"n":3,"venue":"plain","id":3,"n":true,"tags":7}
{"id":4,"n":99999999999,"venue":[1],"tags":["x",{"y":[]}]}
{"id":5,"n":null,"venue":null}
{"id":6,"n":"8","venue":"{\"lat\":2}"}
{"id":7,"n":[1],"n":9,"venue":"{\"lat\""}
"#;
    assert_eq!(
        text(&reread(&old, &new, BodyFormat::NdJson, body)),
        [
            r#"1|7|1.5|b|{"lat":1.5}"#,
            r#"2|∅|∅|∅|{"lat":"north"}"#,
            "3|∅|∅|∅|plain",
            r#"4|∅|∅|{"y":[]}|[1]"#,
            "5|∅|∅|∅|∅",
            r#"6|8|2.0|∅|{"lat":2}"#,
            r#"7|9|∅|∅|{"lat""#,
        ]
    );
    let strict = decode(&new, BodyFormat::NdJson, "{\"id\":2,\"n\":\"seven\"}\n{\"id\":3,\"venue\":\"plain\"}\n");
    assert_eq!(strict.rejects.len(), 2, "{:?}", super::rejects(&strict));
}

#[test]
fn a_required_neighbour_on_the_same_path_stays_required() {
    let old = StreamSchema::json(vec![Column { nullable: false, ..at(column("lat", DataType::Int64), &["v", "lat"]) }]);
    let new = with(&old, vec![added(at(column("lon", DataType::Int64), &["v", "lon", "deg"]))]);
    let body = r#"{"v":{"lon":{"deg":2},"lat":1}}
{"v":{"lon":5,"lat":2}}
{"v":{"lon":[],"lat":3,"lon":{"deg":"4"}}}
"#;
    assert_eq!(text(&reread(&old, &new, BodyFormat::NdJson, body)), ["1|2", "2|∅", "3|4"]);
}

#[test]
fn fields_added_to_structs_in_lists_and_maps_are_null_alone() {
    let point = |more: &[(&str, DataType)]| {
        let mut fields = vec![Field::new("x", DataType::Int32, true)];
        fields.extend(more.iter().map(|(name, of)| Field::new(*name, of.clone(), true)));
        DataType::Struct(Fields::from(fields))
    };
    let list = |item: DataType| DataType::List(std::sync::Arc::new(Field::new_list_field(item, true)));
    let old = StreamSchema::json(vec![column("p", point(&[])), column("l", list(point(&[])))]);
    let marked = Added::Fields(BTreeMap::from([("y".to_owned(), Added::All)]));
    let wide = point(&[("y", DataType::Int32)]);
    let new = StreamSchema::json(vec![
        Column { added: Some(marked.clone()), ..column("p", wide.clone()) },
        Column { added: Some(marked), ..column("l", list(wide)) },
    ]);
    let body = r#"{"p":{"x":1,"y":2},"l":[{"y":"bad","x":3},{"x":4,"y":5}]}
{"p":{"y":{},"x":6},"l":[null]}
"#;
    let rows = text(&reread(&old, &new, BodyFormat::NdJson, body));
    assert_eq!(rows, ["{x: 1, y: 2}|[{x: 3, y: ∅}, {x: 4, y: 5}]", "{x: 6, y: ∅}|[∅]"]);
    assert_eq!(decode(&new, BodyFormat::NdJson, "{\"p\":{\"y\":{}}}").rejects.len(), 1);
}

#[test]
fn a_field_of_text_that_was_skipped_becomes_a_column() {
    let layout = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let text_of = |layout| Format::Text { delimiter: b';', layout, quoted: false, fallback_delimiter: None };
    let mut old = StreamSchema::json(vec![required("id", DataType::Int64)]);
    old.format = text_of(layout(&["id", "n"]));
    let mut new = with(&old, vec![added(column("n", DataType::Int64)), added(column("late", DataType::Utf8))]);
    new.format = text_of(layout(&["id", "n", "late"]));
    let rows = text(&reread(&old, &new, BodyFormat::Text, "1;5\n2;x\n3\n{\"id\":4,\"n\":6,\"late\":\"l\"}\n"));
    assert_eq!(rows, ["1|5|∅", "2|∅|∅", "3|∅|∅", "4|6|l"]);
    assert_eq!(decode(&new, BodyFormat::Text, "2;x\n").rejects.len(), 1);
}

#[test]
fn csv_keeps_the_fields_that_no_column_wants_yet() {
    let old = StreamSchema::json(vec![required("id", DataType::Int64)]);
    let new = with(&old, vec![added(column("city", DataType::Utf8))]);
    let rows = text(&reread(&old, &new, BodyFormat::Csv, "city,id,id2\nKöln,1,x\n,2,\n"));
    assert_eq!(rows, ["1|Köln", "2|∅"]);
}

/// JSON values of every shape, some of them texts that hold JSON; without repeated keys, of which the last one that fits
/// counts in stored records, while a new record is rejected for the first that does not.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        "[a-z0-9{}\\[\\],:.]{0,6}".prop_map(|text| format!("{text:?}")),
        Just(r#""{\"a\":{\"b\":1}}""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![Just("a"), Just("b"), Just("c"), Just("0")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|fields| {
                let fields: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_accepted_always_decodes_and_old_columns_keep_their_values(a in value(), b in value(), c in value()) {
        let old = StreamSchema::json(vec![at(column("k", DataType::Utf8), &["a", "b"]), column("b", DataType::Utf8)]);
        let paths: [&[&str]; 6] = [&["a"], &["a", "c"], &["a", "b", "a"], &["c"], &["c", "0", "a"], &["b", "b"]];
        let types = [DataType::Int32, DataType::Utf8, DataType::Float64, DataType::Boolean];
        let mut more = Vec::new();
        for path in paths {
            for of in &types {
                more.push(added(at(column(&format!("n{}", more.len()), of.clone()), path)));
            }
        }
        let new = with(&old, more.clone());
        let body = format!("{{\"a\":{a},\"b\":{b},\"c\":{c}}}");
        let before = Decoder::new(&old).unwrap().decode_body(BodyFormat::NdJson, &Bytes::from(body)).unwrap();
        let records = before.records();
        let after = Decoder::new(&new).unwrap().decode_records(&records).unwrap();
        prop_assert_eq!(&after.columns()[..2], before.rows.columns());
        // Each added column alone gives the same value, or a reject where there is NULL.
        for (at, column) in more.into_iter().enumerate() {
            let alone = with(&old, vec![Column { added: None, ..column }]);
            for (row, record) in records.iter().enumerate() {
                let mut one = RecordsBuilder::default();
                prop_assert!(one.push(record));
                let here = after.column(at + 2).slice(row, 1);
                match Decoder::new(&alone).unwrap().decode_records(&one.finish()) {
                    Ok(rows) => prop_assert_eq!(rows.column(2), &here),
                    Err(_) => prop_assert!(here.is_null(0)),
                }
            }
        }
    }
}
