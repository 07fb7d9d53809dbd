//! Commands from the typed line to the engine behind the real HTTP door, and the exit codes of trouble.

use std::path::Path;
use std::sync::Arc;

use clap::Parser;

use super::run;
use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::recorder::Recorder;
use crate::settings::Settings;

/// Runs a typed line; words are separated by single spaces.
async fn typed(line: &str) -> Result<(), Failure> {
    let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
    let settings = Settings::gather(&arguments.flags(), Vec::new())?;
    run(arguments, settings).await
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn rows(count: usize) -> String {
    std::iter::once("Id,Steps\n".to_owned()).chain((0..count).map(|n| format!("{n},{}\n", n * 3))).collect()
}

#[tokio::test]
async fn a_file_is_stored_once_however_often_it_is_sent() {
    let engine = Arc::new(Recorder::default());
    *engine.overloaded.lock().unwrap() = 1;
    let url = engine.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "steps.csv", &rows(100));
    // However it is to be cut, and whichever way the stream is named.
    for options in ["--stream public.s --batch 7", "--stream public.s --batch 100", "--stream public.s", "--stream s"] {
        typed(&format!("highwater ingest {file} {options} --quiet --to {url}")).await.unwrap();
    }
    let records = engine.records.lock().unwrap().clone();
    assert_eq!(records, rows(100).lines().skip(1).collect::<Vec<_>>());
    for _ in 0..2 {
        let options = "--stream public.s --producer p --batch 7";
        typed(&format!("highwater ingest {file} {options} --quiet --to {url}")).await.unwrap();
    }
    assert_eq!(engine.records.lock().unwrap().len(), 200);
    typed(&format!("highwater ingest {file} --stream public.s --no-dedup --quiet --to {url}")).await.unwrap();
    assert_eq!(engine.records.lock().unwrap().len(), 300);
}

#[tokio::test]
async fn rejects_have_an_exit_code_of_their_own_and_spoil_nothing() {
    let engine = Arc::new(Recorder::default());
    let url = engine.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "lines.ndjson", "{\"a\":1}\n{\"a\":\"wrong\"}\n{\"a\":3}\n");
    let failure = typed(&format!("highwater ingest {file} -s public.s --quiet --to {url}")).await.unwrap_err();
    assert_eq!(failure.exit_code(), 3);
    assert_eq!(engine.records.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_stream_is_found_by_the_files_name_or_asked_for() {
    let engine = Arc::new(Recorder::default());
    let url = engine.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let known = write(folder.path(), "fitabase_hourlySteps_merged.csv", &rows(3));
    typed(&format!("highwater ingest {known} --quiet --to {url}")).await.unwrap();
    assert_eq!(engine.records.lock().unwrap().len(), 3);
    let unknown = write(folder.path(), "other.csv", &rows(3));
    let failure = typed(&format!("highwater ingest {unknown} --to {url}")).await.unwrap_err();
    assert!(failure.exit_code() == 2 && failure.report().contains("--stream"), "{}", failure.report());
}

#[tokio::test]
async fn a_simulation_sends_every_event_once_over_all_connections() {
    let engine = Arc::new(Recorder::default());
    *engine.overloaded.lock().unwrap() = 2;
    let url = engine.serve().await;
    let line = format!(
        "highwater simulate rankmysteps --events 1003 --seed 5 --start 2026-03-01T00:00:00Z --batch 100 \
         --connections 3 --producer p --quiet --to {url}"
    );
    for _ in 0..2 {
        typed(&line).await.unwrap();
    }
    let mut records = engine.records.lock().unwrap().clone();
    records.sort();
    let settings = highwater_simulate::SimulatorSettings {
        seed: 5,
        timeline: highwater_simulate::Timeline::paced(
            1_772_323_200_000_000,
            highwater_simulate::DEFAULT_EVENTS_PER_SECOND,
            1.0,
        )
        .unwrap(),
        users: None,
    };
    let mut expected = Vec::new();
    highwater_simulate::simulator_for("rankmysteps", &settings).unwrap().next_batch(1003, &mut expected);
    let expected = String::from_utf8(expected).unwrap();
    let mut expected: Vec<&str> = expected.lines().collect();
    expected.sort_unstable();
    assert_eq!(records, expected);
}

#[tokio::test]
async fn a_script_runs_statement_by_statement_with_its_lines() {
    let engine = Arc::new(Recorder::default());
    let url = engine.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "script.sql", "-- one\nDROP VIEW a;\nDROP VIEW b");
    typed(&format!("highwater sql {file} --schema x --to {url}")).await.unwrap();
    let ran = engine.ran.lock().unwrap().clone();
    let schema = Some("x".to_owned());
    assert_eq!(ran, [(schema.clone(), "-- one\nDROP VIEW a".to_owned()), (schema, "\n\nDROP VIEW b".to_owned())]);
    let refusing = Arc::new(Recorder { refuses_sql: true, ..Recorder::default() });
    let url = refusing.serve().await;
    let failure = typed(&format!("highwater sql {file} --schema x --to {url}")).await.unwrap_err();
    assert!(failure.exit_code() == 1 && failure.report().starts_with("error: no\n"), "{}", failure.report());
}

