//! What the feeders know: per lane, how many batches were sent and how many acknowledged. The server is judged by it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::event::{self, Target};

/// One producer's batches to one stream, in order and one at a time.
#[derive(Debug)]
pub(super) struct Lane {
    /// The producer's number.
    pub producer: u64,
    /// Where it sends.
    pub target: Target,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    duplicates: AtomicU64,
    /// Sums of the amounts of the first 0, 1, 2, … batches, as far as anybody asked.
    totals: Mutex<Vec<i64>>,
}

impl Lane {
    pub(super) fn new(producer: u64, target: Target) -> Self {
        Self {
            producer,
            target,
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            totals: Mutex::new(vec![0]),
        }
    }

    /// The batch to send next: the first that is not acknowledged. It counts as sent from now on.
    pub(super) fn next(&self) -> u64 {
        let next = self.acknowledged.load(Ordering::SeqCst);
        self.sent.fetch_max(next + 1, Ordering::SeqCst);
        next
    }

    /// Batch `seq` was acknowledged, perhaps as stored before.
    pub(super) fn acknowledge(&self, seq: u64, duplicate: bool) {
        self.acknowledged.fetch_max(seq + 1, Ordering::SeqCst);
        if duplicate {
            self.duplicates.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Batches sent at least once.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Batches acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// The sum of the amounts of the first `batches` batches.
    pub(super) fn total(&self, seed: u64, batches: u64) -> i64 {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        while (totals.len() as u64) <= batches {
            let seq = totals.len() as u64 - 1;
            let batch = event::records(seed, self.producer, self.target, seq);
            let total = totals.last().copied().unwrap_or_default() + batch.iter().map(|r| r.amount).sum::<i64>();
            totals.push(total);
        }
        totals[batches as usize]
    }

    /// Batches that were sent again and had been stored already.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::SeqCst)
    }
}

/// All lanes, and whether the server is being killed: from then on a failing request is no wonder.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Seed of every event.
    pub seed: u64,
    /// The lanes.
    pub lanes: Vec<Lane>,
    killing: AtomicBool,
}

impl Ledger {
    /// Some lanes to each stream.
    pub(super) fn new(seed: u64, event_lanes: u64, account_lanes: u64) -> Self {
        let events = (1..=event_lanes).map(|producer| Lane::new(producer, Target::Events));
        let accounts = (1..=account_lanes).map(|number| Lane::new(event_lanes + number, Target::Accounts));
        Self { seed, lanes: events.chain(accounts).collect(), killing: AtomicBool::new(false) }
    }

    /// Says whether the server is being killed.
    pub(super) fn set_killing(&self, killing: bool) {
        self.killing.store(killing, Ordering::SeqCst);
    }

    /// Whether the server is being killed.
    pub(super) fn killing(&self) -> bool {
        self.killing.load(Ordering::SeqCst)
    }
}
