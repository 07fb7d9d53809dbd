//! Watching queries: told of what they read, and of nothing else.

use std::time::Duration;

use futures::StreamExt;
use highwater_api::{Engine, WatchRequest};
use highwater_engine::Highwater;
use tokio::time::timeout;

use crate::support::{STEPS, ingest, open, sql, steps};

async fn pulses(engine: &Highwater, sql: &str) -> highwater_api::Pulses {
    engine.watch(WatchRequest { sql: sql.to_owned(), schema: None }).await.unwrap()
}

/// Long enough for a change to be told, were there one: it only makes a broken test pass, never a good one fail.
const QUIET: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_told_of_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    sql(&engine, "CREATE STREAM other (a BIGINT); CREATE VIEW most AS SELECT max(steps) AS most FROM daily_steps")
        .await;
    for query in ["SELECT * FROM daily_steps", "SELECT * FROM most", "SELECT count(*) FROM steps", "SELECT now()"] {
        let mut pulses = pulses(&engine, query).await;
        ingest(&engine, "steps", &steps(5, 1)).await;
        assert!(timeout(Duration::from_secs(30), pulses.next()).await.unwrap().is_some(), "{query}");
    }
    let mut quiet = pulses(&engine, "SELECT * FROM most").await;
    ingest(&engine, "other", "{\"a\":1}").await;
    assert!(timeout(QUIET, quiet.next()).await.is_err(), "it does not read that stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_names_may_mean_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let mut dropped = pulses(&engine, "SELECT * FROM daily_steps").await;
    sql(&engine, "DROP MATERIALIZED VIEW daily_steps").await;
    assert!(timeout(Duration::from_secs(30), dropped.next()).await.unwrap().is_none());
    let mut replaced = pulses(&engine, "SELECT 1 AS one").await;
    sql(&engine, "CREATE VIEW one AS SELECT 1 AS one").await;
    assert!(timeout(Duration::from_secs(30), replaced.next()).await.unwrap().is_none());
    for refused in ["DROP STREAM steps", "SELECT 1; SELECT 2", "SELECT x FROM nowhere"] {
        let request = WatchRequest { sql: refused.to_owned(), schema: None };
        assert!(engine.watch(request).await.is_err(), "{refused}");
    }
}
