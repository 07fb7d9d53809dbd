//! Folders that earlier programs wrote (`crates/log/fixtures`): they open and give exactly their records; damaged copies
//! give the documented outcome. `UPDATE_FIXTURES=1` writes the fixture of the current format, if there is none yet.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use highwater_model::{ManualClock, ObjectId, PartitionId, PartitionRange};
use tempfile::TempDir;

use super::super::EmbeddedLog;
use super::super::block::Home;
use super::super::segment;
use super::{P0, P1, small};
use crate::conformance::build::{STREAM, append, batch, stamped};
use crate::{Append, Log, LogError};

const REJECTS: PartitionId = PartitionId::REJECTS;
const P2: PartitionId = PartitionId(2);
const HOLED: ObjectId = ObjectId(8);

/// The fixture's folder, written first if that is asked for.
fn fixture() -> PathBuf {
    static WRITTEN: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format-1");
    WRITTEN.call_once(|| {
        if !folder.exists() && std::env::var_os("UPDATE_FIXTURES").is_some() {
            write_fixture(&folder);
        }
    });
    folder
}

fn open(data: &Path) -> Result<Arc<EmbeddedLog>, LogError> {
    EmbeddedLog::open(data, small(), Arc::new(ManualClock::at(5)))
}

/// A copy of the fixture that may be damaged.
fn copied() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for stream in ["7", "8"] {
        let (from, to) = (fixture().join("data/log").join(stream), folder.path().join("log").join(stream));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

fn segments(data: &Path, stream: ObjectId) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("log").join(stream.to_string())).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    paths.sort();
    paths
}

/// What is appended to stream 7, in order.
fn history() -> Vec<Append> {
    let long = "the same again and again, ".repeat(20);
    let mut batches = vec![
        stamped(batch(&[(P0, &["first", ""]), (P1, &["{\"a\":1}"])]), "watch-7", 0),
        batch(&[(P1, &["no producer", "umlauts: äöü"])]),
        stamped(batch(&[(P0, &[&long]), (REJECTS, &["refused"])]), "watch-7", 1),
    ];
    for number in 0..8_u64 {
        let text = format!("record {number} {}", "xy".repeat(number as usize * 5));
        batches.push(stamped(batch(&[(P1, &["other"]), (P0, &[&text])]), "watch-8", number));
    }
    batches.push(batch(&[(P2, &["of a partition added later"]), (P0, &["last"])]));
    for (number, append) in (1_i64..).zip(&mut batches) {
        append.ingested_at_micros = number * 1_000_000;
    }
    batches
}

/// The lines that the batches amount to, counted here rather than asked of the log.
fn lines_of(batches: &[Append]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut next = std::collections::BTreeMap::new();
    for append in batches {
        for part in &append.parts {
            let offset: &mut u64 = next.entry((append.stream, part.partition)).or_default();
            for record in part.records.iter() {
                lines.push(line(append.stream, part.partition, *offset, append.ingested_at_micros, record));
                *offset += 1;
            }
        }
    }
    lines.sort();
    lines
}

fn line(stream: ObjectId, partition: PartitionId, offset: u64, micros: i64, record: &[u8]) -> String {
    format!("{stream} {partition} {offset:03} {micros} {}", String::from_utf8_lossy(record))
}

/// Everything that can be read, leaving out what was given up.
fn lines_in(log: &EmbeddedLog) -> Result<Vec<String>, LogError> {
    let mut lines = Vec::new();
    for stream in log.streams() {
        for partition in [P0, P1, P2, REJECTS] {
            let Ok(bounds) = log.bounds(stream, partition) else { continue };
            let mut next = bounds.earliest;
            while next < bounds.next {
                let blocks = match log.read(stream, partition, next, 1) {
                    Ok(blocks) => blocks,
                    Err(error) => {
                        next = log.after_hole(stream, partition, next)?.ok_or(error)?;
                        continue;
                    }
                };
                for block in blocks {
                    for record in block.records.iter() {
                        lines.push(line(stream, partition, next, block.ingested_at_micros, record));
                        next += 1;
                    }
                }
            }
        }
    }
    lines.sort();
    Ok(lines)
}

fn expected() -> Vec<String> {
    fs::read_to_string(fixture().join("records.txt")).unwrap().lines().map(str::to_owned).collect()
}

fn write_fixture(folder: &Path) {
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    let (batches, holed) = (history(), batch(&[(P0, &["kept"])]));
    {
        let log = open(&data).unwrap();
        log.open_stream(STREAM, 2).unwrap();
        log.open_stream(HOLED, 1).unwrap();
        for append_now in &batches {
            if append_now.parts[0].partition == P2 {
                log.open_stream(STREAM, 3).unwrap();
            }
            append(&*log, append_now.clone()).unwrap();
        }
        for text in ["kept", "lost", "kept too"] {
            append(&*log, Append { stream: HOLED, ..batch(&[(P0, &[text])]) }).unwrap();
        }
    }
    let path = segments(&data, HOLED).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"lost").unwrap();
    bytes[at] ^= 0xff;
    fs::write(&path, bytes).unwrap();
    let log = open(&data).unwrap();
    assert_eq!(log.quarantine(HOLED).unwrap().len(), 1);
    drop(log);
    fs::remove_file(data.join("highwater.lock")).unwrap();
    let mut lines = lines_of(&batches);
    let record = |offset, text: &str| line(HOLED, P0, offset, holed.ingested_at_micros, text.as_bytes());
    lines.extend([record(0, "kept"), record(2, "kept too")]);
    let mut text = String::new();
    lines.iter().for_each(|line| writeln!(text, "{line}").unwrap());
    fs::write(folder.join("records.txt"), text).unwrap();
}

