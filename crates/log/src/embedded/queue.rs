//! What is on its way to the disk: appends with the offsets they will get, and the stamps among them. Filled by
//! `stream` on callers' threads, emptied by `committer`, under one short lock. Does no I/O.
//!
//! Offsets are given here, in the order of the calls. When a group fails, all that waits fails with it and offsets
//! go back to what is durable: nothing may pass a failed append of the same producer.

use std::collections::{HashMap, VecDeque};

use futures::channel::oneshot;
use highwater_model::{PartitionId, PartitionRange};

use super::block::{Batch, Body};
use super::index::Ends;
use super::producers::{Producers, Verdict, gap};
use super::view::at;
use crate::LogError;
use crate::log::{Appended, Stamp};

pub(crate) type Answer = oneshot::Sender<Result<Appended, LogError>>;

/// An append that waits for its flush.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) body: Body,
    pub(crate) payload: Vec<u8>,
    pub(crate) ranges: Vec<PartitionRange>,
    pub(crate) bytes: u64,
    pub(crate) answer: Answer,
}

impl Pending {
    pub(crate) fn stamp(&self) -> Option<&Stamp> {
        match &self.body {
            Body::Batch(batch) => batch.stamp.as_ref(),
            _ => None,
        }
    }
}

/// A stamp whose batch is not durable yet, and the retries that wait for it.
#[derive(Debug)]
struct InFlight {
    sequence: u64,
    retries: Vec<(Answer, bool)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) waiting: VecDeque<Pending>,
    /// Bytes waiting or being written.
    pub(crate) bytes: u64,
    /// What is durable of producers.
    pub(crate) producers: Producers,
    pub(crate) partitions: u32,
    /// No more appends are taken; what waits is written, or failed if the stream is dropped.
    pub(crate) closing: bool,
    pub(crate) dropped: bool,
    next: Ends,
    in_flight: HashMap<String, VecDeque<InFlight>>,
}

/// What became of a call.
pub(crate) enum Taken {
    /// It waits for its turn, or for the flush of the batch it repeats.
    Waits,
    /// It was stored before.
    Duplicate(Vec<PartitionRange>),
    /// It is refused.
    Refused(LogError),
}

