//! The memory limit: what outgrows it is refused by name, nothing acknowledged is lost, and there is a way on.

use std::path::Path;

use highwater_api::{ApiError, BodyFormat, Engine, ErrorKind, IngestRequest, ProducerStamp};
use highwater_engine::{EngineSettings, Highwater, MemoryLimit};

use crate::support::{ingest, open_with, request, sql, try_sql};

const EVENTS: &str = "
CREATE STREAM events (n BIGINT NOT NULL, name TEXT, v BIGINT NOT NULL) WITH (partitions = 2);
CREATE STREAM unread (n BIGINT NOT NULL);
CREATE TABLE names (n BIGINT PRIMARY KEY, name TEXT);
INSERT INTO names VALUES (1, 'one'), (2, 'two');
CREATE MATERIALIZED VIEW totals AS SELECT n, name, count(*) AS c, sum(v) AS s FROM events GROUP BY n, name;
";

/// Rows of a batch: each is a group of its own.
const ROWS: u64 = 1_000;

fn settings(folder: &Path, limit: u64) -> EngineSettings {
    let mut settings = EngineSettings::new(folder);
    settings.memory_limit = MemoryLimit::of_bytes(limit);
    settings
}

fn body(batch: u64) -> String {
    (batch * ROWS..(batch + 1) * ROWS)
        .map(|n| format!("{{\"n\":{n},\"name\":\"name {n}\",\"v\":{}}}\n", n % 7))
        .collect()
}

async fn send(engine: &Highwater, batch: u64) -> Result<u64, ApiError> {
    let stamp = Some(ProducerStamp { producer: "filler".to_owned(), sequence: batch });
    let report = engine.ingest(IngestRequest { stamp, ..request("events", BodyFormat::NdJson, body(batch)) }).await?;
    Ok(report.accepted)
}

