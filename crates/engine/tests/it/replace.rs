//! `CREATE OR REPLACE MATERIALIZED VIEW` beside what serves, callers who go away, crashes midway, `CANCEL BUILD`.

use std::sync::Arc;

use highwater_api::{Engine, ErrorKind};
use highwater_engine::Highwater;

use crate::support::{STEPS, copy_of, ingest, open, sql, steps, try_sql};

const DOUBLED: &str = "CREATE OR REPLACE MATERIALIZED VIEW daily_steps AS
  SELECT (ts AT TIME ZONE 'America/Los_Angeles')::date AS day, uuid, 2 * sum(steps) AS steps FROM steps GROUP BY 1, 2";

async fn filled(folder: &std::path::Path) -> Arc<Highwater> {
    let engine = Arc::new(open(folder).await);
    sql(&engine, STEPS).await;
    sql(&engine, "CREATE MATERIALIZED VIEW most AS SELECT day, sum(steps) AS steps FROM daily_steps GROUP BY day")
        .await;
    sql(&engine, "CREATE TABLE notes (id BIGINT PRIMARY KEY, note TEXT)").await;
    for first in (0..300_000).step_by(50_000) {
        ingest(&engine, "steps", &steps(first, 50_000)).await;
    }
    engine
}

/// The sum of all steps by the view and by the one that reads it, in one version.
async fn both(engine: &Highwater) -> (i64, i64) {
    let row = sql(engine, "SELECT (SELECT sum(steps) FROM daily_steps), (SELECT sum(steps) FROM most)").await;
    let (view, reader) = row[0].split_once('|').unwrap();
    (view.parse().unwrap(), reader.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_view_serves_until_the_new_one_is_there_with_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path()).await;
    let (old, reader) = both(&engine).await;
    assert_eq!(old, reader);
    let replacing = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { sql(&engine, DOUBLED).await })
    };
    let (mut answers, mut copies, mut note) = (Vec::new(), Vec::new(), 0);
    while !replacing.is_finished() {
        answers.push(both(&engine).await);
        note += 1;
        sql(&engine, &format!("INSERT INTO notes VALUES ({note}, 'written meanwhile')")).await;
        if copies.len() < 4 {
            copies.push(copy_of(folder.path()));
        }
    }
    replacing.await.unwrap();
    answers.push(both(&engine).await);
    assert_eq!(*answers.last().unwrap(), (2 * old, 2 * old));
    for answer in &answers {
        assert!(*answer == (old, old) || *answer == (2 * old, 2 * old), "{answer:?} of {old}");
    }
    assert!(sql(&engine, "SHOW JOBS").await.is_empty());
    // A process that died while it was built has the one or the other, as its catalog says.
    for copy in copies {
        let engine = open(copy.path()).await;
        let is_new = sql(&engine, "SHOW CREATE daily_steps").await[0].contains("2 * sum");
        let expected = if is_new { 2 * old } else { old };
        assert_eq!(both(&engine).await, (expected, expected));
        engine.close().await;
    }
    let copy = copy_of(folder.path());
    let engine = open(copy.path()).await;
    assert_eq!(both(&engine).await, (2 * old, 2 * old), "the state of the old one is not taken for the new one's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_leaves_nothing_half_made() {
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path()).await;
    let (old, _) = both(&engine).await;
    let patience = std::time::Duration::from_millis(20);
    drop(tokio::time::timeout(patience, sql(&engine, DOUBLED)).await);
    let create = "CREATE MATERIALIZED VIEW later AS SELECT uuid, sum(steps) AS steps FROM steps GROUP BY uuid";
    drop(tokio::time::timeout(patience, sql(&engine, create)).await);
    let limit = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while !sql(&engine, "SHOW JOBS").await.is_empty() && tokio::time::Instant::now() < limit {
        tokio::task::yield_now().await;
    }
    assert_eq!(both(&engine).await, (2 * old, 2 * old));
    assert_eq!(sql(&engine, "SELECT sum(steps) FROM later").await, [old.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_cancelled_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path()).await;
    let (old, _) = both(&engine).await;
    assert_eq!(try_sql(&engine, "CANCEL BUILD daily_steps").await.unwrap_err().kind, ErrorKind::Conflict);
    let run = |statement: &'static str| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { try_sql(&engine, statement).await })
    };
    let replacing = run(DOUBLED);
    cancelled(&engine, "CANCEL BUILD daily_steps").await;
    assert_eq!(replacing.await.unwrap().unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(both(&engine).await, (old, old));
    assert!(!sql(&engine, "SHOW CREATE daily_steps").await[0].contains("2 *"));
    for stop in ["CANCEL BUILD later", "DROP MATERIALIZED VIEW later"] {
        let creating = run("CREATE MATERIALIZED VIEW later AS SELECT uuid, ts, count(*) AS n FROM steps GROUP BY 1, 2");
        cancelled(&engine, stop).await;
        // The drop may also come when the view has just been built.
        assert!(creating.await.unwrap().is_err() || stop.starts_with("DROP"), "{stop}");
        assert!(try_sql(&engine, "SELECT * FROM later").await.is_err());
    }
    assert!(sql(&engine, "SHOW JOBS").await.is_empty());
    ingest(&engine, "steps", &steps(0, 97)).await;
    assert_eq!(both(&engine).await.0, both(&engine).await.1);
    let engine = open(copy_of(folder.path()).path()).await;
    assert!(try_sql(&engine, "SELECT * FROM later").await.is_err());
}

/// Says it until there is a build to stop.
async fn cancelled(engine: &Highwater, statement: &str) {
    let limit = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while let Err(error) = try_sql(engine, statement).await {
        assert!(tokio::time::Instant::now() < limit, "{error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_cannot_be_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    sql(&engine, "CREATE MATERIALIZED VIEW most AS SELECT day, sum(steps) AS steps FROM daily_steps GROUP BY day")
        .await;
    for (statement, reason) in [
        ("CREATE OR REPLACE MATERIALIZED VIEW daily_steps AS SELECT uuid FROM steps", "is used by"),
        (
            "CREATE OR REPLACE MATERIALIZED VIEW daily_steps AS SELECT day, steps AS uuid, steps FROM most",
            "depend on itself",
        ),
        ("CREATE OR REPLACE MATERIALIZED VIEW steps AS SELECT day FROM most", "stream"),
    ] {
        let refused = try_sql(&engine, statement).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{statement}: {refused}");
    }
    ingest(&engine, "steps", &steps(0, 100)).await;
    assert_eq!(engine.status().views.len(), 2);
    // Without readers its columns may be others; who follows it begins again.
    sql(&engine, "DROP MATERIALIZED VIEW most").await;
    sql(&engine, "CREATE OR REPLACE MATERIALIZED VIEW daily_steps AS SELECT uuid, count(*) AS n FROM steps GROUP BY 1")
        .await;
    assert_eq!(sql(&engine, "SELECT sum(n) FROM daily_steps").await, ["100"]);
}
