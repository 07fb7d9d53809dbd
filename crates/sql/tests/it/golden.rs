//! Golden files: `SQL`, a line `----`, what came of it, a line `====`, and so on. `UPDATE_GOLDEN=1` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use highwater_sql::{Planner, Statement, parse};

use crate::fixture;

fn check(file: &str, outcome: impl Fn(&str) -> String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let golden = std::fs::read_to_string(&path).unwrap();
    let mut fresh = String::new();
    for case in golden.split("\n====\n").map(str::trim_end).filter(|case| !case.trim().is_empty()) {
        let input = case.split("\n----").next().unwrap().trim_matches('\n');
        writeln!(fresh, "{input}\n----\n{}\n====", outcome(input).trim_end()).unwrap();
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, fresh).unwrap();
    } else {
        for (kept, now) in golden.split("\n====\n").zip(fresh.split("\n====\n")) {
            assert_eq!(kept, now, "{file} differs; look, then run again with UPDATE_GOLDEN=1");
        }
    }
}

#[test]
fn parse_problems() {
    check("parse_problems.txt", |sql| match parse(sql) {
        Ok(statements) => panic!("{sql} parses as {statements:?}"),
        Err(problems) => problems.to_string(),
    });
}

#[test]
fn declared_schemas() {
    check("declared_schemas.txt", |sql| match parse(sql).unwrap_or_else(|problems| panic!("{problems}")).as_slice() {
        [Statement::CreateStream(stream)] => serde_json::to_string_pretty(&stream.schema).unwrap(),
        [Statement::CreateTable(table)] => serde_json::to_string_pretty(&(&table.schema, &table.load)).unwrap(),
        other => panic!("{other:?}"),
    });
}

#[test]
fn index_problems() {
    let catalog = fixture::catalog();
    check("index_problems.txt", |sql| {
        let statements = parse(sql).unwrap_or_else(|problems| panic!("{problems}"));
        let [Statement::CreateIndex(index)] = statements.as_slice() else { panic!("{statements:?}") };
        match Planner::new().plan_index(index, sql, &catalog, "steps_app") {
            Ok(index) => format!("{} {:?} of {}", index.name, index.kind, index.relation),
            Err(problems) => problems.to_string(),
        }
    });
}

#[test]
fn planning_problems() {
    check("planning_problems.txt", |sql| match fixture::plan(sql, "steps_app") {
        Ok(plan) => panic!("{sql} plans as {}", plan.display_indent()),
        Err(problems) => problems.to_string(),
    });
}

/// Materialized views: the plan, or why there is none.
#[test]
fn view_plans() {
    let catalog = fixture::catalog();
    check("view_plans.txt", |sql| {
        let statements = parse(sql).unwrap_or_else(|problems| panic!("{problems}"));
        let [Statement::CreateMaterializedView(view)] = statements.as_slice() else { panic!("{statements:?}") };
        match Planner::new().plan_for_view(&view.query, sql, &view.columns, &catalog, "steps_app") {
            Ok(query) => {
                let columns: Vec<String> = query
                    .columns
                    .iter()
                    .map(|c| format!("{} {}{}", c.name, c.data_type, if c.nullable { "" } else { " NOT NULL" }))
                    .collect();
                let depends_on: Vec<String> =
                    query.depends_on.iter().map(|id| catalog.get(*id).unwrap().name.to_string()).collect();
                format!(
                    "{}\ncolumns: {}\nreads: {}",
                    query.plan.display_indent(),
                    columns.join(", "),
                    depends_on.join(", ")
                )
            }
            Err(problems) => problems.to_string(),
        }
    });
}
