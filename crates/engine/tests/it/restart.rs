//! Restarts: in good order, without a checkpoint, with damaged and foreign state.

use std::time::Duration;

use highwater_api::Engine;
use highwater_engine::{EngineError, EngineSettings, Highwater};
use highwater_model::SystemClock;

use crate::support::{STEPS, ingest, ingest_stamped, open, open_with, sql, steps};

const MORE: &str = "
CREATE STREAM answers (id BIGINT PRIMARY KEY, mtime BIGINT NOT NULL, answer TEXT) WITH (version = 'mtime', partitions = 2);
CREATE TABLE words (answer TEXT PRIMARY KEY, weight BIGINT);
CREATE MATERIALIZED VIEW tally AS SELECT answer, count(*) AS n FROM answers GROUP BY answer;
CREATE MATERIALIZED VIEW weighed AS
  SELECT w.weight, count(*) AS n FROM HISTORY(answers) a JOIN words w ON a.answer = w.answer GROUP BY w.weight;
";

async fn everything(engine: &Highwater) -> Vec<Vec<String>> {
    let queries = [
        "SELECT * FROM daily_steps ORDER BY 1, 2",
        "SELECT id, mtime, answer FROM answers ORDER BY id",
        "SELECT * FROM tally ORDER BY 1",
        "SELECT * FROM weighed ORDER BY 1",
        "SELECT * FROM words ORDER BY 1",
        "SELECT uuid, steps, _partition, _offset FROM steps ORDER BY 3, 4",
    ];
    let mut all = Vec::new();
    for query in queries {
        all.push(sql(engine, query).await);
    }
    all
}

async fn fill(engine: &Highwater) {
    sql(engine, STEPS).await;
    sql(engine, MORE).await;
    sql(engine, "INSERT INTO words VALUES ('yes', 1), ('no', -1)").await;
    more(engine, 0).await;
}

async fn more(engine: &Highwater, round: u64) {
    ingest(engine, "steps", &steps(round * 500, 500)).await;
    let answers: String = (0..300_u64)
        .map(|n| {
            let answer = if (n + round).is_multiple_of(3) { "no" } else { "yes" };
            format!("{{\"id\":{},\"mtime\":{},\"answer\":\"{answer}\"}}\n", n % 40, n * 7 % 50 + round)
        })
        .collect();
    ingest(engine, "answers", &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_engine_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    fill(&engine).await;
    let before = everything(&engine).await;
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert_eq!(everything(&engine).await, before);
    more(&engine, 1).await;
    let after = everything(&engine).await;
    engine.close().await;
    drop(engine);
    // The same from the log alone.
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = open(folder.path()).await;
    wait_for(&engine, &after).await;
}

/// Views that look tables up are built anew behind a replay: wait until they are.
async fn wait_for(engine: &Highwater, expected: &[Vec<String>]) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let now = everything(engine).await;
        if now == expected || tokio::time::Instant::now() > limit {
            assert_eq!(now, expected);
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_after_the_full_checkpoint_are_restored() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = EngineSettings::new(folder.path());
    settings.checkpoint_events = 1;
    let engine = open_with(settings.clone()).await;
    fill(&engine).await;
    for round in 1..6 {
        more(&engine, round).await;
    }
    let before = everything(&engine).await;
    engine.close().await;
    drop(engine);
    let engine = open_with(settings).await;
    assert_eq!(everything(&engine).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_or_foreign_state_is_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    fill(&engine).await;
    let before = everything(&engine).await;
    engine.close().await;
    drop(engine);
    for damage in [&b"garbage"[..], &b"HWCP\xff\xff\xff\xff rest"[..]] {
        for file in std::fs::read_dir(folder.path().join("state")).unwrap() {
            std::fs::write(file.unwrap().path(), damage).unwrap();
        }
        let engine = open(folder.path()).await;
        wait_for(&engine, &before).await;
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stamps_outlive_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    ingest_stamped(&engine, "steps", &steps(0, 10), "p", 0).await.unwrap();
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert!(ingest_stamped(&engine, "steps", &steps(0, 10), "p", 0).await.unwrap().duplicate);
    assert!(!ingest_stamped(&engine, "steps", &steps(0, 10), "p", 1).await.unwrap().duplicate);
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["20"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_engine_on_the_folder_is_refused_and_told_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    let second = Highwater::open(EngineSettings::new(folder.path()), std::sync::Arc::new(SystemClock)).await;
    let error = second.err().unwrap();
    assert!(matches!(error, EngineError::Log(_)));
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert!(engine.readiness().ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_catalog_is_refused_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    engine.close().await;
    drop(engine);
    let path = folder.path().join("catalog.json");
    let sound = std::fs::read(&path).unwrap();
    for position in (0..sound.len()).step_by(37) {
        let mut damaged = sound.clone();
        damaged[position] ^= 0x04;
        std::fs::write(&path, damaged).unwrap();
        let refused = Highwater::open(EngineSettings::new(folder.path()), std::sync::Arc::new(SystemClock)).await;
        assert!(refused.is_err(), "byte {position}");
    }
    std::fs::write(&path, sound).unwrap();
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM daily_steps").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_closed_while_it_catches_up_lets_go_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 20_000)).await;
    engine.close().await;
    drop(engine);
    for _ in 0..5 {
        std::fs::remove_dir_all(folder.path().join("state")).unwrap();
        let settings = EngineSettings::new(folder.path());
        let engine = Highwater::open(settings, std::sync::Arc::new(SystemClock)).await.unwrap();
        engine.close().await;
    }
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["20000"]);
}
