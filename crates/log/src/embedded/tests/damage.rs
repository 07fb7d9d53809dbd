//! Damage: every byte of a small data folder flipped in turn, files cut and removed; and what quarantine leaves.

use std::path::{Path, PathBuf};

use highwater_model::{PartitionId, PartitionRange};

use super::super::{EmbeddedLog, Finding, LogSettings};
use super::{P0, P1, open_simulated, small};
use crate::conformance::build::{STREAM, append, batch, stamped, try_read_all};
use crate::storage::simulated::{SimulatedStorage, Survival};
use crate::{Log, LogError};

/// A storage with three segments or one, by the settings, and what is in partition 0.
fn fill(settings: LogSettings) -> (SimulatedStorage, Vec<String>) {
    let storage = SimulatedStorage::new();
    let log = open_simulated(&storage, settings).unwrap();
    log.open_stream(STREAM, 2).unwrap();
    let texts: Vec<String> = (0..14).map(|number| format!("record {number} {}", "ab".repeat(20))).collect();
    for (number, text) in texts.iter().enumerate() {
        let parts: &[(_, &[&str])] = &[(P1, &["other"]), (P0, &[text])];
        append(&*log, stamped(batch(parts), "p", number as u64)).unwrap();
    }
    drop(log);
    (storage, texts)
}

fn copy(storage: &SimulatedStorage) -> SimulatedStorage {
    storage.after_power_cut(storage.operations(), Survival::All)
}

