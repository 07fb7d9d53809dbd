//! Power cuts behind every single operation of a history that holds all there is (groups, new segments, growing,
//! trimming, reopening), in many legal states each, and again behind the operations of the recovery itself.

use std::sync::Arc;

use futures::executor::block_on;
use futures::future::join_all;

use super::super::EmbeddedLog;
use super::{P0, P1, open_simulated, small};
use crate::conformance::build::{STREAM, append, batch, stamped, try_read_all};
use crate::storage::simulated::{SimulatedStorage, Survival};
use crate::{Append, Log};

/// The `number`th batch of the history: whole or not at all, in two partitions.
fn nth(number: u64) -> Append {
    let texts: Vec<String> =
        (0..=number % 3).map(|i| format!("{number}.{i} {}", "x".repeat(number as usize * 13 % 90))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    stamped(batch(&[(P0, &texts), (P1, &[&format!("{number}")])]), "p", number)
}

/// What happened: how many operations had been done when so many batches were acknowledged.
struct History {
    storage: SimulatedStorage,
    opened_at: usize,
    acknowledged_at: Vec<usize>,
}

impl History {
    fn acknowledged(&self, operations: usize) -> u64 {
        self.acknowledged_at.iter().filter(|at| **at <= operations).count() as u64
    }

    fn append(&mut self, log: &EmbeddedLog) {
        append(log, nth(self.acknowledged_at.len() as u64)).unwrap();
        self.acknowledged_at.push(self.storage.operations());
    }

    /// Several batches in as few flushes as the log can.
    fn append_group(&mut self, log: &EmbeddedLog, count: u64) {
        let first = self.acknowledged_at.len() as u64;
        self.storage.hold_writes(true);
        let waiting: Vec<_> = (first..first + count).map(|number| log.append(nth(number))).collect();
        self.storage.hold_writes(false);
        for outcome in block_on(join_all(waiting)) {
            outcome.unwrap();
            self.acknowledged_at.push(self.storage.operations());
        }
    }
}

fn history() -> History {
    let storage = SimulatedStorage::new();
    let mut history = History { storage: storage.clone(), opened_at: 0, acknowledged_at: Vec::new() };
    let log = open_simulated(&storage, small()).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    log.open_stream(STREAM, 2).unwrap();
    history.opened_at = storage.operations();
    history.append(&log);
    history.append(&log);
    history.append_group(&log, 5);
    for _ in 0..12 {
        history.append(&log);
    }
    let keep = log.bounds(STREAM, P0).unwrap().next / 2;
    log.trim(STREAM, None, Some(0), &|_| keep).unwrap();
    log.open_stream(STREAM, 3).unwrap();
    history.append(&log);
    drop(log);
    let log = open_simulated(&storage, small()).unwrap();
    history.append_group(&log, 4);
    log.trim(STREAM, Some(i64::MAX), None, &|_| u64::MAX).unwrap();
    history.append_group(&log, 3);
    history
}

/// Opens what the power cut left and holds it against the history. Returns how many operations recovery took.
fn check(storage: &SimulatedStorage, acknowledged: u64, total: u64, opened: bool, what: &str) -> usize {
    let log = open_simulated(storage, small()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let recovery = storage.operations();
    if !opened && log.streams().is_empty() {
        return recovery;
    }
    assert_eq!(log.streams(), [STREAM], "{what}");
    log.open_stream(STREAM, 2).unwrap_or_else(|error| panic!("{what}: {error}"));
    let stored = whole_batches(&log, total, what);
    assert!(stored >= acknowledged, "{what}: {acknowledged} were acknowledged, {stored} are there");
    // The producer sends again from the first batch it has no answer for.
    for number in acknowledged.saturating_sub(1)..total {
        let outcome = append(&*log, nth(number)).unwrap_or_else(|error| panic!("{what}: batch {number}: {error}"));
        assert_eq!(outcome.duplicate, number < stored, "{what}: batch {number}");
    }
    assert_eq!(whole_batches(&log, total, what), total, "{what}");
    assert!(log.verify().unwrap().is_empty(), "{what}");
    recovery
}

/// Checks that the log holds exactly the first batches of the history, less what was trimmed; returns how many.
fn whole_batches(log: &Arc<EmbeddedLog>, total: u64, what: &str) -> u64 {
    let mut expected: [Vec<String>; 2] = Default::default();
    let stored = log.bounds(STREAM, P1).unwrap().next;
    assert!(stored <= total, "{what}");
    for number in 0..stored {
        for (part, texts) in nth(number).parts.iter().zip(&mut expected) {
            texts.extend(part.records.iter().map(|record| String::from_utf8_lossy(record).into_owned()));
        }
    }
    for (partition, texts) in [P0, P1].into_iter().zip(&expected) {
        let bounds = log.bounds(STREAM, partition).unwrap();
        assert_eq!(bounds.next, texts.len() as u64, "{what}: partition {partition}");
        let found = try_read_all(&**log, partition, bounds.earliest).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(found, texts[bounds.earliest as usize..], "{what}: partition {partition}");
    }
    stored
}

fn survivals(seed: usize) -> Vec<Survival> {
    let seeds = (0..4).map(|i| Survival::Some((seed * 4 + i) as u64));
    [Survival::All, Survival::None, Survival::NamesOnly, Survival::DataOnly].into_iter().chain(seeds).collect()
}

#[test]
fn every_power_cut_keeps_what_was_acknowledged() {
    let history = history();
    let total = history.acknowledged_at.len() as u64;
    let operations = history.storage.operations();
    assert!(operations > 100, "the history is long enough to mean something: {operations}");
    for cut in 0..=operations {
        for survival in survivals(cut) {
            let what = format!("cut behind operation {cut}, {survival:?}");
            let storage = history.storage.after_power_cut(cut, survival);
            check(&storage, history.acknowledged(cut), total, cut >= history.opened_at, &what);
        }
    }
}

#[test]
fn power_cuts_in_recovery_lose_nothing_either() {
    let history = history();
    let total = history.acknowledged_at.len() as u64;
    for cut in (0..=history.storage.operations()).step_by(3) {
        let (acknowledged, opened) = (history.acknowledged(cut), cut >= history.opened_at);
        let survival = Survival::Some(cut as u64);
        let storage = history.storage.after_power_cut(cut, survival);
        let recovery = {
            drop(open_simulated(&storage, small()).unwrap());
            storage.operations()
        };
        for second in 0..=recovery {
            for again in [Survival::None, Survival::All, Survival::Some(second as u64)] {
                let what = format!("cut behind operation {cut}, {survival:?}, then {second} of recovery, {again:?}");
                check(&storage.after_power_cut(second, again), acknowledged, total, opened, &what);
            }
        }
    }
}
