//! Streams in the archive: read together with the log as one table, after everything that may happen to either.

use std::path::Path;
use std::time::Duration;

use highwater_api::{BodyFormat, Engine, ErrorKind};
use highwater_engine::{ArchiveOptions, EngineSettings, Highwater};
use highwater_model::SystemClock;

use crate::support::{STEPS, ingest, open, open_with, request, sql, steps, try_sql};

/// Small segments, so that the log lets go early, and nothing archived unless it is asked for.
fn settings(folder: &Path) -> EngineSettings {
    let mut settings = EngineSettings::new(folder);
    settings.log.segment_bytes = 4_096;
    settings.checkpoint_interval = Duration::from_millis(20);
    settings.archive =
        Some(ArchiveOptions { interval: Duration::from_secs(3600), ..ArchiveOptions::in_folder(folder) });
    settings
}

/// Everything that queries can say of the stream `steps`, whatever its rows come from.
async fn all_of_steps(engine: &Highwater) -> Vec<Vec<String>> {
    let queries = [
        "SELECT * FROM steps ORDER BY _partition, _offset",
        "SELECT count(*), sum(steps), min(ts), max(_offset) FROM steps",
        "SELECT count(*) FROM steps",
        "SELECT uuid, sum(steps) FROM steps WHERE uuid < 20 AND steps > 3 GROUP BY uuid ORDER BY 1",
        "SELECT _partition, count(*), min(_offset), max(_offset), count(DISTINCT _offset) FROM steps GROUP BY 1 ORDER BY 1",
        "SELECT count(*) FROM steps WHERE ts >= '2016-02-03T00:00:00Z'",
        "SELECT steps FROM steps WHERE _partition = 1 AND _offset BETWEEN 3 AND 9 ORDER BY _offset",
        "SELECT count(*) FROM steps WHERE source IS NULL OR source = '2'",
    ];
    let mut all = Vec::new();
    for query in queries {
        all.push(sql(engine, query).await);
    }
    all
}

async fn explained(engine: &Highwater, query: &str) -> String {
    sql(engine, &format!("EXPLAIN {query}")).await.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_and_log_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, STEPS).await;
    for round in 0..4 {
        ingest(&engine, "steps", &steps(round * 300, 300)).await;
        let before = all_of_steps(&engine).await;
        engine.archive_now().await.unwrap();
        assert_eq!(all_of_steps(&engine).await, before, "round {round}");
        let archived = sql(&engine, "SELECT archived, archive_lag, archive_error FROM highwater.streams").await;
        assert_eq!(archived, [format!("{}|0|NULL", (round + 1) * 300)]);
    }
    ingest(&engine, "steps", &steps(1200, 50)).await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["1250"]);
    let plan = explained(&engine, "SELECT count(*) FROM steps").await;
    assert!(plan.contains("read 50 records") && plan.contains("1200 from"), "{plan}");
    // Beyond what is archived, the archive is not asked.
    let plan = explained(&engine, "SELECT * FROM steps WHERE _offset >= 100000").await;
    assert!(!plan.contains("archive"), "{plan}");
    let before = all_of_steps(&engine).await;
    engine.close().await;
    drop(engine);
    let engine = open_with(settings(folder.path())).await;
    assert_eq!(all_of_steps(&engine).await, before);
    assert_eq!(sql(&engine, "SELECT archived, archive_lag FROM highwater.streams").await, ["1200|50"]);
}

const KEPT_SHORT: &str = "
CREATE STREAM events (id BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL, v DOUBLE) WITH (partitions = 2, event_time = 'at', retention_bytes = '1');
CREATE STREAM people (id BIGINT PRIMARY KEY, version BIGINT, name TEXT) WITH (version = 'version', partitions = 2, retention_bytes = '1');
CREATE MATERIALIZED VIEW by_id AS SELECT id % 10 AS id, count(*) AS n, sum(v) AS total FROM events GROUP BY 1;
CREATE MATERIALIZED VIEW named AS SELECT name, count(*) AS n FROM people GROUP BY name;
";