#[test]
fn the_fixture_gives_exactly_its_records() {
    let folder = copied();
    assert!(segments(folder.path(), STREAM).len() > 2, "sealed segments and one that is appended to");
    let log = open(folder.path()).unwrap();
    assert_eq!(lines_in(&log).unwrap(), expected());
    let reports = log.examine().unwrap();
    assert_eq!(reports[0].findings, []);
    let records: u64 = reports[0].partitions.iter().map(|partition| partition.records).sum();
    assert_eq!(records, expected().iter().filter(|line| line.starts_with("7 ")).count() as u64);
    let [hole] = &reports[1].findings[..] else { panic!("{:?}", reports[1]) };
    assert!(hole.quarantined);
    assert_eq!(hole.lost, [PartitionRange { partition: P0, first: 1, next: 2 }]);
    assert_eq!(reports[1].aside.len(), 1);
    // It goes on: producers are remembered, partitions and offsets too.
    log.open_stream(STREAM, 3).unwrap();
    assert!(append(&*log, stamped(batch(&[(P0, &["x"])]), "watch-8", 7)).unwrap().duplicate);
    let next = append(&*log, stamped(batch(&[(P2, &["x"])]), "watch-8", 8)).unwrap();
    assert_eq!((next.duplicate, next.ranges[0].first), (false, 1));
}

#[test]
fn a_torn_tail_of_the_fixture_is_cut_and_kept_aside() {
    let folder = copied();
    let last = segments(folder.path(), STREAM).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    let torn = &whole[whole.len() - 40..];
    fs::write(&last, [&whole, torn].concat()).unwrap();
    let log = open(folder.path()).unwrap();
    assert_eq!(lines_in(&log).unwrap(), expected());
    assert_eq!(fs::read(&last).unwrap(), whole);
    let aside = log.examine().unwrap()[0].aside.clone();
    assert_eq!(fs::read(&aside[0].path).unwrap(), torn);
    assert!(aside[0].path.extension().is_some_and(|extension| extension == "torn"));
}

/// Damages a segment of the fixture; the damage must be named, and everything that is still told must be right.
fn check_damaged(path: &Path, bytes: &[u8], what: &str) {
    let folder = copied();
    fs::write(folder.path().join("log/7").join(path.file_name().unwrap()), bytes).unwrap();
    let log = open(folder.path()).unwrap();
    let found = log.verify().unwrap();
    let named = found.iter().any(|finding| !finding.quarantined && finding.path.ends_with(path.file_name().unwrap()));
    assert!(named, "{what}: {found:?}");
    match log.open_stream(STREAM, 3) {
        Ok(()) => {}
        Err(LogError::Damaged { path: named, .. }) => assert_eq!(named.file_name(), path.file_name(), "{what}"),
        Err(error) => panic!("{what}: {error}"),
    }
    log.quarantine(STREAM).unwrap();
    log.open_stream(STREAM, 3).unwrap_or_else(|error| panic!("{what}: after quarantine: {error}"));
    let (left, all) = (lines_in(&log).unwrap_or_else(|error| panic!("{what}: {error}")), expected());
    assert!(left.iter().all(|line| all.contains(line)), "{what}: {left:?}");
}

#[test]
fn damaged_segments_of_the_fixture_are_named() {
    for path in segments(&fixture().join("data"), STREAM) {
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(41) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x20;
            check_damaged(&path, &bytes, &format!("{} byte {at}", path.display()));
        }
        for length in [0, 1, 31, 32, 33, whole.len() / 2, whole.len() - 1] {
            check_damaged(&path, &whole[..length], &format!("{} cut to {length}", path.display()));
        }
    }
}

#[test]
fn caches_of_the_fixture_are_made_again() {
    for (bytes, only) in
        [(&b""[..], "idx"), (&b"no index"[..], "idx"), (&b""[..], "committed"), (&[7; 32], "committed")]
    {
        let folder = copied();
        for stream in ["7", "8"] {
            for entry in fs::read_dir(folder.path().join("log").join(stream)).unwrap() {
                let path = entry.unwrap().path();
                if path.to_string_lossy().ends_with(only) {
                    fs::write(path, bytes).unwrap();
                }
            }
        }
        let log = open(folder.path()).unwrap();
        log.open_stream(STREAM, 3).unwrap();
        assert_eq!(lines_in(&log).unwrap(), expected(), "{only} {bytes:?}");
    }
}

#[test]
fn a_later_format_is_refused_by_name_and_left_alone() {
    for number in [1, 2, u64::MAX] {
        let folder = copied();
        let paths = segments(folder.path(), STREAM);
        let number = number.min(paths.len() as u64);
        let path = &paths[number as usize - 1];
        let mut bytes = fs::read(path).unwrap();
        let mut head = segment::head(Home { stream: STREAM, segment: number });
        assert_eq!(bytes[..32], head);
        head[8] = 2;
        let checksum = crc32fast::hash(&head[..28]);
        head[28..].copy_from_slice(&checksum.to_le_bytes());
        bytes[..32].copy_from_slice(&head);
        fs::write(path, &bytes).unwrap();
        let error = open(folder.path()).unwrap_err();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            matches!(&error, LogError::Invalid(text) if text.contains("version 2") && text.contains(&file)),
            "{error}"
        );
        assert_eq!(fs::read(path).unwrap(), bytes);
    }
}
