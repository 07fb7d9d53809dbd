//! The harness's own parts: events that repeat, predicates that catch each kind of lie.

use super::app::RECOUNTS;
use super::event::{Target, body, records};
use super::invariants::{Knowledge, acknowledged_is_durable, offsets_dense, stored_once};
use super::ledger::Ledger;
use super::observed::{StoredLane, StoredPartition, StoredStream};

#[test]
fn batches_repeat_and_differ() {
    assert_eq!(body(1, 2, Target::Events, 3), body(1, 2, Target::Events, 3));
    assert_ne!(records(1, 2, Target::Events, 3), records(1, 2, Target::Events, 4));
    assert_ne!(records(1, 2, Target::Events, 3), records(1, 1, Target::Events, 3));
    let by_hand: i64 = [0, 1].iter().flat_map(|seq| records(1, 1, Target::Events, *seq)).map(|r| r.amount).sum();
    assert_eq!(Ledger::new(1, 1, 0).lanes[0].total(1, 2), by_hand);
}

#[test]
fn lost_invented_and_doubled_batches_are_caught() {
    let ledger = Ledger::new(7, 1, 0);
    let lane = &ledger.lanes[0];
    for seq in 0..3 {
        assert_eq!(lane.next(), seq);
        lane.acknowledge(seq, false);
    }
    assert_eq!(lane.next(), 3);
    let known = Knowledge::of(lane);
    assert_eq!((known.acknowledged, known.sent), (3, 4));
    let stored = |batches, end| StoredLane { producer: 1, batches, end, total: lane.total(7, end) };
    for end in [3, 4] {
        acknowledged_is_durable(known, stored(end, end)).unwrap();
        stored_once(&ledger, lane, stored(end, end)).unwrap();
    }
    let lost = acknowledged_is_durable(known, stored(2, 2)).unwrap_err().to_string();
    assert!(lost.contains("acknowledged ⇒ durable"), "{lost}");
    assert!(acknowledged_is_durable(known, stored(5, 5)).is_err());
    assert!(stored_once(&ledger, lane, stored(3, 4)).is_err());
    let doubled = StoredLane { total: stored(3, 3).total + 1, ..stored(3, 3) };
    assert!(stored_once(&ledger, lane, doubled).is_err());
}

#[test]
fn gaps_are_caught() {
    let partition = StoredPartition { partition: 0, records: 3, first: 0, last: 2 };
    let stream = |partition| StoredStream { partitions: vec![partition], ..StoredStream::default() };
    offsets_dense("s", &stream(partition)).unwrap();
    assert!(offsets_dense("s", &stream(StoredPartition { last: 3, ..partition })).is_err());
    assert!(offsets_dense("s", &stream(StoredPartition { first: 1, ..partition })).is_err());
    let uneven = StoredStream { uneven: vec!["{}".to_owned()], ..StoredStream::default() };
    assert!(offsets_dense("s", &uneven).is_err());
}

#[test]
fn differences_are_asked_for_by_every_column() {
    for recount in RECOUNTS {
        let sql = recount.differences();
        for column in recount.values {
            assert!(sql.contains(&format!("live.{column} IS DISTINCT FROM batch.{column}")), "{sql}");
        }
    }
}