async fn fill_short(engine: &Highwater, round: u64) {
    for part in 0..10 {
        let events: String = (0..100_u64)
            .map(|n| {
                let (id, day) = (round * 1_000 + part * 100 + n, n % 27 + 1);
                format!("{{\"id\":{id},\"at\":\"2026-01-{day:02}T00:00:00Z\",\"v\":{}.1}}\n", id % 7)
            })
            .collect();
        ingest(engine, "events", &events).await;
        // Many of equal version: the last one counts.
        let people: String = (0..50_u64)
            .map(|n| {
                let (id, version, name) = (n % 20, round + n % 2, round * 100 + part * 7 + n);
                format!("{{\"id\":{id},\"version\":{version},\"name\":\"name {}\"}}\n", name % 11)
            })
            .collect();
        ingest(engine, "people", &people).await;
    }
}

async fn of_short(engine: &Highwater) -> Vec<Vec<String>> {
    let queries = [
        "SELECT id, at, v, _partition, _offset FROM events ORDER BY _partition, _offset",
        "SELECT id, version, name FROM people ORDER BY id",
        "SELECT count(*), count(DISTINCT (_partition, _offset)) FROM HISTORY(people)",
        "SELECT * FROM by_id ORDER BY id",
        "SELECT * FROM named ORDER BY name",
    ];
    let mut all = Vec::new();
    for query in queries {
        all.push(sql(engine, query).await);
    }
    all
}

/// Archives, and waits until the log has let go of something of every stream.
async fn let_go(engine: &Highwater) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    // A checkpoint has to cover what is let go of.
    let mut checkpoints = tokio::time::interval(Duration::from_millis(20));
    while tokio::time::Instant::now() < limit {
        checkpoints.tick().await;
        engine.archive_now().await.unwrap();
        let held = "SELECT count(*) FROM highwater.partitions WHERE earliest = 0 AND next > 0";
        if sql(engine, held).await == ["0"] {
            return;
        }
    }
    panic!("the log lets go of nothing: {:?}", sql(engine, "SELECT * FROM highwater.partitions").await);
}

