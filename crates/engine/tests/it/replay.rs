//! `REPLAY REJECTS`: what can be read by the present declaration becomes events once, whatever happens in between.

use highwater_api::{BodyFormat, Engine, ErrorKind, ReplayReport, ReplayRequest};
use highwater_engine::{EngineSettings, Highwater};

use crate::support::{copy_of, ingest, open, open_with, request, sql, try_sql};

const DECLARE: &str = "
CREATE STREAM s (id BIGINT NOT NULL, n SMALLINT NOT NULL, at TIMESTAMPTZ) WITH (partition_by = 'id', partitions = 3);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS events, sum(n) AS n FROM s;
";

async fn replay(engine: &Highwater, filter: Option<&str>) -> ReplayReport {
    let request = ReplayRequest { stream: "s".to_owned(), filter: filter.map(str::to_owned) };
    engine.replay_rejects(request).await.unwrap()
}

fn counts(report: &ReplayReport) -> (u64, u64, u64, u64) {
    (report.replayed, report.events, report.refused, report.replayed_before)
}

/// Three rejects that a wider `n` can read, one that it cannot, one whose column was not NULL.
async fn fill(engine: &Highwater) {
    sql(engine, DECLARE).await;
    let body =
        "{\"id\":1,\"n\":1}\n{\"id\":2,\"n\":70000}\n{\"id\":3,\"n\":\"many\"}\n{\"id\":4,\"n\":80000}\n{\"id\":5}\n";
    let report = ingest(engine, "s", body).await;
    assert_eq!((report.accepted, report.rejected), (1, 4));
    let csv = engine.ingest(request("s", BodyFormat::Csv, "n;id\r\n90000;6\r\n2;7\r\n")).await.unwrap();
    assert_eq!((csv.accepted, csv.rejected), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_now_becomes_events_once() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    fill(&engine).await;
    assert_eq!(counts(&replay(&engine, None).await), (0, 0, 5, 0), "nothing has changed");
    sql(&engine, "ALTER STREAM s ALTER COLUMN n TYPE BIGINT CASCADE").await;
    let report = replay(&engine, None).await;
    assert_eq!(counts(&report), (3, 3, 2, 0));
    assert_eq!(report.refusals.iter().map(|refusal| refusal.offset).collect::<Vec<_>>(), [1, 3]);
    assert!(report.refusals[0].reason.contains("many"), "{report:?}");
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["5|240003"]);
    assert_eq!(counts(&replay(&engine, None).await), (0, 0, 2, 3), "they are events already");
    let rejects = "SELECT _offset, format, replayed_at IS NOT NULL FROM s_rejects ORDER BY _offset";
    let expected = ["0|ndjson|true", "1|ndjson|false", "2|ndjson|true", "3|ndjson|false", "4|csv|true"];
    assert_eq!(sql(&engine, rejects).await, expected);
    assert_eq!(sql(&engine, "SELECT records, rejects FROM highwater.streams").await, ["5|5"]);
    sql(&engine, "ALTER STREAM s ALTER COLUMN n DROP NOT NULL CASCADE").await;
    assert_eq!(sql(&engine, "REPLAY REJECTS OF s WHERE reason LIKE '%missing%'").await, ["REPLAY REJECTS 1"]);
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["6|240003"]);
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert_eq!(counts(&replay(&engine, None).await), (0, 0, 1, 4), "after a start too");
    assert_eq!(sql(&engine, "SELECT count(*) FROM s_rejects WHERE replayed_at IS NULL").await, ["1"]);
    // The log alone gives the same.
    engine.close().await;
    drop(engine);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["6|240003"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    fill(&engine).await;
    sql(&engine, "ALTER STREAM s ALTER COLUMN n TYPE INT CASCADE").await;
    assert_eq!(counts(&replay(&engine, Some("_offset = 2 OR raw LIKE '%70000%'")).await), (2, 2, 0, 0));
    assert_eq!(counts(&replay(&engine, Some("replayed_at IS NULL AND format = 'csv'")).await), (1, 1, 0, 0));
    let request = |filter: &str| ReplayRequest { stream: "s".to_owned(), filter: Some(filter.to_owned()) };
    for wrong in ["nonsense = 1", "1", "true; DROP STREAM s CASCADE", "reason LIKE"] {
        let refused = engine.replay_rejects(request(wrong)).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidInput, "{wrong}: {refused}");
    }
    for wrong in ["REPLAY REJECTS s", "REPLAY REJECTS OF totals", "REPLAY REJECTS OF t"] {
        assert!(try_sql(&engine, wrong).await.is_err(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_cut_are_never_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, "CREATE STREAM s (a TEXT, b TEXT) WITH (format = 'text', delimiter = ';', max_record_bytes = 16)")
        .await;
    engine.ingest(request("s", BodyFormat::Text, "1;2\n0123456789;0123456789\n")).await.unwrap();
    sql(&engine, "ALTER STREAM s SET (max_record_bytes = 1000)").await;
    assert_eq!(counts(&replay(&engine, None).await), (0, 0, 1, 0));
    assert_eq!(sql(&engine, "SELECT * FROM s").await.len(), 1);
}

/// Many replays at once, and callers who go away: every reject becomes one event.
#[tokio::test(flavor = "multi_thread")]
async fn replays_at_once_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(open(folder.path()).await);
    sql(&engine, DECLARE).await;
    for first in (0..20_000).step_by(5_000) {
        let body: String = (first..first + 5_000).map(|n| format!("{{\"id\":{n},\"n\":100000}}\n")).collect();
        assert_eq!(ingest(&engine, "s", &body).await.rejected, 5_000);
    }
    sql(&engine, "ALTER STREAM s ALTER COLUMN n TYPE BIGINT CASCADE").await;
    let all: Vec<_> = (0..6)
        .map(|caller| {
            let engine = std::sync::Arc::clone(&engine);
            tokio::spawn(async move {
                let patience = std::time::Duration::from_millis(if caller % 2 == 0 { 3 } else { 60_000 });
                drop(tokio::time::timeout(patience, replay(&engine, None)).await);
            })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    replay(&engine, None).await;
    assert_eq!(sql(&engine, "SELECT count(*), count(DISTINCT id) FROM s").await, ["20000|20000"]);
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["20000|2000000000"]);
}

/// The folder is copied again and again while a replay runs, as a crash would leave it: from every copy the replay
/// completes to the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_dies_anywhere_is_completed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(open(folder.path()).await);
    sql(&engine, DECLARE).await;
    for first in (0..12_000).step_by(3_000) {
        let body: String = (first..first + 3_000).map(|n| format!("{{\"id\":{n},\"n\":{}}}\n", 40_000 + n)).collect();
        ingest(&engine, "s", &body).await;
    }
    sql(&engine, "ALTER STREAM s ALTER COLUMN n TYPE BIGINT CASCADE").await;
    let running = {
        let engine = std::sync::Arc::clone(&engine);
        tokio::spawn(async move { replay(&engine, None).await })
    };
    let mut copies = Vec::new();
    while !running.is_finished() && copies.len() < 12 {
        let source = folder.path().to_owned();
        copies.push(tokio::task::spawn_blocking(move || copy_of(&source)).await.unwrap());
    }
    assert_eq!(counts(&running.await.unwrap()), (12_000, 12_000, 0, 0));
    copies.push(copy_of(folder.path()));
    for copy in copies {
        let engine = open_with(EngineSettings::new(copy.path())).await;
        let report = replay(&engine, None).await;
        assert_eq!(report.replayed + report.replayed_before, 12_000, "{report:?}");
        assert_eq!(sql(&engine, "SELECT count(*), count(DISTINCT id) FROM s").await, ["12000|12000"]);
        engine.close().await;
    }
}
