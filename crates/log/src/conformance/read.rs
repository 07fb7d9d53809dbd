//! Reading: from anywhere, in bites, at the end, and being woken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::thread;

use futures::FutureExt;
use futures::executor::block_on;
use highwater_model::PartitionId;

use super::build::{STREAM, append, batch, read_all, records};
use super::{Case, Opener};
use crate::{Append, Part};

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

pub(super) const CASES: &[Case] = &[
    ("reads_start_anywhere", reads_start_anywhere),
    ("reads_stop_near_max_bytes", reads_stop_near_max_bytes),
    ("any_bytes_come_back", any_bytes_come_back),
    ("progress_wakes_readers", progress_wakes_readers),
    ("readers_follow_writers", readers_follow_writers),
];

fn reads_start_anywhere(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 2).unwrap();
    let mut expected = Vec::new();
    for number in 0..60 {
        let texts: Vec<String> = (0..=number % 4).map(|i| format!("{number}.{i}")).collect();
        let other = format!("other {number}");
        append(&*log, batch(&[(P1, &[&other]), (P0, &texts.iter().map(String::as_str).collect::<Vec<_>>())])).unwrap();
        expected.extend(texts);
    }
    for from in 0..=expected.len() {
        assert_eq!(read_all(&*log, P0, from as u64), expected[from..]);
    }
    assert_eq!(log.read(STREAM, P0, expected.len() as u64 + 5, 1).unwrap(), [], "beyond the end is empty");
}

fn reads_stop_near_max_bytes(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    for _ in 0..10 {
        append(&*log, batch(&[(P0, &["0123456789"])])).unwrap();
    }
    let count = |max_bytes| log.read(STREAM, P0, 0, max_bytes).unwrap().len();
    assert_eq!(count(0), 1, "at least one block when there is any");
    assert_eq!(count(10), 1);
    assert_eq!(count(25), 3);
    assert_eq!(count(usize::MAX), 10);
}

fn any_bytes_come_back(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let compressible = b"again and again ".repeat(5_000);
    let noise: Vec<u8> =
        (0..50_000_u32).map(|i| (i.wrapping_mul(2_654_435_761).rotate_left(i % 31) >> 13) as u8).collect();
    let all: Vec<u8> = (0..=255).collect();
    let texts = [compressible, noise, all, Vec::new(), b"HWBL".to_vec()];
    let parts = vec![Part { partition: P0, records: records(&texts) }];
    append(&*log, Append { stream: STREAM, ingested_at_micros: -77, stamp: None, parts }).unwrap();
    drop(log);
    let log = open();
    let block = &log.read(STREAM, P0, 0, 1).unwrap()[0];
    assert_eq!(block.ingested_at_micros, -77);
    assert_eq!(block.records.iter().collect::<Vec<_>>(), texts.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

fn progress_wakes_readers(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let seen = log.progress();
    let woken = log.progressed(seen);
    let reader = {
        let log = Arc::clone(&log);
        thread::spawn(move || {
            block_on(woken);
            log.bounds(STREAM, P0).unwrap().next
        })
    };
    append(&*log, batch(&[(P0, &["a"])])).unwrap();
    assert_eq!(reader.join().unwrap(), 1);
    assert!(log.progress() > seen);
    assert!(log.progressed(seen).now_or_never().is_some());
    assert!(log.progressed(log.progress()).now_or_never().is_none());
}

fn readers_follow_writers(open: Opener<'_>) {
    const BATCHES: u64 = 100;
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..BATCHES {
                append(&*log, batch(&[(P0, &[&number.to_string()])])).unwrap();
            }
        });
        let mut next = 0;
        while next < BATCHES {
            let seen = log.progress();
            let blocks = log.read(STREAM, P0, next, 1 << 20).unwrap();
            if blocks.is_empty() {
                block_on(log.progressed(seen));
            }
            for block in blocks {
                for record in block.records.iter() {
                    assert_eq!(record, next.to_string().as_bytes());
                    next += 1;
                }
            }
        }
    });
}
