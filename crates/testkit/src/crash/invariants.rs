//! The promises as pure predicates over what was sent and what is stored. Each has a name; the first that fails is told.

use super::ledger::{Lane, Ledger};
use super::observed::{StoredLane, StoredStream};
use crate::TestkitError;

/// What a lane's owner knew at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knowledge {
    /// The producer.
    pub producer: u64,
    /// Batches acknowledged before the server was asked.
    pub acknowledged: u64,
    /// Batches sent before the answer came.
    pub sent: u64,
}

impl Knowledge {
    /// What the lane knows now.
    pub(super) fn of(lane: &Lane) -> Self {
        Self { producer: lane.producer, acknowledged: lane.acknowledged(), sent: lane.sent() }
    }
}

fn broken(invariant: &'static str, detail: impl Into<String>) -> TestkitError {
    TestkitError::Broken { invariant, detail: detail.into() }
}

/// Every acknowledged batch is there, and nothing that was never sent.
pub(super) fn acknowledged_is_durable(known: Knowledge, stored: StoredLane) -> Result<(), TestkitError> {
    let Knowledge { producer, acknowledged, sent } = known;
    if stored.end < acknowledged {
        let detail = format!("producer {producer}: {acknowledged} batches acknowledged, {} stored", stored.end);
        return Err(broken("acknowledged ⇒ durable", detail));
    }
    if stored.end > sent {
        let detail = format!("producer {producer}: {sent} batches sent, {} stored", stored.end);
        return Err(broken("nothing beyond what was sent", detail));
    }
    Ok(())
}

/// Sequences have no gap, and the amounts are those that were sent.
pub(super) fn stored_once(ledger: &Ledger, lane: &Lane, stored: StoredLane) -> Result<(), TestkitError> {
    let producer = lane.producer;
    if stored.batches != stored.end {
        let detail = format!("producer {producer}: {} different batches up to number {}", stored.batches, stored.end);
        return Err(broken("stored once", detail));
    }
    let expected = lane.total(ledger.seed, stored.end);
    if stored.total != expected {
        let detail = format!("producer {producer}: amounts sum to {}, sent were {expected}", stored.total);
        return Err(broken("stored once", detail));
    }
    Ok(())
}

/// Offsets begin at 0 and have no gap; every batch has each of its records once.
pub(super) fn offsets_dense(stream: &str, stored: &StoredStream) -> Result<(), TestkitError> {
    for partition in &stored.partitions {
        if partition.first != 0 || partition.last + 1 != partition.records {
            return Err(broken("offsets dense", format!("{stream}: {partition:?}")));
        }
    }
    match stored.uneven.as_slice() {
        [] => Ok(()),
        uneven => Err(broken("stored once", format!("{stream}: batches with missing or doubled records: {uneven:?}"))),
    }
}
