//! Appending: density, order, all or nothing, what is refused, streams and partitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;
use highwater_model::{ObjectId, PartitionId, PartitionRange};

use super::build::{STREAM, append, batch, read_all, stamped};
use super::{Case, Opener};
use crate::{Append, LogError, StreamSize};

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);
const REJECTS: PartitionId = PartitionId::REJECTS;

pub(super) const CASES: &[Case] = &[
    ("offsets_are_dense_and_survive", offsets_are_dense_and_survive),
    ("unawaited_appends_keep_call_order", unawaited_appends_keep_call_order),
    ("concurrent_appends_are_dense", concurrent_appends_are_dense),
    ("dropping_the_future_undoes_nothing", dropping_the_future_undoes_nothing),
    ("empty_batches_are_fine", empty_batches_are_fine),
    ("what_is_unknown_is_refused", what_is_unknown_is_refused),
    ("limits_are_refused", limits_are_refused),
    ("partitions_grow_and_never_shrink", partitions_grow_and_never_shrink),
    ("dropped_streams_are_gone", dropped_streams_are_gone),
    ("sizes_are_counted", sizes_are_counted),
];

fn range(partition: PartitionId, first: u64, next: u64) -> PartitionRange {
    PartitionRange { partition, first, next }
}

fn offsets_are_dense_and_survive(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 2).unwrap();
    let first = append(&*log, batch(&[(P0, &["a", "b"]), (REJECTS, &["bad"]), (P1, &["x"])])).unwrap();
    assert!(!first.duplicate);
    assert_eq!(first.ranges, [range(P0, 0, 2), range(REJECTS, 0, 1), range(P1, 0, 1)]);
    let second = append(&*log, batch(&[(P1, &["y"]), (P0, &["c"]), (P1, &["z"])])).unwrap();
    assert_eq!(second.ranges, [range(P1, 1, 2), range(P0, 2, 3), range(P1, 2, 3)]);
    assert_eq!(read_all(&*log, P0, 0), ["a", "b", "c"]);
    assert_eq!(read_all(&*log, P1, 1), ["y", "z"]);
    assert_eq!(read_all(&*log, REJECTS, 0), ["bad"]);
    drop(log);
    let log = open();
    assert_eq!(log.streams(), [STREAM]);
    assert_eq!(read_all(&*log, P0, 0), ["a", "b", "c"]);
    assert_eq!(log.bounds(STREAM, P1).unwrap().next, 3);
    let third = append(&*log, batch(&[(P0, &["d"])])).unwrap();
    assert_eq!(third.ranges, [range(P0, 3, 4)]);
}

fn unawaited_appends_keep_call_order(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    let texts: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let futures: Vec<_> = texts.iter().map(|text| log.append(batch(&[(P0, &[text.as_str()])]))).collect();
    for (number, outcome) in block_on(join_all(futures)).into_iter().enumerate() {
        assert_eq!(outcome.unwrap().ranges, [range(P0, number as u64, number as u64 + 1)]);
    }
    assert_eq!(read_all(&*log, P0, 0), texts);
}

fn concurrent_appends_are_dense(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 2).unwrap();
    thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..25 {
                    let text = format!("{writer}-{number}");
                    let outcome = append(&**log, batch(&[(P0, &[&text]), (P1, &[&text])])).unwrap();
                    let at = outcome.ranges[0].first;
                    let block = &log.read(STREAM, P0, at, 1).unwrap()[0];
                    assert_eq!(block.records.get(0), text.as_bytes(), "acknowledged is readable at its offset");
                }
            });
        }
    });
    let found = read_all(&*log, P0, 0);
    assert_eq!(found.len(), 100);
    assert_eq!(found, read_all(&*log, P1, 0), "batches are whole and in one order in all partitions");
    for writer in 0..4 {
        let own: Vec<_> = found.iter().filter(|text| text.starts_with(&format!("{writer}-"))).collect();
        let expected: Vec<_> = (0..25).map(|number| format!("{writer}-{number}")).collect();
        assert_eq!(own, expected.iter().collect::<Vec<_>>());
    }
}

fn dropping_the_future_undoes_nothing(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    drop(log.append(batch(&[(P0, &["a"])])));
    append(&*log, batch(&[(P0, &["b"])])).unwrap();
    assert_eq!(read_all(&*log, P0, 0), ["a", "b"]);
}

