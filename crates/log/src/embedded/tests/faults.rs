//! Devices that fail: full disks, failed and short writes, failed flushes, and more work than the queue takes.

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;

use super::super::LogSettings;
use super::{P0, open_simulated, small};
use crate::conformance::build::{STREAM, append, batch, read_all, stamped};
use crate::storage::simulated::{Fault, SimulatedStorage};
use crate::{Log, LogError};

fn texts(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

#[test]
fn failed_writes_lose_nothing_and_appends_go_on() {
    for fault in [Fault::Full, Fault::ShortThenFull, Fault::WriteFails] {
        let storage = SimulatedStorage::new();
        let log = open_simulated(&storage, LogSettings { segment_bytes: 300, ..small() }).unwrap();
        log.open_stream(STREAM, 1).unwrap();
        for number in 0..40 {
            let text = number.to_string();
            let next = || stamped(batch(&[(P0, &[&text])]), "p", number);
            storage.fail(Some(fault));
            let error = append(&*log, next()).unwrap_err();
            match fault {
                Fault::WriteFails => assert!(matches!(error, LogError::Io { .. }), "{error}"),
                _ => assert!(matches!(error, LogError::StorageFull { .. }), "{error}"),
            }
            assert_eq!(log.bounds(STREAM, P0).unwrap().next, number);
            storage.fail(None);
            assert_eq!(append(&*log, next()).unwrap().ranges[0].first, number);
        }
        assert_eq!(read_all(&*log, P0, 0), texts(0, 40));
        drop(log);
        let log = open_simulated(&storage, small()).unwrap();
        assert_eq!(read_all(&*log, P0, 0), texts(0, 40));
        assert_eq!(log.verify().unwrap(), []);
    }
}

#[test]
fn nothing_passes_a_failed_batch_of_the_same_producer() {
    let storage = SimulatedStorage::new();
    let log = open_simulated(&storage, small()).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    storage.fail(Some(Fault::Full));
    storage.hold_writes(true);
    let next = |number: u64| stamped(batch(&[(P0, &[&number.to_string()])]), "p", number);
    // The last is a retry of one on its way: it fails with it.
    let waiting: Vec<_> = [5, 6, 7, 7].map(|number| log.append(next(number))).into();
    storage.hold_writes(false);
    for outcome in block_on(join_all(waiting)) {
        assert!(matches!(outcome, Err(LogError::StorageFull { .. })));
    }
    storage.fail(None);
    let error = append(&*log, next(6)).unwrap_err();
    assert!(matches!(error, LogError::SequenceGap { expected: 5, got: 6, .. }), "{error}");
    for number in 5..8 {
        assert!(!append(&*log, next(number)).unwrap().duplicate);
    }
    assert_eq!(read_all(&*log, P0, 0), texts(5, 8));
}

#[test]
fn a_failed_flush_ends_all_appends_until_reopened() {
    for fault in [Fault::FlushFails, Fault::FullAndStuck] {
        let storage = SimulatedStorage::new();
        let log = open_simulated(&storage, small()).unwrap();
        log.open_stream(STREAM, 1).unwrap();
        append(&*log, batch(&[(P0, &["0"])])).unwrap();
        storage.fail(Some(fault));
        storage.hold_writes(true);
        let waiting: Vec<_> = (0..3).map(|_| log.append(batch(&[(P0, &["lost"])]))).collect();
        storage.hold_writes(false);
        for outcome in block_on(join_all(waiting)) {
            assert!(matches!(outcome, Err(LogError::Poisoned { .. })));
        }
        storage.fail(None);
        let error = append(&*log, batch(&[(P0, &["later"])])).unwrap_err();
        assert!(matches!(error, LogError::Poisoned { .. }), "{error}");
        assert!(matches!(log.open_stream(STREAM, 2), Err(LogError::Poisoned { .. })));
        assert_eq!(read_all(&*log, P0, 0), ["0"], "what is durable can be read");
        drop(log);
        let log = open_simulated(&storage, small()).unwrap();
        append(&*log, batch(&[(P0, &["on"])])).unwrap();
        let found = read_all(&*log, P0, 0);
        assert!(found[0] == "0" && found[found.len() - 1] == "on" && !found.contains(&"later".to_owned()), "{found:?}");
    }
}

#[test]
fn a_full_queue_refuses_and_recovers() {
    let storage = SimulatedStorage::new();
    let settings = LogSettings { queue_bytes: 1_000, compress: false, ..LogSettings::default() };
    let log = open_simulated(&storage, settings).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    let large = "x".repeat(5_000);
    append(&*log, batch(&[(P0, &[&large])])).unwrap();
    storage.hold_writes(true);
    let mut waiting = Vec::new();
    let refused = loop {
        let mut outcome = log.append(batch(&[(P0, &["y".repeat(100).as_str()])]));
        match (&mut outcome).now_or_never() {
            Some(outcome) => break outcome,
            None => waiting.push(outcome),
        }
        assert!(waiting.len() < 20);
    };
    assert!(matches!(refused, Err(LogError::Overloaded { queued_bytes }) if queued_bytes <= 1_000));
    storage.hold_writes(false);
    assert!(block_on(join_all(waiting)).into_iter().all(|outcome| outcome.is_ok()));
    append(&*log, batch(&[(P0, &["z"])])).unwrap();
}

#[test]
fn dropping_the_log_writes_what_waits() {
    let storage = SimulatedStorage::new();
    let log = open_simulated(&storage, small()).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    let waiting: Vec<_> = (0..50).map(|number| log.append(batch(&[(P0, &[&number.to_string()])]))).collect();
    drop(log);
    assert!(block_on(join_all(waiting)).into_iter().all(|outcome| outcome.is_ok()));
    assert_eq!(read_all(&*open_simulated(&storage, small()).unwrap(), P0, 0), texts(0, 50));
}