fn segments(storage: &SimulatedStorage) -> Vec<PathBuf> {
    storage.paths().into_iter().filter(|path| is_segment(path)).collect()
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

/// Whether damage was reported. Panics if anything is silently wrong.
fn refused_or_right(storage: &SimulatedStorage, settings: LogSettings, texts: &[String], what: &str) -> bool {
    let log = match open_simulated(storage, settings) {
        Ok(log) => log,
        Err(LogError::Damaged { .. } | LogError::Invalid(_)) => return true,
        Err(error) => panic!("{what}: {error}"),
    };
    let opened = log.open_stream(STREAM, 2);
    let damaged = matches!(opened, Err(LogError::Damaged { .. }));
    assert!(damaged || opened.is_ok(), "{what}: {opened:?}");
    let next = match log.bounds(STREAM, P0) {
        Ok(bounds) => bounds.next,
        Err(LogError::UnknownPartition { .. }) if damaged => return true,
        Err(error) => panic!("{what}: {error}"),
    };
    assert!(damaged || next == texts.len() as u64, "{what}: {next} records, and no word of damage");
    let mut unread = false;
    for (offset, text) in texts.iter().enumerate().take(next as usize) {
        match log.read(STREAM, P0, offset as u64, 1) {
            Ok(blocks) => assert_eq!(blocks[0].records.get(0), text.as_bytes(), "{what}: offset {offset}"),
            Err(LogError::Damaged { .. }) => unread = true,
            Err(error) => panic!("{what}: offset {offset}: {error}"),
        }
    }
    if !damaged {
        let again = append(&*log, stamped(batch(&[(P0, &["x"])]), "p", texts.len() as u64 - 1)).unwrap();
        assert!(again.duplicate, "{what}");
    }
    let found = !log.verify().unwrap().is_empty();
    assert!(found || !unread, "{what}: verify must find what reading finds");
    damaged || unread || found
}

fn flip_every_byte(settings: &LogSettings, masks: &[u8]) {
    let (whole, texts) = fill(settings.clone());
    for path in whole.paths() {
        let bytes = whole.contents(&path).unwrap();
        for (at, mask) in (0..bytes.len()).flat_map(|at| masks.iter().map(move |mask| (at, *mask))) {
            let what = format!("{} byte {at} ^ {mask:#x}", path.display());
            let broken = copy(&whole);
            let mut flipped = bytes.clone();
            flipped[at] ^= mask;
            broken.tamper(&path, Some(flipped));
            let reported = refused_or_right(&broken, settings.clone(), &texts, &what);
            assert_eq!(reported, is_segment(&path), "{what}: an index or sidecar is made again, a segment is not");
        }
    }
}

#[test]
fn flipped_bytes_are_never_silent_in_one_segment() {
    flip_every_byte(&LogSettings::default(), &[0xff, 0x01, 0x80, 0x10]);
}

#[test]
fn flipped_bytes_are_never_silent_in_sealed_segments() {
    flip_every_byte(&small(), &[0x40, 0x02, 0xff]);
}

#[test]
fn cut_and_missing_files_are_damage() {
    for settings in [LogSettings::default(), small()] {
        let (whole, texts) = fill(settings.clone());
        for (number, path) in segments(&whole).iter().enumerate() {
            let bytes = whole.contents(path).unwrap();
            for left in 0..bytes.len() {
                let broken = copy(&whole);
                broken.tamper(path, Some(bytes[..left].to_vec()));
                let what = format!("{} cut to {left} bytes", path.display());
                assert!(refused_or_right(&broken, settings.clone(), &texts, &what), "{what}");
            }
            // The oldest segment may have been trimmed; any other is missed.
            if number > 0 {
                let broken = copy(&whole);
                broken.tamper(path, None);
                assert!(refused_or_right(&broken, settings.clone(), &texts, "missing"), "{} missing", path.display());
            }
        }
    }
}

#[test]
fn torn_tails_are_cut_and_kept_aside() {
    let (storage, texts) = fill(LogSettings::default());
    let segment = &segments(&storage)[0];
    let bytes = storage.contents(segment).unwrap();
    let tail = [&bytes[bytes.len() - 60..], b"half a block"].concat();
    storage.tamper(segment, Some([bytes.as_slice(), &tail].concat()));
    let log = open_simulated(&storage, LogSettings::default()).unwrap();
    log.open_stream(STREAM, 2).unwrap();
    assert_eq!(try_read_all(&*log, P0, 0).unwrap(), texts);
    let torn = storage.paths().into_iter().find(|path| path.extension().is_some_and(|e| e == "torn")).unwrap();
    assert_eq!(storage.contents(&torn).unwrap(), tail);
    assert_eq!(storage.contents(segment).unwrap(), bytes);
}

#[test]
fn a_torn_tail_without_the_sidecar_is_not_cut() {
    let (storage, _) = fill(LogSettings::default());
    let segment = &segments(&storage)[0];
    let bytes = storage.contents(segment).unwrap();
    storage.tamper(segment, Some(bytes[..bytes.len() - 1].to_vec()));
    let sidecar = storage.paths().into_iter().find(|path| path.ends_with("committed")).unwrap();
    storage.tamper(&sidecar, None);
    for _ in 0..2 {
        let log = open_simulated(&storage, LogSettings::default()).unwrap();
        assert!(matches!(log.open_stream(STREAM, 2), Err(LogError::Damaged { .. })));
        assert_eq!(storage.contents(segment).unwrap().len(), bytes.len() - 1);
    }
}

#[test]
fn quarantine_leaves_a_hole_and_goes_on() {
    for settings in [LogSettings::default(), small()] {
        let (whole, texts) = fill(settings.clone());
        for path in segments(&whole) {
            let bytes = whole.contents(&path).unwrap();
            for at in 0..bytes.len() {
                let broken = copy(&whole);
                let mut flipped = bytes.clone();
                flipped[at] ^= 0xff;
                broken.tamper(&path, Some(flipped));
                give_up_and_go_on(&broken, &settings, &texts, &format!("{} byte {at}", path.display()));
                let broken = copy(&whole);
                broken.tamper(&path, Some(bytes[..at].to_vec()));
                give_up_and_go_on(&broken, &settings, &texts, &format!("{} cut to {at}", path.display()));
            }
        }
    }
}

fn give_up_and_go_on(storage: &SimulatedStorage, settings: &LogSettings, texts: &[String], what: &str) {
    let log = open_simulated(storage, settings.clone()).unwrap();
    let unknown = log.bounds(STREAM, P0).is_err();
    let found = log.quarantine(STREAM).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!found.is_empty(), "{what}");
    log.open_stream(STREAM, 2).unwrap_or_else(|error| panic!("{what}: after quarantine: {error}"));
    let lost: u64 =
        found.iter().flat_map(|found| &found.lost).filter(|lost| lost.partition == P0).map(|l| l.len()).sum();
    let first_new = append(&*log, stamped(batch(&[(P0, &["new"])]), "p", 14)).unwrap().ranges[0].first;
    assert!(first_new >= texts.len() as u64, "{what}: offset {first_new} is given twice");
    drop(log);
    let log = open_simulated(storage, settings.clone()).unwrap();
    log.open_stream(STREAM, 2).unwrap_or_else(|error| panic!("{what}: reopened: {error}"));
    let again = log.verify().unwrap();
    assert!(again.iter().all(|finding| finding.quarantined), "{what}: {again:?}");
    let mut missing = 0;
    let from = log.bounds(STREAM, P0).unwrap().earliest;
    for (offset, text) in texts.iter().enumerate().skip(from as usize) {
        match log.read(STREAM, P0, offset as u64, 1) {
            Ok(blocks) => assert_eq!(blocks[0].records.get(0), text.as_bytes(), "{what}: offset {offset}"),
            Err(LogError::Damaged { .. }) => missing += 1,
            Err(error) => panic!("{what}: offset {offset}: {error}"),
        }
    }
    // Where nothing at all is left, not even the partitions are known.
    let untold = unknown || found.iter().any(|found| found.untold.contains(&P0));
    assert!(untold || missing + from <= lost, "{what}: {missing} missing, {lost} said to be lost, from {from}");
    assert_eq!(try_read_all(&*log, P0, first_new).unwrap(), ["new"], "{what}");
    assert_eq!(leaving_out(&log, from), texts.len() as u64 - from - missing + 1, "{what}: reading on behind holes");
}