impl Queue {
    pub(crate) fn new(next: Ends, producers: Producers, partitions: u32) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            producers,
            partitions,
            closing: false,
            dropped: false,
            next,
            in_flight: HashMap::new(),
        }
    }

    /// Takes an append whose parts have no offsets yet, unless its stamp says otherwise.
    pub(crate) fn take(&mut self, mut batch: Batch, payload: Vec<u8>, answer: Answer, limit_bytes: u64) -> Taken {
        if let Some(stamp) = &batch.stamp {
            match self.judge(stamp) {
                Ok(Judged::Store) => {}
                Ok(Judged::Duplicate(ranges)) => return Taken::Duplicate(ranges),
                Ok(Judged::Retry(of)) => {
                    self.wait_for(&stamp.producer, of, stamp.sequence, answer);
                    return Taken::Waits;
                }
                Err(error) => return Taken::Refused(error),
            }
        }
        let bytes = payload.len() as u64 + 64 * (1 + batch.parts.len() as u64);
        if self.bytes > 0 && self.bytes + bytes > limit_bytes {
            return Taken::Refused(LogError::Overloaded { queued_bytes: self.bytes });
        }
        let ranges = self.give_offsets(&mut batch);
        if let Some(stamp) = &batch.stamp {
            let in_flight = InFlight { sequence: stamp.sequence, retries: Vec::new() };
            self.in_flight.entry(stamp.producer.clone()).or_default().push_back(in_flight);
        }
        self.bytes += bytes;
        self.waiting.push_back(Pending { body: Body::Batch(batch), payload, ranges, bytes, answer });
        Taken::Waits
    }

    fn give_offsets(&mut self, batch: &mut Batch) -> Vec<PartitionRange> {
        let mut ranges = Vec::with_capacity(batch.parts.len());
        for part in &mut batch.parts {
            part.base = at(&self.next, part.partition);
            let range = PartitionRange { partition: part.partition, first: part.base, next: part.next() };
            self.next.insert(range.partition, range.next);
            ranges.push(range);
        }
        ranges
    }

    fn judge(&self, stamp: &Stamp) -> Result<Judged, LogError> {
        let Some(flying) = self.in_flight.get(&stamp.producer).filter(|flying| !flying.is_empty()) else {
            return Ok(match self.producers.judge(stamp)? {
                Verdict::Store => Judged::Store,
                Verdict::Duplicate(ranges) => Judged::Duplicate(ranges),
            });
        };
        let last = flying.back().map_or(0, |last| last.sequence);
        if stamp.sequence > last {
            let follows = stamp.sequence == last + 1;
            return if follows { Ok(Judged::Store) } else { Err(gap(stamp, last + 1)) };
        }
        if let Some(same) = flying.iter().position(|flight| flight.sequence == stamp.sequence) {
            return Ok(Judged::Retry(same));
        }
        // Older than all that is on its way: durable, or passed over by the first batch of a new producer.
        if self.producers.knows(&stamp.producer) { Ok(Judged::Duplicate(Vec::new())) } else { Ok(Judged::Retry(0)) }
    }

    fn wait_for(&mut self, producer: &str, of: usize, sequence: u64, answer: Answer) {
        let Some(flying) = self.in_flight.get_mut(producer) else { return };
        let latest = flying.back().is_some_and(|last| last.sequence == sequence);
        if let Some(flight) = flying.get_mut(of) {
            flight.retries.push((answer, latest));
        }
    }

    /// The next appends to be written together, about `limit_bytes` of them.
    pub(crate) fn group(&mut self, limit_bytes: u64) -> Vec<Pending> {
        let mut bytes = 0;
        let mut group = Vec::new();
        while let Some(next) = self.waiting.front() {
            if !group.is_empty() && bytes + next.bytes > limit_bytes {
                break;
            }
            bytes += next.bytes;
            group.extend(self.waiting.pop_front());
        }
        group
    }

    /// Notes that a group is durable. Returns the answers to give.
    pub(crate) fn stored(&mut self, group: Vec<Pending>) -> Vec<(Answer, Result<Appended, LogError>)> {
        let mut answers = Vec::with_capacity(group.len());
        for pending in group {
            self.bytes -= pending.bytes;
            if let Some(stamp) = pending.stamp() {
                self.producers.stored(stamp, pending.ranges.clone());
                for (retry, latest) in self.landed(stamp) {
                    let ranges = if latest { pending.ranges.clone() } else { Vec::new() };
                    answers.push((retry, Ok(Appended { duplicate: true, ranges })));
                }
            }
            answers.push((pending.answer, Ok(Appended { duplicate: false, ranges: pending.ranges })));
        }
        answers
    }

    fn landed(&mut self, stamp: &Stamp) -> Vec<(Answer, bool)> {
        let Some(flying) = self.in_flight.get_mut(&stamp.producer) else { return Vec::new() };
        let retries = flying.pop_front().map(|flight| flight.retries).unwrap_or_default();
        if flying.is_empty() {
            self.in_flight.remove(&stamp.producer);
        }
        retries
    }

    /// Fails a group and everything that waits behind it; offsets go back to `durable`. Returns the answers to give.
    pub(crate) fn failed(
        &mut self,
        group: Vec<Pending>,
        durable: &Ends,
        error: &LogError,
    ) -> Vec<(Answer, Result<Appended, LogError>)> {
        let behind = std::mem::take(&mut self.waiting);
        let mut answers = Vec::with_capacity(group.len() + behind.len());
        for pending in group.into_iter().chain(behind) {
            self.bytes -= pending.bytes;
            if let Some(stamp) = pending.stamp() {
                self.producers.failed(stamp);
            }
            answers.push((pending.answer, Err(error.clone())));
        }
        for flight in self.in_flight.drain().flat_map(|(_, flying)| flying) {
            answers.extend(flight.retries.into_iter().map(|(retry, _)| (retry, Err(error.clone()))));
        }
        self.next.clone_from(durable);
        answers
    }

    /// The partition must be there for a batch to go in.
    pub(crate) fn has(&self, partition: PartitionId) -> bool {
        partition.is_rejects() || partition.0 < self.partitions
    }
}

enum Judged {
    Store,
    Duplicate(Vec<PartitionRange>),
    /// A retry of the in-flight batch at this place.
    Retry(usize),
}
