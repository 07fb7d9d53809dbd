//! `highwater doctor` of the real binary on real folders: sound, damaged in log and state, repaired, in use; and what a
//! server gives after each repair.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use highwater_api::{BodyFormat, Engine, IngestRequest, SqlLimits, SqlRequest};
use highwater_client::{AnswerFormat, IngestCall, SqlCall};
use highwater_engine::{EngineSettings, Highwater};
use highwater_model::SystemClock;
use highwater_testkit::{ServerProcess, ServerSettings, server_binary};
use serde_json::Value;

/// Batches of ten events; small segments make several of them sealed.
const BATCHES: u64 = 40;
const EVENTS: u64 = BATCHES * 10;

/// Fills a folder and closes it in good order: log, catalog and a full checkpoint.
async fn filled(data: &Path) {
    let mut settings = EngineSettings::new(data);
    settings.log.segment_bytes = 4_000;
    let engine = Highwater::open(settings, Arc::new(SystemClock)).await.unwrap();
    engine.caught_up().await;
    let sql = "CREATE STREAM plays (song TEXT NOT NULL, n BIGINT NOT NULL) WITH (partition_by = 'n', partitions = 2);
               CREATE MATERIALIZED VIEW songs AS SELECT song, count(*) AS plays, sum(n) AS total FROM plays GROUP BY song";
    let request = SqlRequest { sql: sql.to_owned(), schema: None, limits: SqlLimits::default(), read_only: false };
    engine.sql(request).await.unwrap();
    for batch in 0..BATCHES {
        let body = events(batch * 10, 10).into();
        let stream = "plays".to_owned();
        let request = IngestRequest { stream, format: BodyFormat::NdJson, body, stamp: None, wait_visible: true };
        engine.ingest(request).await.unwrap();
    }
    engine.close().await;
}

fn events(first: u64, count: u64) -> Vec<u8> {
    let line = |n: u64| format!("{{\"song\":\"{}\",\"n\":{n}}}\n", ["Blue", "Rain", "Sun"][n as usize % 3]);
    (first..first + count).map(line).collect::<String>().into_bytes()
}

fn doctor(data: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(server_binary().unwrap());
    command.arg("doctor").arg("--data").arg(data).args(options).stdin(Stdio::null());
    command.output().unwrap()
}

fn document(data: &Path, options: &[&str]) -> (bool, Value) {
    let output = doctor(data, &[&["--json"], options].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (output.status.success(), document)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("log/1")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "seg")).collect();
    segments.sort();
    segments
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// Where blocks begin in a segment.
fn blocks(path: &Path) -> Vec<usize> {
    let bytes = fs::read(path).unwrap();
    (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"HWBL").collect()
}

async fn serve(folder: &Path) -> ServerProcess {
    let settings = ServerSettings {
        binary: server_binary().unwrap(),
        data: folder.join("data"),
        apps: Vec::new(),
        options: Vec::new(),
        log: folder.join("server.log"),
    };
    ServerProcess::start(settings).await.unwrap()
}

/// Events by the view, and by reading the stream.
async fn counts(server: &ServerProcess) -> (u64, u64) {
    let rows = |sql: &'static str| async move {
        let rows = server.client().rows(sql).await.unwrap();
        rows[0].values().next().and_then(Value::as_u64).unwrap()
    };
    (rows("SELECT sum(plays)::bigint AS n FROM songs").await, rows("SELECT count(*) AS n FROM plays").await)
}