/// A partition may hold nothing any more, all of it archived: whoever reads it from its beginning must get to its end.
#[tokio::test(flavor = "multi_thread")]
async fn lost_state_comes_back_though_the_log_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut few = settings(folder.path());
    // Every batch begins a segment of its own, so that all but the last can go.
    few.log.segment_bytes = 1;
    let engine = open_with(few.clone()).await;
    sql(&engine, KEPT_SHORT).await;
    fill_short(&engine, 0).await;
    let empty = "SELECT count(*) FROM highwater.partitions WHERE earliest = next AND next > 0";
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    while sql(&engine, empty).await == ["0"] {
        assert!(tokio::time::Instant::now() < limit, "{:?}", sql(&engine, "SELECT * FROM highwater.partitions").await);
        engine.archive_now().await.unwrap();
        // For the checkpoint that covers what is let go of.
        ingest(&engine, "events", "{\"id\":1,\"at\":\"2026-01-01T00:00:00Z\",\"v\":1.0}\n").await;
    }
    let before = of_short(&engine).await;
    engine.close().await;
    drop(engine);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = open_with(few).await;
    assert_eq!(of_short(&engine).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_lets_go_of_is_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, KEPT_SHORT).await;
    fill_short(&engine, 0).await;
    let before = of_short(&engine).await;
    let_go(&engine).await;
    assert_eq!(of_short(&engine).await, before);
    fill_short(&engine, 1).await;
    let before = of_short(&engine).await;

    // A view over history that only the archive holds is as one that saw it all.
    sql(
        &engine,
        "CREATE MATERIALIZED VIEW again AS SELECT id % 10 AS id, count(*) AS n, sum(v) AS total FROM events GROUP BY 1",
    )
    .await;
    assert_eq!(sql(&engine, "SELECT * FROM again ORDER BY id").await, before[3]);
    sql(&engine, "CREATE MATERIALIZED VIEW messages AS SELECT id, count(*) AS n FROM HISTORY(people) GROUP BY id")
        .await;
    let messages = sql(&engine, "SELECT * FROM messages ORDER BY id").await;
    assert_eq!(messages, sql(&engine, "SELECT id, count(*) FROM HISTORY(people) GROUP BY id ORDER BY id").await);
    engine.close().await;
    drop(engine);

    // So is everything that is computed again because the state is gone.
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = open_with(settings(folder.path())).await;
    assert_eq!(of_short(&engine).await, before);
    assert_eq!(sql(&engine, "SELECT * FROM again ORDER BY id").await, before[3]);
    assert_eq!(sql(&engine, "SELECT * FROM messages ORDER BY id").await, messages);
    fill_short(&engine, 2).await;
    let after = of_short(&engine).await;
    let_go(&engine).await;
    assert_eq!(of_short(&engine).await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_let_go_of_before_it_is_archived() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    // A file where the archive's folder should be: nothing can be archived.
    std::fs::create_dir_all(folder.path()).unwrap();
    std::fs::write(folder.path().join("blocked"), "not a folder").unwrap();
    let options = settings.archive.take().unwrap();
    settings.archive =
        Some(ArchiveOptions { root: folder.path().join("blocked/archive").display().to_string(), ..options });
    let refused = Highwater::open(settings.clone(), std::sync::Arc::new(SystemClock)).await;
    assert!(refused.unwrap_err().to_string().contains("blocked"));

    std::fs::remove_file(folder.path().join("blocked")).unwrap();
    let engine = open_with(settings.clone()).await;
    sql(&engine, KEPT_SHORT).await;
    fill_short(&engine, 0).await;
    let before = of_short(&engine).await;
    std::fs::remove_dir_all(folder.path().join("blocked")).unwrap();
    std::fs::write(folder.path().join("blocked"), "not a folder").unwrap();
    let error = engine.archive_now().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert_eq!(sql(&engine, "SELECT DISTINCT earliest FROM highwater.partitions").await, ["0"]);
    assert_eq!(of_short(&engine).await, before);
    // The trouble passes: everything is archived, and the log lets go.
    std::fs::remove_file(folder.path().join("blocked")).unwrap();
    let_go(&engine).await;
    assert_eq!(of_short(&engine).await, before);
}

const TYPES: &str = "
CREATE STREAM types (b BOOLEAN, i1 TINYINT, i2 SMALLINT, i4 INT, i8 BIGINT, u1 TINYINT UNSIGNED, u2 SMALLINT UNSIGNED,
  u4 INT UNSIGNED, u8 BIGINT UNSIGNED, f4 REAL, f8 DOUBLE, d DECIMAL(20, 3), t TEXT, x BYTEA, day DATE, ts TIMESTAMPTZ,
  tsl TIMESTAMP, tsn TIMESTAMPTZ(9), s STRUCT<lat DOUBLE, tags ARRAY<TEXT>>, a BIGINT[], m MAP<TEXT, BIGINT>)
  WITH (event_time = 'ts');
