//! Data folders as released versions wrote them, one for each format (`tests/fixtures/folder-N`): they open with the same
//! answers; where a checkpoint is of another format, damaged or gone, everything comes back from archive and log.
//!
//! A fixture is written once and never again: when a format's version is raised, raise [`NEWEST`], and
//! `UPDATE_FIXTURES=1 cargo test -p highwater-engine --test it formats` writes the folder that is not there yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use highwater_api::{AuditOutcome, JobKind, JobTarget};
use highwater_engine::{EngineSettings, Highwater};

use crate::audits::job;
use crate::support::{copy_all, copy_of, ingest, open_with, sql};

/// The fixture that this version writes.
const NEWEST: &str = "folder-1";

/// The archive holds what the log let go of; the keyed stream has deletions and old versions; one view stands on another,
/// one looks a table up, one is behind a ranked index.
const WORLD: &str = "
CREATE STREAM events (id BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL, v DOUBLE, tag TEXT)
  WITH (partitions = 2, event_time = 'at', retention_bytes = '1');
CREATE STREAM people (id BIGINT PRIMARY KEY, version BIGINT, name TEXT, gone BOOLEAN)
  WITH (version = 'version', deleted = 'gone', partitions = 2, retention_bytes = '1');
CREATE TABLE tags (tag TEXT PRIMARY KEY, weight DOUBLE);
INSERT INTO tags VALUES ('a', 0.5), ('b', 2.25);
UPDATE tags SET weight = 1.75 WHERE tag = 'b';
CREATE MATERIALIZED VIEW by_tag AS
  SELECT tag, count(*) AS n, sum(v) AS total, avg(v) AS mean, stddev(v) AS spread, count(DISTINCT id) AS ids,
    approx_distinct(id) AS about, median(v) AS middle, array_agg(id ORDER BY at, id) AS list
  FROM events GROUP BY tag;
CREATE MATERIALIZED VIEW hourly AS
  SELECT window_start, count(*) AS n, max(v) AS most FROM TUMBLE(events, at, INTERVAL '1 hour') GROUP BY window_start;
CREATE MATERIALIZED VIEW weighted AS
  SELECT e.tag, sum(e.v * t.weight) AS total FROM events e JOIN tags t ON e.tag = t.tag GROUP BY e.tag;
CREATE MATERIALIZED VIEW named AS SELECT name, count(*) AS n FROM people GROUP BY name;
CREATE MATERIALIZED VIEW met AS SELECT p.name, e.v FROM events e JOIN people p ON p.id = e.id % 20;
CREATE MATERIALIZED VIEW best AS SELECT id, v FROM events ORDER BY v DESC, id LIMIT 5;
CREATE MATERIALIZED VIEW above AS SELECT sum(n) AS n FROM named;
CREATE INDEX by_n ON named RANKED (ORDER BY n DESC);
";

const RELATIONS: &[(&str, &str)] = &[
    ("by_tag", "tag"),
    ("hourly", "window_start"),
    ("weighted", "tag"),
    ("named", "name"),
    ("met", "name, v"),
    ("best", "v DESC, id"),
    ("above", "n"),
    ("people", "id"),
    ("tags", "tag"),
    ("events", "id"),
    ("by_tag FOR SYSTEM_TIME AS OF MARK", "tag"),
    ("events_rejects", "_offset"),
];

fn settings(folder: &Path) -> EngineSettings {
    let mut settings = EngineSettings::new(folder);
    settings.log.segment_bytes = 2_048;
    settings.checkpoint_interval = Duration::from_millis(100);
    settings
}