/// Stores more events, and waits until they are in the view.
async fn more(server: &ServerProcess, count: u64) {
    let call = IngestCall {
        stream: "plays".to_owned(),
        format: BodyFormat::NdJson,
        body: events(1_000_000, count).into(),
        stamp: None,
        wait_visible: true,
    };
    assert_eq!(server.client().ingest(&call).await.unwrap().accepted, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_folder_passes_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data).await;
    assert!(segments(&data).len() > 2);
    let output = doctor(&data, &[]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("public.plays") && text.contains(&format!("\nsound: 1 log, {} segments", segments(&data).len())),
        "{text}"
    );
    let (sound, told) = document(&data, &[]);
    assert!(sound && told["sound"] == true, "{told}");
    let partitions = told["streams"][0]["partitions"].as_array().unwrap();
    let records: u64 = partitions.iter().map(|partition| partition["records"].as_u64().unwrap()).sum();
    assert_eq!((partitions.len(), records), (2, EVENTS));
    let covered = told["checkpoints"][0]["covers"].as_array().unwrap();
    assert_eq!(covered.iter().map(|partition| partition["next"].as_u64().unwrap()).sum::<u64>(), EVENTS);
    let (repaired, told) = document(&data, &["--repair"]);
    assert!(repaired && told["repairs"].as_array().unwrap().is_empty(), "nothing to do: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_records_are_named_and_given_up_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data).await;
    let segment = segments(&data)[1].clone();
    let (block, end) = (blocks(&segment)[3], blocks(&segment)[4]);
    flip(&segment, end - 1);
    let bytes = fs::read(&segment).unwrap();
    let (sound, told) = document(&data, &[]);
    assert!(!sound && told["sound"] == false, "{told}");
    let finding = &told["findings"][0];
    assert_eq!(finding["file"], segment.display().to_string());
    assert_eq!(finding["byte"], block);
    let lost: u64 = finding["lost"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| lost["next"].as_u64().unwrap() - lost["first"].as_u64().unwrap())
        .sum();
    assert_eq!(lost, 10, "{finding}");
    assert!(said(&doctor(&data, &[])).contains(&format!("{} at byte {block}", segment.display())));

    let refused = doctor(&data, &["--repair"]);
    assert!(
        !refused.status.success()
            && said(&refused).contains("--yes")
            && said(&refused).contains("public.plays partition 0: offsets"),
        "{}",
        said(&refused)
    );
    assert_eq!(fs::read(&segment).unwrap(), bytes, "nothing was touched");

    let repaired = doctor(&data, &["--repair", "--yes"]);
    assert!(repaired.status.success(), "{}", said(&repaired));
    let aside = segment.with_file_name(format!("{}-{block}.damaged", segment.file_stem().unwrap().to_string_lossy()));
    assert_eq!(fs::read(aside).unwrap(), bytes[block..end]);
    let (sound, told) = document(&data, &[]);
    assert!(sound && told["notes"][0].as_str().unwrap().contains("given up earlier"), "{told}");

    // The saved state still has what it took in before; computed again, views have what the log has.
    let server = serve(folder.path()).await;
    assert_eq!(counts(&server).await, (EVENTS, EVENTS - 10));
    more(&server, 5).await;
    assert_eq!(counts(&server).await, (EVENTS + 5, EVENTS - 5));
    server.kill().await.unwrap();
    fs::remove_dir_all(data.join("state")).unwrap();
    let server = serve(folder.path()).await;
    assert_eq!(counts(&server).await, (EVENTS - 5, EVENTS - 5));
    // A view made later is built from the same history.
    let call = SqlCall { sql: "CREATE MATERIALIZED VIEW later AS SELECT count(*) AS n FROM plays", schema: None };
    server.client().sql(&call, AnswerFormat::NdJson).await.unwrap();
    let rows = server.client().rows("SELECT n FROM later").await.unwrap();
    assert_eq!(rows[0]["n"], EVENTS - 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_lost_at_the_very_end_do_not_keep_a_server_from_starting() {
    // Once the last block's records are damaged, once its header: then nothing tells how many records it held.
    for header in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        filled(&data).await;
        let segment = segments(&data).pop().unwrap();
        let last = *blocks(&segment).last().unwrap();
        let end = fs::read(&segment).unwrap().len();
        flip(&segment, if header { last + 20 } else { end - 1 });
        let (sound, told) = document(&data, &[]);
        assert!(!sound && told["findings"][0]["byte"] == last, "{told}");
        assert_eq!(told["findings"][0]["in_doubt"].as_array().unwrap().is_empty(), !header, "{told}");
        let repaired = doctor(&data, &["--repair", "--yes"]);
        assert!(repaired.status.success(), "{}", said(&repaired));
        for from_state in [true, false] {
            if !from_state {
                fs::remove_dir_all(data.join("state")).unwrap();
            }
            let server = serve(folder.path()).await;
            let before = counts(&server).await;
            assert_eq!(
                before,
                (if from_state { EVENTS } else { EVENTS - 7 }, EVENTS - if from_state { 10 } else { 7 })
            );
            more(&server, 3).await;
            assert_eq!(counts(&server).await, (before.0 + 3, before.1 + 3));
            server.kill().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_state_is_set_aside_and_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data).await;
    let checkpoint = fs::read_dir(data.join("state")).unwrap().next().unwrap().unwrap().path();
    let middle = fs::read(&checkpoint).unwrap().len() / 2;
    flip(&checkpoint, middle);
    let bytes = fs::read(&checkpoint).unwrap();
    let output = doctor(&data, &[]);
    let text = said(&output);
    assert!(!output.status.success() && text.contains(&checkpoint.display().to_string()), "{text}");
    assert!(text.contains("at byte ") && text.contains("--repair"), "{text}");
    assert_eq!(fs::read(&checkpoint).unwrap(), bytes);
    let (repaired, told) = document(&data, &["--repair"]);
    assert!(repaired && told["left"].as_array().unwrap().is_empty(), "{told}");
    assert_eq!(fs::read(checkpoint.with_extension("checkpoint.damaged")).unwrap(), bytes);
    let (sound, told) = document(&data, &[]);
    assert!(sound && told["notes"][0].as_str().unwrap().contains(".checkpoint.damaged"), "{told}");
    let server = serve(folder.path()).await;
    assert_eq!(counts(&server).await, (EVENTS, EVENTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_catalog_and_missing_logs_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data).await;
    let catalog = fs::read(data.join("catalog.json")).unwrap();
    flip(&data.join("catalog.json"), catalog.len() / 2);
    let (sound, told) = document(&data, &["--repair"]);
    assert!(!sound && told["left"][0]["part"] == "catalog", "{told}");
    fs::write(data.join("catalog.json"), catalog).unwrap();
    fs::rename(data.join("log/1"), folder.path().join("elsewhere")).unwrap();
    let (sound, told) = document(&data, &[]);
    assert!(!sound && told["findings"][0]["what"].as_str().unwrap().contains("public.plays is missing"), "{told}");
    assert!(
        told["findings"].as_array().unwrap().iter().any(|finding| finding["part"] == "state"),
        "it covers more: {told}"
    );
    fs::rename(folder.path().join("elsewhere"), data.join("log/1")).unwrap();
    assert!(document(&data, &[]).0);
    // What is none of ours is not opened, for that would make it ours.
    let output = doctor(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(!folder.path().join("log").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_left_alone_and_its_server_asked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data).await;
    let server = serve(folder.path()).await;
    for options in [&[][..], &["--repair", "--yes"]] {
        let output = doctor(&data, options);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        for part in ["in use by process ", server.client().address(), "public.plays", "public.songs", "live"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    let (sound, told) = document(&data, &[]);
    assert!(!sound && told["sound"].is_null(), "{told}");
    assert_eq!(told["status"]["streams"][0]["records"], EVENTS);
    assert!(fs::read_to_string(data.join("highwater.lock")).unwrap().contains('\n'));
    assert_eq!(counts(&server).await, (EVENTS, EVENTS));
}
