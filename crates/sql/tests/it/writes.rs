//! `INSERT`, `UPDATE`, `DELETE`: the rows they give, and what they refuse.

use std::sync::Arc;

use highwater_model::Diagnostics;
use highwater_sql::datafusion::arrow::array::{Date32Array, Int64Array, RecordBatch, StringArray};
use highwater_sql::{Face, Planner, Statement, TableWrite, parse};

use crate::fixture::{self, Rows, run};

fn rows() -> (highwater_sql::Catalog, Rows) {
    let catalog = fixture::catalog();
    let people = catalog.find(Some("steps_app"), "people", "public").unwrap();
    let batch = RecordBatch::try_new(
        people.relation_schema(Face::Default),
        vec![
            Arc::new(Int64Array::from(vec![1, 2])),
            Arc::new(StringArray::from(vec!["Ada", "Bo"])),
            Arc::new(StringArray::from(vec![Some("UTC"), None])),
            Arc::new(Date32Array::from(vec![Some(0), None])),
        ],
    )
    .unwrap();
    let id = people.id;
    (catalog, Rows([(id, batch)].into()))
}

fn write(sql: &str) -> Result<TableWrite, Diagnostics> {
    let (catalog, rows) = rows();
    let planner = Planner::new();
    match &parse(sql)?[0] {
        Statement::Insert(s) => planner.plan_insert(s, sql, &catalog, "steps_app", &rows),
        Statement::Update(s) => planner.plan_update(s, sql, &catalog, "steps_app", &rows),
        Statement::Delete(s) => planner.plan_delete(s, sql, &catalog, "steps_app", &rows),
        other => panic!("{}", other.tag()),
    }
}

fn table(sql: &str) -> String {
    run(write(sql).unwrap_or_else(|problems| panic!("{problems}")).plan).unwrap()
}

#[test]
fn insert_gives_whole_rows() {
    assert_eq!(
        table("INSERT INTO people (name, uuid) VALUES ('Cy', 3), ('Di', 4)"),
        "\
+------+------+------+--------+
| uuid | name | zone | joined |
+------+------+------+--------+
| 3    | Cy   |      |        |
| 4    | Di   |      |        |
+------+------+------+--------+"
    );
    assert_eq!(
        table("INSERT INTO people SELECT uuid + 10, name, 'Asia/Tokyo', '2020-02-03' FROM people WHERE uuid = 1"),
        "\
+------+------+------------+------------+
| uuid | name | zone       | joined     |
+------+------+------------+------------+
| 11   | Ada  | Asia/Tokyo | 2020-02-03 |
+------+------+------------+------------+"
    );
}

#[test]
fn update_and_delete_give_the_rows_concerned() {
    assert_eq!(
        table("UPDATE people SET zone = upper(name) || 'x', joined = NULL WHERE people.uuid < 2"),
        "\
+------+------+------+--------+
| uuid | name | zone | joined |
+------+------+------+--------+
| 1    | Ada  | ADAx |        |
+------+------+------+--------+"
    );
    assert_eq!(
        table("DELETE FROM people p WHERE p.zone IS NULL AND uuid IN (SELECT max(uuid) FROM people)"),
        "\
+------+------+------+--------+
| uuid | name | zone | joined |
+------+------+------+--------+
| 2    | Bo   |      |        |
+------+------+------+--------+"
    );
}

#[test]
fn wrong_writes_say_what_to_do() {
    for (sql, message, hint) in [
        (
            "INSERT INTO people (uuid) VALUES (1)",
            "column \"name\" cannot be NULL and is not written",
            "add it to the column list with a value",
        ),
        (
            "INSERT INTO people (uuid, nam) VALUES (1, 'x')",
            "steps_app.people has no column \"nam\"",
            "did you mean name?",
        ),
        ("INSERT INTO people VALUES (1, 'x')", "2 values for 4 columns", "give uuid, name, zone, joined"),
        (
            "INSERT INTO steps VALUES (1)",
            "INSERT writes to tables, and steps_app.steps is a stream",
            "send events to POST /v1/streams/steps_app.steps/events",
        ),
        (
            "UPDATE people SET uuid = 7",
            "\"uuid\" is part of the key, which UPDATE cannot change",
            "DELETE the row and INSERT it under its new key",
        ),
        (
            "UPDATE daily_steps SET steps = 7",
            "UPDATE writes to tables, and steps_app.daily_steps is a materialized view",
            "its rows come from its query; change what the query reads",
        ),
        ("DELETE FROM peple", "there is no relation \"peple\"", "did you mean people?"),
        ("DELETE FROM people WHERE nme = 'x'", "no column \"nme\"", "did you mean name?"),
    ] {
        let problems = write(sql).unwrap_err();
        assert!(
            problems.0.iter().any(|d| d.message == message && d.hint.as_deref() == Some(hint) && d.line == 1),
            "{sql}\n{problems}"
        );
    }
}