";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, TYPES).await;
    let rows = concat!(
        "{\"b\":true,\"i1\":-128,\"i2\":-32768,\"i4\":-2147483648,\"i8\":-9223372036854775808,\"u1\":255,\"u2\":65535,",
        "\"u4\":4294967295,\"u8\":18446744073709551615,\"f4\":1.5,\"f8\":-0.0,\"d\":\"12345678901234567.891\",\"t\":\"å \\u0000 \\ud83d\\ude00\",",
        "\"x\":\"AP8=\",\"day\":\"1969-12-31\",\"ts\":\"2026-01-02T03:04:05.678901Z\",\"tsl\":\"2026-01-02T03:04:05\",",
        "\"tsn\":\"2026-01-02T03:04:05.678901234Z\",\"s\":{\"lat\":1e300,\"tags\":[\"a\",null]},\"a\":[1,null,3],\"m\":{\"k\":1}}\n",
        "{}\n",
        "{\"s\":{},\"a\":[],\"m\":{},\"t\":\"\",\"ts\":\"1900-01-01T00:00:00Z\"}\n",
    );
    let report = engine.ingest(request("types", BodyFormat::NdJson, rows)).await.unwrap();
    assert_eq!((report.accepted, report.rejected), (3, 0), "{report:?}");
    let before = sql(&engine, "SELECT * FROM types ORDER BY _offset").await;
    let schema = sql(&engine, "SELECT arrow_typeof(u8), arrow_typeof(tsn), arrow_typeof(s) FROM types LIMIT 1").await;
    engine.archive_now().await.unwrap();
    assert!(explained(&engine, "SELECT * FROM types").await.contains("3 from 3 files"));
    assert_eq!(sql(&engine, "SELECT * FROM types ORDER BY _offset").await, before);
    let again = sql(&engine, "SELECT arrow_typeof(u8), arrow_typeof(tsn), arrow_typeof(s) FROM types LIMIT 1").await;
    assert_eq!(again, schema);
    for found in ["u8 > 18446744073709551614", "tsn > '2026-01-02T03:04:05.678901Z'", "u1 = 255", "s.lat > 1e299"] {
        assert_eq!(sql(&engine, &format!("SELECT count(*) FROM types WHERE {found}")).await, ["1"], "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_archived_too() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", "{\"uuid\":\"x\"}\nnot json\n").await;
    let query = "SELECT reason, raw, _offset FROM steps_rejects ORDER BY _offset";
    let before = sql(&engine, query).await;
    assert_eq!(before.len(), 2);
    engine.archive_now().await.unwrap();
    let tables = std::fs::read_dir(folder.path().join("archive/public")).unwrap();
    let names: Vec<_> = tables.map(|table| table.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("steps_rejects.")), "{names:?}");
    // Marks of replays are no rejects, here neither.
    sql(&engine, "ALTER STREAM steps ADD COLUMN more TEXT").await;
    assert_eq!(sql(&engine, "REPLAY REJECTS OF steps").await, ["REPLAY REJECTS 0"]);
    engine.archive_now().await.unwrap();
    ingest(&engine, "steps", "not json either\n").await;
    assert_eq!(sql(&engine, query).await[..2], before);
    assert_eq!(sql(&engine, query).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 100)).await;
    engine.archive_now().await.unwrap();
    let tables = || {
        let public = std::fs::read_dir(folder.path().join("archive/public"));
        public.map_or(0, |tables| tables.filter(|table| table.as_ref().unwrap().path().is_dir()).count())
    };
    assert_eq!(tables(), 1);
    let error = try_sql(&engine, "CREATE OR REPLACE STREAM steps (uuid TEXT)").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    sql(&engine, "DROP STREAM steps CASCADE").await;
    assert_eq!(tables(), 0);
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 10)).await;
    engine.archive_now().await.unwrap();
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_older_than_its_archive_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, STEPS).await;
    engine.close().await;
    drop(engine);
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&folder.path().join("log"), &copy.path().join("log"));
    let engine = open(folder.path()).await;
    ingest(&engine, "steps", &steps(0, 100)).await;
    engine.archive_now().await.unwrap();
    engine.close().await;
    drop(engine);
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    copy_folder(&copy.path().join("log"), &folder.path().join("log"));
    let refused = Highwater::open(settings(folder.path()), std::sync::Arc::new(SystemClock)).await.unwrap_err();
    assert!(refused.to_string().contains("restore the log that belongs to this archive"), "{refused}");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