/// Sends batches, again and again while it is told to wait, until there is no room; gives the number of the one that was refused.
async fn fill(engine: &Highwater, mut batch: u64) -> (u64, ApiError) {
    loop {
        match send(engine, batch).await {
            Ok(accepted) => {
                assert_eq!(accepted, ROWS);
                batch += 1;
                assert!(batch < 2_000, "never refused");
            }
            Err(error) if error.message.contains("is reached") => return (batch, error),
            Err(error) => {
                assert!(error.message.contains("is nearly reached"), "{error}");
                assert!(error.retry_after.is_some(), "{error}");
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Every acknowledged event is counted once.
async fn check(engine: &Highwater, batches: u64) {
    let rows = batches * ROWS;
    let sum: u64 = (0..rows).map(|n| n % 7).sum();
    let expected = [format!("{rows}|{rows}|{sum}")];
    assert_eq!(sql(engine, "SELECT count(*), sum(c), sum(s) FROM totals").await, expected);
    assert_eq!(sql(engine, "SELECT count(*) FROM events").await, [rows.to_string()]);
}

fn assert_says_who_and_what_to_do(error: &ApiError, kind: ErrorKind) {
    assert_eq!(error.kind, kind, "{error}");
    for part in
        ["the memory limit of 4 MB is reached", "public.totals, aggregate count(", "public.totals, rows of the view"]
    {
        assert!(error.message.contains(part), "{part} is missing in: {error}");
    }
    let hint = error.hint.as_deref().unwrap();
    assert!(["SET GLOBAL memory_limit = '", "retain", "DROP"].iter().all(|part| hint.contains(part)), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_outgrows_the_limit_is_told_of_and_goes_on_when_it_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path(), 4_000_000)).await;
    sql(&engine, EVENTS).await;
    let (batch, refused) = fill(&engine, 0).await;
    assert_says_who_and_what_to_do(&refused, ErrorKind::Overloaded);
    assert!(refused.retry_after.is_some());
    check(&engine, batch).await;

    // New views and rows are refused too, and leave nothing behind.
    let catalog = sql(&engine, "SELECT * FROM highwater.relations ORDER BY 1, 2").await;
    let view = try_sql(&engine, "CREATE MATERIALIZED VIEW more AS SELECT count(*) AS c FROM events").await.unwrap_err();
    assert_says_who_and_what_to_do(&view, ErrorKind::TooLarge);
    let insert = try_sql(&engine, "INSERT INTO names VALUES (3, 'three')").await.unwrap_err();
    assert_says_who_and_what_to_do(&insert, ErrorKind::Overloaded);
    assert_eq!(sql(&engine, "SELECT * FROM highwater.relations ORDER BY 1, 2").await, catalog);
    // What takes nothing, or gives back, is not.
    ingest(&engine, "unread", "{\"n\":1}\n").await;
    sql(&engine, "DELETE FROM names WHERE n = 2").await;
    assert_eq!(sql(&engine, "SELECT n FROM names").await, ["1"]);

    let status = engine.status().memory;
    assert_eq!(status.limit, Some(4_000_000));
    assert!(status.held >= 4_000_000 && status.refused >= 3, "{status:?}");
    assert_eq!(status.largest.len(), 3);
    assert!(engine.readiness().ready && engine.readiness().detail.contains("memory limit"), "{:?}", engine.readiness());
    let operators = "SELECT operator, rows, bounded_by FROM highwater.operators WHERE relation = 'totals' AND bytes > 0 ORDER BY position";
    let operators = sql(&engine, operators).await;
    let rows = batch * ROWS;
    assert_eq!(operators[0], format!("rows of the view|{rows}|the number of rows"));
    assert!(operators[1].ends_with(&format!("over append-only input|{rows}|the number of groups")), "{operators:?}");

    assert_eq!(sql(&engine, "SET GLOBAL memory_limit = '40 MB'").await, ["SET"]);
    assert_eq!(sql(&engine, "SHOW memory_limit").await, ["40 MB"]);
    for batch in batch..batch + 20 {
        assert_eq!(send(&engine, batch).await.unwrap(), ROWS);
    }
    check(&engine, batch + 20).await;
    assert_eq!(engine.readiness().detail, "serving");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_too_low_a_limit_serves_and_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path(), 400_000_000)).await;
    sql(&engine, EVENTS).await;
    for batch in 0..20 {
        send(&engine, batch).await.unwrap();
    }
    engine.close().await;
    drop(engine);
    for without_state in [false, true] {
        if without_state {
            std::fs::remove_dir_all(folder.path().join("state")).unwrap();
        }
        let engine = open_with(settings(folder.path(), 100_000)).await;
        check(&engine, 20).await;
        let (batch, refused) = fill(&engine, 20).await;
        assert_eq!((batch, refused.kind), (20, ErrorKind::Overloaded));
        assert!(refused.message.contains("the memory limit of 100 kB is reached"), "{refused}");
        engine.close().await;
    }
    let engine = open_with(settings(folder.path(), 400_000_000)).await;
    send(&engine, 20).await.unwrap();
    check(&engine, 21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_outgrows_the_limit_while_it_is_built_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path(), 4_000_000)).await;
    sql(&engine, "CREATE STREAM events (n BIGINT NOT NULL, name TEXT, v BIGINT NOT NULL) WITH (partitions = 2)").await;
    for batch in 0..60 {
        send(&engine, batch).await.unwrap();
    }
    let create =
        "CREATE MATERIALIZED VIEW totals AS SELECT n, name, count(*) AS c, sum(v) AS s FROM events GROUP BY n, name";
    let refused = try_sql(&engine, create).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::TooLarge);
    let said = "public.totals cannot be built: the memory limit of 4 MB is reached";
    assert!(refused.message.contains(said) && refused.message.contains("public.totals, being built"), "{refused}");
    assert!(sql(&engine, "SHOW MATERIALIZED VIEWS").await.is_empty());
    assert!(sql(&engine, "SHOW JOBS").await.is_empty());
    // What it held is free again.
    send(&engine, 60).await.unwrap();
    sql(&engine, "CREATE MATERIALIZED VIEW few AS SELECT n % 2 AS odd, count(*) AS c FROM events GROUP BY 1").await;
    sql(&engine, "SET GLOBAL memory_limit = '100%'").await;
    sql(&engine, create).await;
    check(&engine, 61).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path(), 4_000_000)).await;
    sql(&engine, EVENTS).await;
    let (batch, _) = fill(&engine, 0).await;
    sql(&engine, "DROP MATERIALIZED VIEW totals").await;
    sql(&engine, "CREATE MATERIALIZED VIEW few AS SELECT n % 2 AS odd, count(*) AS c FROM events GROUP BY 1").await;
    send(&engine, batch).await.unwrap();
    assert_eq!(sql(&engine, "SELECT sum(c) FROM few").await, [((batch + 1) * ROWS).to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path(), 4_000_000)).await;
    for (statement, kind, hint) in [
        ("SET GLOBAL memory_limit = 'much'", ErrorKind::InvalidInput, "'8 GB'"),
        ("SET GLOBAL memory_limit = '0'", ErrorKind::InvalidInput, "'70%'"),
        ("SET memory_limit = '8 GB'", ErrorKind::InvalidInput, "SET GLOBAL memory_limit = '8 GB'"),
        ("SET GLOBAL threads = 4", ErrorKind::NotFound, "memory_limit"),
    ] {
        let refused = try_sql(&engine, statement).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{statement}");
        assert!(refused.hint.as_deref().unwrap().contains(hint), "{statement}: {refused}");
    }
    assert_eq!(sql(&engine, "SHOW memory_limit").await, ["4 MB"]);
    sql(&engine, "SET GLOBAL memory_limit = none").await;
    assert_eq!(sql(&engine, "SHOW memory_limit").await, ["none"]);
}
