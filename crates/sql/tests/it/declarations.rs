//! Declarations of streams: their text gives them back, and what they may become.

use highwater_model::{Added, StreamSchema};
use highwater_sql::{Statement, alter, evolve, parse, stream_sql};

fn stream(sql: &str) -> StreamSchema {
    match parse(sql).unwrap_or_else(|problems| panic!("{problems}")).as_slice() {
        [Statement::CreateStream(stream)] => stream.schema.clone(),
        other => panic!("{other:?}"),
    }
}

fn altered(schema: &StreamSchema, changes: &str) -> Result<StreamSchema, String> {
    let text = format!("ALTER STREAM s {changes}");
    let statements = parse(&text).map_err(|problems| problems.to_string())?;
    let [Statement::AlterStream(statement)] = statements.as_slice() else { panic!("{statements:?}") };
    let altered = alter(schema, statement, &text).map_err(|problems| problems.to_string())?;
    let evolution = evolve(schema, &altered.schema).map_err(|problems| problems.to_string())?;
    Ok(evolution.map_or_else(|| schema.clone(), |evolution| evolution.schema))
}

#[test]
fn the_text_of_a_declaration_gives_it_back() {
    for sql in [
        "CREATE STREAM s (a INT)",
        "CREATE STREAM s (\"A b\" TEXT NOT NULL, primary_ BIGINT UNSIGNED, \"check\" DECIMAL(10, 2), d DATE FORMAT '%d.%m.%Y')
           WITH (partitions = 4, partition_by = '\"A b\"')",
        "CREATE STREAM s (id BIGINT, k TEXT, v TIMESTAMPTZ UNIT 'ms', gone BOOLEAN, t TIMESTAMPTZ FORMAT '%Y ''%m' ZONE 'Europe/Berlin',
           lat DOUBLE PATH '$.venue.lat', x TEXT PATH '$[\"a b\"].c[0][''1x'']', PRIMARY KEY (id, k))
           WITH (version = 'v', deleted = 'gone', event_time = 't', lateness = '90 s', idle = '1500 ms', retention = '36 hours',
             retention_bytes = '10 GB', max_record_bytes = 2000)",
        "CREATE STREAM s (p STRUCT<x INT, \"Y\" STRUCT<z TEXT[]>>, m MAP<TEXT, DOUBLE>, ts TIMESTAMP(9), b BYTEA, r REAL)",
        "CREATE STREAM s (a INT, b TEXT) WITH (format = 'tsv', layout = 'b,skipped,a')",
        "CREATE STREAM s (a INT, b TEXT) WITH (format = 'text', delimiter = ';', quoted = true)",
        "CREATE STREAM s (a INT, b TEXT) WITH (format = 'text', delimiter = ';', fallback_delimiter = '\\t')",
    ] {
        let Ok(statements) = parse(sql) else { continue };
        let [Statement::CreateStream(parsed)] = statements.as_slice() else { panic!("{statements:?}") };
        let text = stream_sql(&parsed.name.in_schema("an app"), &parsed.schema);
        assert_eq!(stream(&text), parsed.schema, "{text}");
    }
}

#[test]
fn additions_are_marked_where_they_are() {
    let old = stream("CREATE STREAM s (id BIGINT, p STRUCT<x INT>, l STRUCT<a INT>[])");
    let new = altered(
        &old,
        "ADD COLUMN c TEXT, ALTER p TYPE STRUCT<x BIGINT, y STRUCT<z INT>>, ALTER COLUMN l SET DATA TYPE STRUCT<b INT, a INT>[]",
    )
    .unwrap();
    let marks: Vec<_> = new.columns.iter().map(|column| column.added.clone()).collect();
    let fields = |name: &str| Some(Added::Fields([(name.to_owned(), Added::All)].into()));
    assert_eq!(marks, [None, fields("y"), fields("b"), Some(Added::All)]);
    let newer = altered(&new, "ALTER p TYPE STRUCT<x BIGINT, y STRUCT<z INT>, w INT>").unwrap();
    let Some(Added::Fields(fields)) = &newer.columns[1].added else { panic!("{newer:?}") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["w", "y"]);
    assert_eq!(altered(&newer, "ADD COLUMN IF NOT EXISTS c TEXT").unwrap(), newer);
    // Declared again without the marks it is the same.
    assert_eq!(
        evolve(&newer, &stream(&stream_sql(&highwater_model::ObjectName::new("a", "s"), &newer))).unwrap(),
        None
    );
}

#[test]
fn a_column_of_text_is_the_next_field_or_the_one_of_its_name() {
    let old = stream("CREATE STREAM s (a INT, b TEXT) WITH (format = 'text', layout = 'a,c,b')");
    let new = altered(&old, "ADD COLUMN d INT, ADD COLUMN c INT").unwrap();
    let highwater_model::Format::Text { layout, .. } = &new.format else { panic!("{new:?}") };
    assert_eq!(layout, &["a", "c", "b", "d"]);
    assert!(altered(&old, "ADD COLUMN e INT PATH '$.e'").unwrap_err().contains("PATH finds nothing"));
}

#[test]
fn what_is_narrower_is_refused() {
    let old = stream(
        "CREATE STREAM s (i INT, u SMALLINT UNSIGNED, r REAL, d DECIMAL(10, 2), t TIMESTAMP, p STRUCT<x INT, y TEXT>, n INT NOT NULL)",
    );
    for wide in ["i TYPE BIGINT", "u TYPE INT", "u TYPE BIGINT UNSIGNED", "r TYPE DOUBLE", "d TYPE DECIMAL(12, 4)"] {
        assert!(altered(&old, &format!("ALTER COLUMN {wide}")).is_ok(), "{wide}");
    }
    for narrow in [
        "i TYPE SMALLINT",
        "i TYPE INT UNSIGNED",
        "i TYPE TEXT",
        "i TYPE DOUBLE",
        "u TYPE SMALLINT",
        "d TYPE DECIMAL(11, 4)",
        "d TYPE DOUBLE",
        "t TYPE TIMESTAMP(9)",
        "t TYPE TIMESTAMPTZ",
        "p TYPE STRUCT<x INT>",
        "p TYPE STRUCT<x TEXT, y TEXT>",
        "i SET NOT NULL",
        "i SET DEFAULT 3",
    ] {
        let refused = altered(&old, &format!("ALTER COLUMN {narrow}")).unwrap_err();
        assert!(refused.contains("hint"), "{narrow}: {refused}");
    }
}
