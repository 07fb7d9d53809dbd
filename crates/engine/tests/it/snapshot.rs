//! Snapshots of a folder that is being served, and what a start makes of them.

use std::sync::Arc;

use highwater_api::{Engine, ErrorKind};
use highwater_engine::{DataFolder, FolderAccess, restore_snapshot};
use highwater_model::SystemClock;

use crate::support::{STEPS, ingest, open, sql, steps, try_sql};

/// Events in the log and in the view, which must be the same.
async fn count(engine: &highwater_engine::Highwater) -> (u64, u64) {
    let events = sql(engine, "SELECT count(*) FROM steps").await[0].parse().unwrap();
    (events, sql(engine, "SELECT events FROM counts").await[0].parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_under_load_are_whole_and_start_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(folder.path()).await);
    sql(&engine, STEPS).await;
    sql(&engine, "CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS events FROM steps").await;
    ingest(&engine, "steps", &steps(0, 1_000)).await;
    let feeder = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            for round in 1..60 {
                ingest(&engine, "steps", &steps(round * 1_000, 1_000)).await;
            }
        })
    };
    let mut taken = Vec::new();
    for number in 0..5 {
        let before = count(&engine).await.0;
        let report = engine.snapshot(&format!("s{number}")).await.unwrap();
        taken.push((before, report));
    }
    feeder.await.unwrap();
    assert_eq!(engine.snapshot("s0").await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(engine.snapshot("../x").await.unwrap_err().kind, ErrorKind::InvalidInput);
    for (before, report) in taken {
        let elsewhere = tempfile::tempdir().unwrap();
        let data = elsewhere.path().join("data");
        let mut last = (0, 0);
        let restored = restore_snapshot(report.folder.as_ref(), &data, |done, all| last = (done, all)).unwrap();
        assert_eq!((restored.files, restored.bytes, last), (report.files, report.bytes, (report.bytes, report.bytes)));
        assert!(restore_snapshot(report.folder.as_ref(), &data, |_, _| {}).is_err(), "the folder holds something");
        let FolderAccess::Free(inspected) = DataFolder::open(&data, Arc::new(SystemClock)) else { panic!("held") };
        assert_eq!(inspected.inspect().unwrap().findings.len(), 0);
        drop(inspected);
        let engine = open(&data).await;
        let (events, counted) = count(&engine).await;
        // What was seen before is in it; requests are in it whole or not at all.
        assert!(events == counted && events >= before && events % 1_000 < 1, "{before} {events} {counted}");
        ingest(&engine, "steps", &steps(0, 10)).await;
        assert_eq!(count(&engine).await, (events + 10, events + 10));
    }
    assert_eq!(count(&engine).await, (60_000, 60_000));
    assert!(try_sql(&engine, "DROP STREAM steps CASCADE").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 10)).await;
    let report = engine.snapshot("one").await.unwrap();
    let taken = std::path::Path::new(&report.folder);
    let catalog = std::fs::read(taken.join("catalog.json")).unwrap();
    std::fs::write(taken.join("catalog.json"), &catalog[..catalog.len() - 1]).unwrap();
    let target = folder.path().join("restored");
    let error = restore_snapshot(taken, &target, |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("catalog.json"), "{error}");
    assert!(!target.exists());
    assert!(restore_snapshot(folder.path(), &target, |_, _| {}).is_err(), "a data folder is no snapshot");
}
