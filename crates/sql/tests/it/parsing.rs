//! Statements as they are read, where a golden file would say less.

use highwater_sql::{DropKind, ExplainTarget, RelationsOf, Retain, ShowKind, Statement, parse};

fn one(sql: &str) -> Statement {
    let mut statements = parse(sql).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0)
}

#[test]
fn statements_are_split_with_their_text() {
    let statements = parse("SELECT 1; -- one\n;\nSHOW STREAMS;SELECT ';' AS \"a;b\"").unwrap();
    let texts: Vec<&str> = statements.iter().map(Statement::sql).collect();
    assert_eq!(texts, ["SELECT 1", "SHOW STREAMS", "SELECT ';' AS \"a;b\""]);
    assert_eq!(parse(" -- nothing\n ;; ").unwrap(), []);
}

#[test]
fn shows_and_drops() {
    let Statement::Show(show) = one("SHOW MATERIALIZED VIEWS FROM app") else { panic!() };
    assert_eq!((show.kind, show.in_schema.as_deref()), (ShowKind::MaterializedViews, Some("app")));
    let Statement::Show(show) = one("show create materialized view App.V") else { panic!() };
    let ShowKind::Create(name) = show.kind else { panic!() };
    assert_eq!(name.to_string(), "app.v");
    let Statement::Show(show) = one("SHOW search_path") else { panic!() };
    assert_eq!(show.kind, ShowKind::Variable("search_path".to_owned()));
    let Statement::Drop(drop) = one("DROP MATERIALIZED VIEW IF EXISTS a, \"B\".c CASCADE") else { panic!() };
    assert_eq!((drop.kind, drop.if_exists, drop.cascade), (DropKind::MaterializedView, true, true));
    assert_eq!(drop.names[1].to_string(), "B.c");
}

#[test]
fn audits_and_what_they_are_about() {
    let of = |sql: &str| match one(sql) {
        Statement::Audit(audit) | Statement::Recompute(audit) => match audit.of {
            RelationsOf::All => "all".to_owned(),
            RelationsOf::App(app) => format!("app {app}"),
            RelationsOf::These(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(of("AUDIT ALL"), "all");
    assert_eq!(of("RECOMPUTE app MyApp"), "app myapp");
    assert_eq!(of("AUDIT MATERIALIZED VIEW a, b.c"), "a b.c");
    assert_eq!(of("audit table app.all"), "app.all");
    assert_eq!(of("AUDIT app"), "app");
    let Statement::CancelJob(cancel) = one("CANCEL JOB 7") else { panic!() };
    assert_eq!(cancel.job, 7);
    for wrong in ["AUDIT", "AUDIT ALL OF", "CANCEL 7", "CANCEL JOB x", "CANCEL JOB 7 8"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn explain_of_everything_it_takes() {
    let Statement::Explain(explain) = one("EXPLAIN INCREMENTAL daily_steps") else { panic!() };
    assert!(explain.incremental);
    assert!(matches!(explain.inner, ExplainTarget::View(name) if name.name == "daily_steps"));
    let Statement::Explain(explain) = one("EXPLAIN ANALYZE SELECT 1") else { panic!() };
    assert!(explain.analyze && !explain.incremental);
    let Statement::Explain(explain) = one("EXPLAIN INCREMENTAL CREATE MATERIALIZED VIEW v AS SELECT 1") else {
        panic!()
    };
    assert!(matches!(explain.inner, ExplainTarget::Statement(inner) if inner.tag() == "CREATE MATERIALIZED VIEW"));
}

#[test]
fn a_view_keeps_its_query_text() {
    let Statement::CreateMaterializedView(view) =
        one("CREATE OR REPLACE MATERIALIZED VIEW a.v (x, y) WITH (retain = '1 day') AS\n  SELECT 1, 'é;' ;")
    else {
        panic!()
    };
    assert_eq!(view.query_sql, "SELECT 1, 'é;'");
    assert_eq!(view.columns, ["x", "y"]);
    assert_eq!(view.retain, Some(Retain { micros: 86_400_000_000, by: None }));
    assert!(view.or_replace);
}

#[test]
fn a_right_side_of_distinct_from_that_reads_otherwise_is_refused() {
    let refused = |sql: &str| parse(sql).expect_err(sql).0;
    for rest in ["b OR c", "b AND c OR d", "b = c", "b + 1 < c", "b IS NULL", "b IS DISTINCT FROM c", "NULL OR c"] {
        for words in ["IS DISTINCT FROM", "IS NOT DISTINCT FROM"] {
            let operand = rest.split(" OR ").next().unwrap().split(" AND ").next().unwrap();
            let operand = operand.split([' ', '=', '<']).next().unwrap();
            let operand = if rest.starts_with("b + 1") { "b + 1" } else { operand };
            for sql in [
                format!("SELECT a {words} {rest} FROM s"),
                format!("CREATE MATERIALIZED VIEW v AS SELECT k FROM (SELECT * FROM s WHERE a {words} {rest}) x"),
                format!("DELETE FROM t WHERE a {words} {rest}"),
            ] {
                let found = refused(&sql);
                assert!(!found.is_empty(), "{sql}");
                assert!(found[0].message.contains(rest), "{sql}: {found:?}");
                let hint = found[0].hint.clone().unwrap();
                assert!(hint.contains(&format!("(a {words} {operand})")), "{sql}: {hint}");
                let at = sql.find(&format!("{words} {rest}")).unwrap() + words.len() + 2;
                assert_eq!((found[0].line, found[0].column as usize), (1, at), "{sql}");
            }
        }
    }
    for clear in [
        "(a IS DISTINCT FROM b) OR c",
        "a IS DISTINCT FROM (b OR c)",
        "a IS NOT DISTINCT FROM b + 1",
        "c OR a IS DISTINCT FROM b",
        "c AND a IS DISTINCT FROM NULL",
        "a IS DISTINCT FROM CASE WHEN b OR c THEN 1 END",
        "a IS DISTINCT FROM coalesce(b = c, d)",
        "NOT a IS DISTINCT FROM b",
    ] {
        parse(&format!("SELECT {clear} FROM s")).unwrap_or_else(|problems| panic!("{problems}"));
    }
}