#[tokio::test]
async fn what_is_not_there_yet_is_refused_before_anything_is_opened() {
    let failure = typed("highwater up --pg-listen 127.0.0.1:5432").await.unwrap_err();
    assert!(failure.exit_code() == 2 && failure.report().contains("not built yet"), "{}", failure.report());
    let failure = typed("highwater up nosuchapp").await.unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    let failure = typed("highwater up --listen 0.0.0.0:0").await.unwrap_err();
    assert!(failure.report().contains("--allow-anonymous"), "{}", failure.report());
    let failure = typed("highwater doctor --data /nowhere/data").await.unwrap_err();
    assert_eq!(failure.exit_code(), 2);
    let failure = typed("highwater sql -c SELECT --to http://127.0.0.1:9").await.unwrap_err();
    assert!(failure.exit_code() == 1 && failure.report().contains("highwater up"), "{}", failure.report());
}

/// An app of one stream, with a dashboard.
fn own_app(folder: &Path, dashboard: &str) -> String {
    let app = folder.join("mine");
    std::fs::create_dir_all(app.join("dashboards")).unwrap();
    write(&app, "app.sql", "CREATE STREAM IF NOT EXISTS s (a BIGINT NOT NULL, b TEXT);");
    write(&app.join("dashboards"), "page.toml", dashboard);
    app.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_checked_with_the_query_of_every_panel() {
    typed("highwater check rankmysteps --apps /nowhere").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let good = "title = \"Page\"\n[[panels]]\nkind = \"bar\"\nlabel = \"b\"\nvalue = \"n\"\nsql = \"SELECT b, count(*) AS n FROM s GROUP BY b\"\n";
    let app = own_app(folder.path(), good);
    typed(&format!("highwater check {app}")).await.unwrap();
    for (from, to, place, says) in [
        ("FROM s", "FROM z", "page.toml:6:37", "z"),
        ("SELECT b,", "SELECT bb,", "page.toml:6:15", "bb"),
        ("label = \"b\"", "label = \"B\"", "page.toml:4:10", "did you mean b?"),
        ("kind = \"bar\"", "kind = \"baar\"", "page.toml:3:8", "did you mean bar?"),
        ("title", "titel", "page.toml:1:1", "did you mean title?"),
        ("sql = \"SELECT b, count(*) AS n FROM s GROUP BY b\"", "view = \"nowhere\"", "page.toml:6:1", "nowhere"),
    ] {
        own_app(folder.path(), &good.replace(from, to));
        let failure = typed(&format!("highwater check {app}")).await.unwrap_err();
        let report = failure.report();
        assert!(report.contains(place) && report.contains(says), "{report}");
        assert_eq!(failure.exit_code(), 2);
    }
}

/// The blocks of a language in a Markdown text.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_documentation_work_as_they_stand_there() {
    let text = include_str!("../../../../docs/dashboards.md");
    let (sql, pages) = (blocks(text, "sql"), blocks(text, "toml"));
    assert_eq!((sql.len(), pages.len()), (1, 3));
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("shop");
    std::fs::create_dir_all(app.join("dashboards")).unwrap();
    // What the page with maps reads besides.
    let moving = "CREATE STREAM positions (name TEXT PRIMARY KEY, state TEXT, lat DOUBLE, lon DOUBLE);
        CREATE MATERIALIZED VIEW couriers AS SELECT name, state, lat, lon FROM positions;
        CREATE STREAM deliveries (country TEXT);";
    write(&app, "app.sql", &format!("{}\n{moving}", sql[0]));
    write(&app.join("dashboards"), "orders.toml", &pages[0]);
    write(&app.join("dashboards"), "maps.toml", &format!("title = \"Maps\"\n{}", pages[2]));
    write(&app.join("dashboards"), "cities.toml", &format!("title = \"Cities\"\n{}", pages[1]));
    typed(&format!("highwater check {}", app.display())).await.unwrap();
}