fn empty_batches_are_fine(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, batch(&[])).unwrap();
    let outcome = append(&*log, stamped(batch(&[(P0, &[])]), "p", 0)).unwrap();
    assert_eq!(outcome.ranges, [range(P0, 0, 0)]);
    append(&*log, batch(&[(P0, &["", "", "a", ""])])).unwrap();
    drop(log);
    let log = open();
    assert_eq!(read_all(&*log, P0, 0), ["", "", "a", ""]);
    assert_eq!(read_all(&*log, P0, 3), [""]);
    assert!(append(&*log, stamped(batch(&[(P0, &[])]), "p", 0)).unwrap().duplicate);
}

fn what_is_unknown_is_refused(open: Opener<'_>) {
    let log = open();
    let error = append(&*log, batch(&[(P0, &["a"])])).unwrap_err();
    assert!(matches!(error, LogError::UnknownStream(STREAM)), "{error}");
    assert!(matches!(log.read(STREAM, P0, 0, 1), Err(LogError::UnknownStream(_))));
    assert!(matches!(log.drop_stream(STREAM), Err(LogError::UnknownStream(_))));
    log.open_stream(STREAM, 1).unwrap();
    let error = append(&*log, batch(&[(P0, &["a"]), (P1, &["b"])])).unwrap_err();
    assert!(matches!(error, LogError::UnknownPartition { partition: P1, .. }), "{error}");
    assert!(matches!(log.bounds(STREAM, P1), Err(LogError::UnknownPartition { .. })));
    assert_eq!(read_all(&*log, P0, 0).len(), 0, "a refused batch leaves nothing");
}

fn limits_are_refused(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    assert!(matches!(log.open_stream(ObjectId(8), 0), Err(LogError::Invalid(_))));
    let refused = |append: Append| matches!(block_on(log.append(append)), Err(LogError::Invalid(_)));
    assert!(refused(stamped(batch(&[(P0, &["a"])]), "", 0)));
    assert!(refused(stamped(batch(&[(P0, &["a"])]), &"p".repeat(129), 0)));
    assert_eq!(read_all(&*log, P0, 0).len(), 0);
    append(&*log, stamped(batch(&[(P0, &["a"])]), &"p".repeat(128), 0)).unwrap();
}

fn partitions_grow_and_never_shrink(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, stamped(batch(&[(P0, &["a"])]), "p", 0)).unwrap();
    log.open_stream(STREAM, 2).unwrap();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, batch(&[(P1, &["x"]), (P0, &["b"])])).unwrap();
    drop(log);
    let log = open();
    assert_eq!(read_all(&*log, P1, 0), ["x"]);
    assert_eq!(read_all(&*log, P0, 0), ["a", "b"]);
    assert!(append(&*log, stamped(batch(&[(P0, &["a"])]), "p", 0)).unwrap().duplicate);
}

fn dropped_streams_are_gone(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    log.open_stream(ObjectId(8), 1).unwrap();
    append(&*log, batch(&[(P0, &["a"])])).unwrap();
    let waiting = log.append(batch(&[(P0, &["b"])]));
    log.drop_stream(STREAM).unwrap();
    assert!(waiting.now_or_never().is_some(), "whoever waits is told");
    assert_eq!(log.streams(), [ObjectId(8)]);
    assert!(matches!(log.size(STREAM), Err(LogError::UnknownStream(_))));
    drop(log);
    let log = open();
    assert_eq!(log.streams(), [ObjectId(8)]);
    log.open_stream(STREAM, 1).unwrap();
    assert_eq!(read_all(&*log, P0, 0).len(), 0);
}

fn sizes_are_counted(open: Opener<'_>) {
    let log = open();
    log.open_stream(STREAM, 1).unwrap();
    append(&*log, batch(&[(P0, &["a", "b"]), (REJECTS, &["bad"])])).unwrap();
    append(&*log, batch(&[(P0, &["c"])])).unwrap();
    let counted = |size: StreamSize| (size.records, size.rejects);
    assert_eq!(counted(log.size(STREAM).unwrap()), (3, 1));
    drop(log);
    let log = open();
    assert_eq!(counted(log.size(STREAM).unwrap()), (3, 1));
    assert!(log.size(STREAM).unwrap().bytes > 0);
}
