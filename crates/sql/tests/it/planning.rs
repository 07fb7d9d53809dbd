//! Ad-hoc plans, reads of one view, and the rows they give.

use highwater_sql::{Planner, Statement, ViewRead, parse};

use crate::fixture::{self, Rows, plan, run, value};

#[test]
fn every_kind_of_relation_plans_and_runs() {
    for sql in [
        "SELECT * FROM steps",
        "SELECT _offset, h.uuid FROM HISTORY(rsvps) h",
        "SELECT rsvps.rsvp_id FROM HISTORY(steps_app.rsvps)",
        "SELECT reason, \"column\" FROM steps_rejects",
        "SELECT p.name FROM steps_app.people p",
        "SELECT * FROM leaderboard WHERE rank <= 10",
        "SELECT who, total FROM walkers ORDER BY total DESC LIMIT 3",
        "SELECT venue['lat'], (venue).lon, venue.tags[1] FROM rsvps",
        "SELECT r.venue.lat FROM rsvps r",
        "SELECT a FROM shared",
        "SELECT user, t.user AS other, (t.v).x FROM (SELECT 1 AS user, named_struct('x', 2) AS v) t ORDER BY user",
        "SELECT value FROM other.readings",
        "SELECT sensor FROM readings",
        "WITH steps AS (SELECT * FROM people) SELECT name FROM steps",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
        "SELECT now(), random(), current_date",
        "SELECT uuid FROM steps WHERE ts > now() - INTERVAL '5 minutes' AND uuid IN (SELECT uuid FROM people)",
        "SELECT * FROM highwater.views",
    ] {
        let sql = sql.replace("h.uuid", "h.rsvp_id");
        let planned = plan(&sql, "steps_app").unwrap_or_else(|problems| panic!("{sql}\n{problems}"));
        run(planned).unwrap_or_else(|problem| panic!("{sql}\n{problem}"));
    }
}

#[test]
fn plain_views_are_planned_in_their_own_schema() {
    let planned = plan("SELECT who FROM steps_app.walkers", "other").unwrap();
    assert!(planned.display_indent().to_string().contains("TableScan: steps"));
}

#[test]
fn timestamps_are_microseconds() {
    assert_eq!(value("SELECT arrow_typeof(TIMESTAMP '2300-01-01 00:00:00')").as_deref(), Ok("Timestamp(µs)"));
    assert_eq!(
        value("SELECT arrow_typeof('2020-01-01 00:00:00Z'::timestamptz)").as_deref(),
        Ok("Timestamp(µs, \"UTC\")")
    );
    assert_eq!(value("SELECT arrow_typeof(CAST('x' AS TEXT))").as_deref(), Ok("Utf8"));
}

fn read(read: ViewRead<'_>) -> Result<String, String> {
    let catalog = fixture::catalog();
    let entry = catalog.find(Some("steps_app"), "daily_steps", "public").unwrap();
    let planned = Planner::new().plan_view_read(entry, read, &catalog, &Rows::default()).map_err(|p| p.to_string())?;
    run(planned.clone())?;
    Ok(planned.display_indent().to_string())
}

#[test]
fn a_view_is_read_by_where_order_and_limit() {
    let planned = read(ViewRead {
        filter: Some("day = '2016-02-02' AND steps > 100"),
        order: Some("steps DESC, uuid"),
        limit: Some(10),
        offset: Some(5),
    })
    .unwrap();
    assert_eq!(
        planned,
        "Limit: skip=5, fetch=10\
        \n  Sort: daily_steps.steps DESC NULLS FIRST, daily_steps.uuid ASC NULLS LAST\
        \n    Projection: daily_steps.day, daily_steps.uuid, daily_steps.steps\
        \n      Filter: daily_steps.day = Utf8(\"2016-02-02\") AND daily_steps.steps > Int64(100)\
        \n        SubqueryAlias: daily_steps\
        \n          TableScan: steps_app.daily_steps"
    );
    read(ViewRead::default()).unwrap();
}

#[test]
fn a_view_read_takes_expressions_only() {
    let filter = |text| read(ViewRead { filter: Some(text), ..ViewRead::default() }).unwrap_err();
    for (text, expected) in [
        (
            "stepz > 1",
            "error: no column \"stepz\"\n --> where:1:1\n  |\n1 | stepz > 1\n  | ^^^^^\n  hint: did you mean steps?\n",
        ),
        (
            "steps > 1; DROP VIEW x",
            "error: expected the end of the expression, found ;\n --> where:1:10\n  |\n1 | steps > 1; DROP VIEW x\n  |          ^\n",
        ),
        (
            "uuid IN (SELECT 1)",
            "error: a subquery cannot be used here: only an expression over the columns\n --> where:1:1\n  |\n1 | uuid IN (SELECT 1)\n  | ^^^^^^^^^^^^^^^^^\n  hint: use POST /v1/sql for whole queries\n",
        ),
    ] {
        let found = filter(text);
        assert!(found.starts_with(expected), "{found}");
    }
    let order = read(ViewRead { order: Some("steps DSC"), ..ViewRead::default() }).unwrap_err();
    assert!(order.starts_with("error: expected the end of the expression, found DSC\n --> order:1:7"), "{order}");
    let order = read(ViewRead { order: Some("steps LIMIT 1"), ..ViewRead::default() }).unwrap_err();
    assert!(order.contains("found LIMIT"), "{order}");
}

#[test]
fn explain_shows_the_optimized_plan() {
    let sql = "SELECT uuid FROM steps WHERE 1 = 1 AND steps > 2 + 3";
    let planned = plan(sql, "steps_app").unwrap();
    let text = Planner::new().explain(&planned, sql).unwrap();
    assert!(text.contains("steps.steps > Int64(5)"), "{text}");
    let now = plan("SELECT now() AS t", "public").unwrap();
    Planner::new().explain(&now, "").unwrap();
}

#[test]
fn a_plain_view_knows_columns_and_dependencies() {
    let sql = "SELECT uuid, count(*) AS n, max(v.lag) FROM leaderboard, (SELECT 1 AS lag) v GROUP BY uuid";
    let Statement::Query(query) = &parse(sql).unwrap()[0] else { panic!() };
    let catalog = fixture::catalog();
    let names = ["who".to_owned(), "n".to_owned(), "m".to_owned()];
    let view =
        Planner::new().plan_plain_view(&query.query, sql, &names, &catalog, "steps_app", &Rows::default()).unwrap();
    let columns: Vec<String> = view.columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect();
    assert_eq!(columns, ["who Int64", "n Int64", "m Int64"]);
    let reads: Vec<String> = view.depends_on.iter().map(|id| catalog.get(*id).unwrap().name.to_string()).collect();
    assert_eq!(reads, ["steps_app.daily_steps", "steps_app.leaderboard"]);
}

/// docs/sql.md says so.
#[test]
fn arithmetic_is_as_documented() {
    assert_eq!(value("SELECT 9223372036854775807 + 1").as_deref(), Ok("-9223372036854775808"));
    assert_eq!(value("SELECT 7 / 2").as_deref(), Ok("3"));
    assert_eq!(value("SELECT arrow_typeof(1.5)").as_deref(), Ok("Float64"));
    assert_eq!(value("SELECT TRY_CAST(a AS INT) IS NULL FROM (VALUES ('x')) t (a)").as_deref(), Ok("true"));
    assert!(value("SELECT 1 / a FROM (VALUES (0)) t (a)").is_err());
    assert!(value("SELECT CAST(a AS INT) FROM (VALUES ('x')) t (a)").is_err());
}
