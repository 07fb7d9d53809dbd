//! Producers: a stamp is stored once, whatever comes when; gaps are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use futures::future::join_all;
use highwater_model::PartitionId;

use super::build::{STREAM, append, batch, read_all, stamped};
use super::{Case, Opener};
use crate::LogError;

const P0: PartitionId = PartitionId(0);

pub(super) const CASES: &[Case] = &[
    ("stamps_are_stored_once", stamps_are_stored_once),
    ("gaps_are_refused", gaps_are_refused),
    ("retries_in_flight_wait_for_the_original", retries_in_flight_wait_for_the_original),
    ("producers_survive", producers_survive),
    ("producers_are_apart", producers_are_apart),
];

fn stamps_are_stored_once(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    // A producer may be known from elsewhere: its first batch here has any number.
    let first = append(&*log, stamped(batch(&[(P0, &["a", "b"])]), "p", 41)).unwrap();
    let second = append(&*log, stamped(batch(&[(P0, &["c"])]), "p", 42)).unwrap();
    let again = append(&*log, stamped(batch(&[(P0, &["c"])]), "p", 42)).unwrap();
    assert!(again.duplicate && !first.duplicate && !second.duplicate);
    assert_eq!(again.ranges, second.ranges);
    let older = append(&*log, stamped(batch(&[(P0, &["a", "b"])]), "p", 41)).unwrap();
    assert!(older.duplicate && older.ranges.is_empty());
    assert_eq!(read_all(&*log, P0, 0), ["a", "b", "c"]);
}

fn gaps_are_refused(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, stamped(batch(&[(P0, &["a"])]), "p", 0)).unwrap();
    let error = append(&*log, stamped(batch(&[(P0, &["c"])]), "p", 2)).unwrap_err();
    assert!(matches!(error, LogError::SequenceGap { expected: 1, got: 2, .. }), "{error}");
    append(&*log, stamped(batch(&[(P0, &["b"])]), "p", 1)).unwrap();
    append(&*log, stamped(batch(&[(P0, &["c"])]), "p", 2)).unwrap();
    assert_eq!(read_all(&*log, P0, 0), ["a", "b", "c"]);
}

fn retries_in_flight_wait_for_the_original(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let mut waiting = Vec::new();
    for sequence in 0..50 {
        for _ in 0..3 {
            waiting.push(log.append(stamped(batch(&[(P0, &[&sequence.to_string()])]), "p", sequence)));
        }
    }
    let outcomes = block_on(join_all(waiting));
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.unwrap().duplicate, number % 3 != 0);
    }
    assert_eq!(read_all(&*log, P0, 0), (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
}

fn producers_survive(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let mut last = Vec::new();
    for sequence in 0..40 {
        last = append(&*log, stamped(batch(&[(P0, &["some text"])]), "p", sequence)).unwrap().ranges;
    }
    drop(log);
    let log = open();
    let again = append(&*log, stamped(batch(&[(P0, &["some text"])]), "p", 39)).unwrap();
    assert!(again.duplicate);
    assert_eq!(again.ranges, last);
    assert!(append(&*log, stamped(batch(&[(P0, &["x"])]), "p", 3)).unwrap().duplicate);
    assert!(matches!(
        append(&*log, stamped(batch(&[(P0, &["x"])]), "p", 41)),
        Err(LogError::SequenceGap { expected: 40, .. })
    ));
    assert!(!append(&*log, stamped(batch(&[(P0, &["x"])]), "p", 40)).unwrap().duplicate);
}

fn producers_are_apart(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    for producer in ["p", "q", "ä"] {
        assert!(!append(&*log, stamped(batch(&[(P0, &[producer])]), producer, 5)).unwrap().duplicate);
    }
    assert_eq!(read_all(&*log, P0, 0), ["p", "q", "ä"]);
}
