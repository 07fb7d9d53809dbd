//! Opening: one process per folder, unknown formats, settings out of bounds, leftovers, bounded producers, lost indexes.

use std::fs;
use std::sync::Arc;

use highwater_model::{ManualClock, ObjectId};

use super::super::block::Home;
use super::super::{EmbeddedLog, LogSettings, segment};
use super::{P0, open_simulated, small};
use crate::conformance::build::{STREAM, append, batch, read_all, stamped};
use crate::storage::simulated::SimulatedStorage;
use crate::{Log, LogError};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(5))
}

#[test]
fn a_second_opener_is_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
    let error = EmbeddedLog::open(folder.path(), small(), clock()).unwrap_err();
    assert!(
        matches!(&error, LogError::InUse { holder, .. } if holder.contains(&std::process::id().to_string())),
        "{error}"
    );
    drop(log);
    EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
}

#[test]
fn an_unknown_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(EmbeddedLog::open(folder.path(), small(), clock()).map(|log| log.open_stream(STREAM, 1)));
    let path = folder.path().join("log/7/00000000000000000001.seg");
    let mut bytes = fs::read(&path).unwrap();
    let mut head = segment::head(Home { stream: STREAM, segment: 1 });
    head[8] = 2;
    let checksum = crc32fast::hash(&head[..28]);
    head[28..].copy_from_slice(&checksum.to_le_bytes());
    bytes[..32].copy_from_slice(&head);
    fs::write(&path, &bytes).unwrap();
    let error = EmbeddedLog::open(folder.path(), small(), clock()).unwrap_err();
    assert!(matches!(&error, LogError::Invalid(text) if text.contains("version 2")), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn settings_out_of_bounds_are_refused() {
    let storage = SimulatedStorage::new();
    for settings in [
        LogSettings { segment_bytes: 0, ..small() },
        LogSettings { segment_bytes: 3 << 30, ..small() },
        LogSettings { queue_bytes: 0, ..small() },
        LogSettings { group_bytes: 0, ..small() },
        LogSettings { max_producers: 0, ..small() },
    ] {
        assert!(matches!(open_simulated(&storage, settings), Err(LogError::Invalid(_))));
    }
}

#[test]
fn leftovers_of_unfinished_work_are_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, batch(&[(P0, &["a"])])).unwrap();
    drop(log);
    for left in ["8.new", "9.dropped"] {
        fs::create_dir(folder.path().join("log").join(left)).unwrap();
        fs::write(folder.path().join("log").join(left).join("committed"), "x").unwrap();
    }
    fs::write(folder.path().join("log/7/00000000000000000002.seg.new"), "x").unwrap();
    let log = EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
    assert_eq!(log.streams(), [STREAM]);
    assert_eq!(fs::read_dir(folder.path().join("log")).unwrap().count(), 1);
    assert_eq!(read_all(&*log, P0, 0), ["a"]);
    log.open_stream(ObjectId(8), 1).unwrap();
}

#[test]
fn the_producer_silent_longest_is_forgotten_first() {
    let storage = SimulatedStorage::new();
    let settings = LogSettings { max_producers: 2, ..small() };
    for reopen in [false, true] {
        let mut log = open_simulated(&storage, settings.clone()).unwrap();
        log.open_stream(STREAM, 1).unwrap();
        for (producer, sequence) in [("a", 0), ("b", 0), ("a", 1), ("c", 0)] {
            append(&*log, stamped(batch(&[(P0, &["x"])]), &format!("{producer}{reopen}"), sequence)).unwrap();
        }
        if reopen {
            drop(log);
            log = open_simulated(&storage, settings.clone()).unwrap();
        }
        let duplicate = |producer: &str, sequence| {
            append(&*log, stamped(batch(&[(P0, &["x"])]), &format!("{producer}{reopen}"), sequence)).unwrap().duplicate
        };
        assert!(duplicate("a", 1) && duplicate("c", 0), "the two heard last are known");
        assert!(!duplicate("b", 0), "the one silent longest is not");
    }
}

#[test]
fn lost_and_damaged_indexes_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..60).map(|number| format!("record {number}")).collect();
    let fill = || {
        let log = EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
        log.open_stream(STREAM, 1).unwrap();
        for text in &texts {
            append(&*log, batch(&[(P0, &[text])])).unwrap();
        }
    };
    fill();
    for spoil in [true, false] {
        let mut spoiled = 0;
        for entry in fs::read_dir(folder.path().join("log/7")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "idx") {
                spoiled += 1;
                if spoil { fs::write(path, "no index").unwrap() } else { fs::remove_file(path).unwrap() }
            }
        }
        assert!(spoiled > 3);
        let log = EmbeddedLog::open(folder.path(), small(), clock()).unwrap();
        for from in 0..60 {
            assert_eq!(read_all(&*log, P0, from as u64), texts[from..]);
        }
    }
}