/// How many records of partition 0 there are from an offset on, leaving out what was given up.
fn leaving_out(log: &EmbeddedLog, from: u64) -> u64 {
    let (mut next, mut found) = (from, 0);
    while next < log.bounds(STREAM, P0).unwrap().next {
        match log.read(STREAM, P0, next, 1) {
            Ok(blocks) => {
                assert_eq!(log.after_hole(STREAM, P0, next).unwrap(), None);
                let records: u64 = blocks.iter().map(|block| block.records.len() as u64).sum();
                (next, found) = (next + records, found + records);
            }
            Err(LogError::Damaged { .. }) => next = log.after_hole(STREAM, P0, next).unwrap().unwrap(),
            Err(error) => panic!("offset {next}: {error}"),
        }
    }
    found
}

/// One batch a partition in turn; the header of the `broken`th is made unreadable.
fn alternating(batches: u64, broken: usize) -> Vec<Finding> {
    let storage = SimulatedStorage::new();
    let log = open_simulated(&storage, LogSettings::default()).unwrap();
    log.open_stream(STREAM, 2).unwrap();
    for number in 0..batches {
        append(&*log, batch(&[(if number % 2 == 0 { P0 } else { P1 }, &["some", "record"])])).unwrap();
    }
    drop(log);
    let segment = &segments(&storage)[0];
    let mut bytes = storage.contents(segment).unwrap();
    let blocks: Vec<usize> = (0..bytes.len() - 4).filter(|at| &bytes[*at..*at + 4] == b"HWBL").collect();
    // The first two are the states of one and of two partitions.
    bytes[blocks[blocks.len() - batches as usize + broken] + 9] ^= 0x55;
    storage.tamper(segment, Some(bytes));
    open_simulated(&storage, LogSettings::default()).unwrap().verify().unwrap()
}

#[test]
fn findings_name_exactly_what_is_lost() {
    let range = |partition, first, next| PartitionRange { partition, first, next };
    let found = alternating(8, 4);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].lost, [range(P0, 4, 6)], "told by the next but one batch");
    assert_eq!(found[0].untold, [PartitionId::REJECTS]);
    let found = alternating(8, 7);
    assert_eq!((found[0].lost.len(), &found[0].untold[..]), (0, &[P0, P1, PartitionId::REJECTS][..]), "{found:?}");
}

#[test]
fn missing_segments_are_found_and_not_forgotten_by_quarantine() {
    let (whole, texts) = fill(small());
    let all = segments(&whole);
    for (number, path) in all.iter().enumerate().skip(1) {
        let broken = copy(&whole);
        broken.tamper(path, None);
        for _ in 0..2 {
            let log = open_simulated(&broken, small()).unwrap();
            let found = log.verify().unwrap();
            assert!(found.iter().any(|finding| finding.path == *path && !finding.repairable), "{found:?}");
            let last = number + 1 == all.len();
            assert_eq!(found.iter().flat_map(|finding| &finding.lost).next().is_none(), last, "{found:?}");
            log.quarantine(STREAM).unwrap();
            assert!(matches!(log.open_stream(STREAM, 2), Err(LogError::Damaged { .. })));
        }
        assert!(!texts.is_empty());
    }
}

#[test]
fn reports_count_what_is_there() {
    for settings in [LogSettings::default(), small()] {
        let (whole, texts) = fill(settings.clone());
        let log = open_simulated(&whole, settings).unwrap();
        let report = log.examine().unwrap().remove(0);
        assert_eq!((report.findings.len(), report.aside.len(), report.segments), (0, 0, segments(&whole).len() as u64));
        assert_eq!(report.bytes, log.size(STREAM).unwrap().bytes);
        for partition in &report.partitions {
            assert_eq!((partition.bounds.earliest, partition.records), (0, texts.len() as u64));
            assert!(partition.bytes > 0 && partition.bytes < report.bytes);
        }
    }
}
