//! Properties over random records: the shape of the body does not matter, rejects change no neighbour.

use std::sync::Arc;

use arrow_schema::{Field, Fields};
use highwater_decode::BodyFormat;
use highwater_model::micros_utc;
use proptest::prelude::*;

use super::*;

fn columns() -> Vec<Column> {
    let inner = Fields::from(vec![Field::new("x", DataType::Int16, true), Field::new("t", DataType::Utf8, false)]);
    vec![
        required("id", DataType::Int64),
        column("text", DataType::Utf8),
        column("float", DataType::Float64),
        column("flag", DataType::Boolean),
        column("at", micros_utc()),
        column("inner", DataType::Struct(inner)),
        column("list", DataType::List(Arc::new(Field::new("item", DataType::Int32, true)))),
        at(column("deep", DataType::Utf8), &["meta", "deep"]),
    ]
}

/// A JSON value for one of the columns: often right, sometimes wrong.
fn member() -> impl Strategy<Value = String> {
    let text = || "[a-zé\\\\\"\n😀]{0,6}".prop_map(|text| json_text(&text));
    prop_oneof![
        4 => any::<i64>().prop_map(|n| format!("\"id\":{n}")),
        1 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("\"id\":{f:e}")),
        3 => text().prop_map(|text| format!("\"text\":{text}")),
        2 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("\"float\":{f:e}")),
        2 => any::<bool>().prop_map(|flag| format!("\"flag\":{flag}")),
        2 => (0..70_u32, 0..99_999_u32).prop_map(|(s, f)| format!("\"at\":\"2016-02-02T18:41:{s:02}.{f}+01:00\"")),
        2 => (any::<i32>(), text()).prop_map(|(x, t)| format!("\"inner\":{{\"x\":{},\"t\":{t}}}", x >> 14)),
        1 => Just("\"inner\":{\"x\":1}".to_owned()),
        2 => prop::collection::vec(prop_oneof![any::<i32>().prop_map(|n| n.to_string()), Just("null".to_owned())], 0..4)
            .prop_map(|items| format!("\"list\":[{}]", items.join(","))),
        2 => text().prop_map(|text| format!("\"meta\":{{\"deep\":{text},\"other\":[{{}}]}}")),
        1 => text().prop_map(|text| format!("\"unknown\":[{text}]")),
        1 => Just("\"text\":null".to_owned()),
    ]
}

fn json_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn record() -> impl Strategy<Value = String> {
    prop::collection::vec(member(), 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_shape_of_the_body_does_not_matter(records in prop::collection::vec(record(), 0..12)) {
        let schema = StreamSchema::json(columns());
        let lines = decode(&schema, BodyFormat::NdJson, records.join("\n"));
        let array = decode(&schema, BodyFormat::Json, format!("[{}]", records.join(", ")));
        let together = decode(&schema, BodyFormat::Json, records.concat());
        let wrapped: Vec<_> = records.iter().map(|record| json_text(record)).collect();
        let wrapped = decode(&schema, BodyFormat::NdJson, wrapped.join("\n"));
        for other in [&array, &together, &wrapped] {
            prop_assert_eq!(&lines.rows, &other.rows);
            let reasons = |decoded: &Decoded| -> Vec<_> {
                decoded.rejects.iter().map(|r| (r.record, r.column.clone(), r.reason.clone())).collect()
            };
            prop_assert_eq!(reasons(&lines), reasons(other));
        }
        prop_assert_eq!(lines.spans.len() + lines.rejects.len(), records.len());
    }

    #[test]
    fn a_bad_record_changes_nothing_else(
        records in prop::collection::vec(record(), 1..8),
        garbage in "[^\n\r\t \u{feff}\\[{\"][^\n\\[{\"]{0,20}",
        place in any::<prop::sample::Index>(),
    ) {
        let schema = StreamSchema::json(columns());
        // Without brackets and quotes: those may start records of their own.
        prop_assume!(!garbage.trim_ascii().is_empty());
        let clean = decode(&schema, BodyFormat::NdJson, records.join("\n"));
        let mut dirty = records.clone();
        dirty.insert(place.index(records.len() + 1), garbage);
        let dirty = decode(&schema, BodyFormat::NdJson, dirty.join("\n"));
        prop_assert_eq!(clean.rows, dirty.rows);
        prop_assert_eq!(clean.rejects.len() + 1, dirty.rejects.len());
    }
}
