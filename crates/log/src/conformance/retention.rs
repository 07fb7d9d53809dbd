//! Trimming: readers are told, nothing that must be kept goes, offsets go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use highwater_model::PartitionId;

use super::build::{STREAM, append, batch, read_all};
use super::{Case, Opener};
use crate::{Bounds, LogError};

const P0: PartitionId = PartitionId(0);

pub(super) const CASES: &[Case] = &[
    ("trimming_is_told", trimming_is_told),
    ("what_must_be_kept_is_kept", what_must_be_kept_is_kept),
    ("young_and_small_is_kept", young_and_small_is_kept),
];

fn trimming_is_told(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let text = "x".repeat(200);
    for number in 0..100 {
        let mut append_me = batch(&[(P0, &[&text])]);
        append_me.ingested_at_micros = number;
        append(&*log, append_me).unwrap();
    }
    log.trim(STREAM, Some(50), None, &|_| u64::MAX).unwrap();
    let Bounds { earliest, next } = log.bounds(STREAM, P0).unwrap();
    assert!(earliest <= 50 && next == 100, "nothing younger goes");
    if earliest > 0 {
        let error = log.read(STREAM, P0, earliest - 1, 1).unwrap_err();
        assert!(matches!(error, LogError::Truncated { from, earliest: e, .. } if from + 1 == e && e == earliest));
    }
    assert_eq!(read_all(&*log, P0, earliest).len() as u64, 100 - earliest);
    drop(log);
    let log = open();
    assert_eq!(log.bounds(STREAM, P0).unwrap(), Bounds { earliest, next });
    log.trim(STREAM, None, Some(0), &|_| u64::MAX).unwrap();
    let bounds = log.bounds(STREAM, P0).unwrap();
    assert!(bounds.earliest >= earliest && bounds.next == 100);
    let outcome = append(&*log, batch(&[(P0, &["on"])])).unwrap();
    assert_eq!(outcome.ranges[0].first, 100, "offsets are never used again");
    drop(log);
    let log = open();
    assert_eq!(log.bounds(STREAM, P0).unwrap().next, 101);
}

fn what_must_be_kept_is_kept(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let text = "x".repeat(200);
    for _ in 0..100 {
        append(&*log, batch(&[(P0, &[&text])])).unwrap();
    }
    log.trim(STREAM, Some(i64::MAX), Some(0), &|partition| if partition == P0 { 30 } else { 0 }).unwrap();
    let bounds = log.bounds(STREAM, P0).unwrap();
    assert!(bounds.earliest <= 30);
    assert_eq!(read_all(&*log, P0, 30).len(), 70);
}

fn young_and_small_is_kept(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    for _ in 0..20 {
        append(&*log, batch(&[(P0, &["text"])])).unwrap();
    }
    log.trim(STREAM, None, None, &|_| u64::MAX).unwrap();
    log.trim(STREAM, Some(1_000), Some(u64::MAX), &|_| u64::MAX).unwrap();
    assert_eq!(log.bounds(STREAM, P0).unwrap(), Bounds { earliest: 0, next: 20 });
}