async fn answers(engine: &Highwater) -> String {
    let mut answers = String::new();
    for (relation, order) in RELATIONS {
        let rows = sql(engine, &format!("SELECT * FROM {relation} ORDER BY {order}")).await;
        answers += &format!("-- {relation}\n{}\n", rows.join("\n"));
    }
    answers
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

async fn fill(engine: &Highwater, round: u64) {
    let events: String = (0..60_u64)
        .map(|n| {
            let (id, tag) = (round * 60 + n, ["\"a\"", "\"b\"", "null"][(n % 3) as usize]);
            let (hour, v) = (n * 7 % 24, (n * 31 % 97) as f64 / 7.0);
            format!("{{\"id\":{id},\"at\":\"2026-01-1{round}T{hour:02}:00:00Z\",\"v\":{v},\"tag\":{tag}}}\n")
        })
        .collect();
    ingest(engine, "events", &(events + "{\"id\":\"not a number\"}\n")).await;
    let people: String = (0..40_u64)
        .map(|n| {
            let (id, version, gone) = (n % 20, round + n % 2, n % 11 == 3);
            format!("{{\"id\":{id},\"version\":{version},\"name\":\"name {}\",\"gone\":{gone}}}\n", (n + round) % 7)
        })
        .collect();
    ingest(engine, "people", &people).await;
}

/// Writes the folder that this version leaves behind, and what it answers.
async fn write(target: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_with(settings(folder.path())).await;
    sql(&engine, WORLD).await;
    for round in 0..4 {
        fill(&engine, round).await;
    }
    job(&engine, JobKind::Recompute, JobTarget::All).await;
    let mut checkpoints = tokio::time::interval(Duration::from_millis(20));
    let held =
        "SELECT count(*) FROM highwater.partitions WHERE earliest = 0 AND next > 0 AND stream IN ('events', 'people')";
    for _ in 0..1_000 {
        checkpoints.tick().await;
        engine.archive_now().await.unwrap();
        if sql(&engine, held).await == ["0"] {
            break;
        }
    }
    // A tail that only the log has.
    fill(&engine, 4).await;
    let expected = answers(&engine).await;
    engine.close().await;
    drop(engine);
    fs::create_dir_all(target).unwrap();
    copy_all(folder.path(), target);
    fs::write(target.join("answers.txt"), expected).unwrap();
}

/// The first bytes of every checkpoint changed in the copy of a folder.
fn change_checkpoints(folder: &Path, change: impl Fn(&mut Vec<u8>)) {
    for entry in fs::read_dir(folder.join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "checkpoint") {
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_every_format_open_and_come_back_without_their_state() {
    let newest = fixtures().join(NEWEST);
    if std::env::var_os("UPDATE_FIXTURES").is_some() && !newest.exists() {
        write(&newest).await;
    }
    let mut seen = 0;
    for entry in fs::read_dir(fixtures()).unwrap() {
        let fixture = entry.unwrap().path();
        let Ok(expected) = fs::read_to_string(fixture.join("answers.txt")) else { continue };
        seen += 1;
        for damage in ["none", "newer format", "older format", "a flipped bit", "no state"] {
            let note = format!("{} with {damage}", fixture.display());
            let folder = copy_of(&fixture);
            match damage {
                "newer format" => change_checkpoints(folder.path(), |bytes| bytes[4] = 200),
                "older format" => change_checkpoints(folder.path(), |bytes| bytes[4] = 0),
                "a flipped bit" => change_checkpoints(folder.path(), |bytes| {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 4;
                }),
                "no state" => fs::remove_dir_all(folder.path().join("state")).unwrap(),
                _ => {}
            }
            let engine = open_with(settings(folder.path())).await;
            assert_eq!(answers(&engine).await, expected, "{note}");
            let audits = job(&engine, JobKind::Audit, JobTarget::All).await;
            assert!(audits.iter().all(|audit| audit.outcome == AuditOutcome::Equal), "{note}: {audits:#?}");
            // And it goes on.
            ingest(&engine, "events", "{\"id\":1,\"at\":\"2026-02-01T00:00:00Z\",\"v\":1.5,\"tag\":\"c\"}\n").await;
            assert_eq!(sql(&engine, "SELECT n, total FROM by_tag WHERE tag = 'c'").await, ["1|1.5"], "{note}");
            engine.close().await;
        }
    }
    assert!(seen > 0, "no fixture in {}", fixtures().display());
}
