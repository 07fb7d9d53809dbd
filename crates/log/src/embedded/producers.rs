//! The table of producers of one stream: what each sent last, so that a retried batch is stored once. Bounded: the
//! producer that was silent longest is forgotten first, and its next batch is taken as the first of a new one.
//! Kept by `writer` (what is durable); `stream` adds what is still on its way. Does no I/O.
//!
//! In a state block's payload (v = varint), oldest producer first:
//! `v count`, for each: name, `u8` flags (bit 0: uncertain), v next sequence, v ranges, for each range v partition
//! (from 1, 0 is the rejects), v first offset, v records.

use std::collections::{BTreeMap, HashMap};

use highwater_model::{PartitionId, PartitionRange};

use super::layout::{MAX_PARTS, MAX_PRODUCER_BYTES};
use super::varint::{Cursor, put_string, put_varint};
use crate::LogError;
use crate::log::Stamp;

/// What to do with a stamped batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Store it.
    Store,
    /// It is stored already; its ranges if it was the producer's latest.
    Duplicate(Vec<PartitionRange>),
}

#[derive(Clone, Debug)]
struct Producer {
    next: u64,
    ranges: Vec<PartitionRange>,
    /// Batches may have been lost to damage: a jump is let through.
    uncertain: bool,
    /// Nothing of it is durable; its first batch failed and must come again before later ones.
    awaited: bool,
    touched: u64,
}

/// Producers and what they sent last.
#[derive(Clone, Debug)]
pub(crate) struct Producers {
    limit: usize,
    clock: u64,
    by_name: HashMap<String, Producer>,
    by_age: BTreeMap<u64, String>,
}

impl Producers {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), clock: 0, by_name: HashMap::new(), by_age: BTreeMap::new() }
    }

    /// Whether anything durable is known of the producer.
    pub(crate) fn knows(&self, producer: &str) -> bool {
        self.by_name.get(producer).is_some_and(|known| !known.awaited)
    }

    /// Judges a batch against what is durable.
    pub(crate) fn judge(&self, stamp: &Stamp) -> Result<Verdict, LogError> {
        let Some(known) = self.by_name.get(&stamp.producer) else {
            return Ok(Verdict::Store);
        };
        if stamp.sequence == known.next {
            return Ok(Verdict::Store);
        }
        if stamp.sequence > known.next {
            return if known.uncertain { Ok(Verdict::Store) } else { Err(gap(stamp, known.next)) };
        }
        if known.awaited {
            return Ok(Verdict::Store);
        }
        let latest = stamp.sequence + 1 == known.next;
        Ok(Verdict::Duplicate(if latest { known.ranges.clone() } else { Vec::new() }))
    }

    /// Notes that a batch is durable.
    pub(crate) fn stored(&mut self, stamp: &Stamp, ranges: Vec<PartitionRange>) {
        let next = stamp.sequence.saturating_add(1);
        self.insert(&stamp.producer, Producer { next, ranges, uncertain: false, awaited: false, touched: 0 });
    }

    /// Notes that a batch failed: if it was the producer's first, later ones must not pass it.
    pub(crate) fn failed(&mut self, stamp: &Stamp) {
        if !self.by_name.contains_key(&stamp.producer) {
            let next = stamp.sequence;
            self.insert(
                &stamp.producer,
                Producer { next, ranges: Vec::new(), uncertain: false, awaited: true, touched: 0 },
            );
        }
    }

    /// Notes that batches of unknown producers were lost to damage: until its next batch, any producer may jump.
    pub(crate) fn doubt(&mut self) {
        for producer in self.by_name.values_mut() {
            producer.uncertain = true;
        }
    }

    fn insert(&mut self, name: &str, mut producer: Producer) {
        self.clock += 1;
        producer.touched = self.clock;
        self.by_age.insert(self.clock, name.to_owned());
        if let Some(old) = self.by_name.insert(name.to_owned(), producer) {
            self.by_age.remove(&old.touched);
        }
        while self.by_name.len() > self.limit {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.by_name.remove(&oldest);
        }
    }

    /// The table as a state block's payload.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let durable = || {
            let entries = self.by_age.values().filter_map(|name| Some((name, self.by_name.get(name)?)));
            entries.filter(|(_, producer)| !producer.awaited)
        };
        let mut out = Vec::new();
        put_varint(&mut out, durable().count() as u64);
        for (name, producer) in durable() {
            put_string(&mut out, name);
            out.push(u8::from(producer.uncertain));
            put_varint(&mut out, producer.next);
            put_varint(&mut out, producer.ranges.len() as u64);
            for range in &producer.ranges {
                put_varint(&mut out, u64::from(range.partition.0.wrapping_add(1)));
                put_varint(&mut out, range.first);
                put_varint(&mut out, range.len());
            }
        }
        out
    }

    /// The table from a state block's payload, cut to `limit`.
    pub(crate) fn decode(bytes: &[u8], limit: usize) -> Option<Self> {
        let mut table = Self::new(limit);
        let mut cursor = Cursor::new(bytes);
        for _ in 0..cursor.varint()? {
            let name = cursor.string(MAX_PRODUCER_BYTES)?;
            let uncertain = cursor.u8()? & 1 == 1;
            let next = cursor.varint()?;
            let count = usize::try_from(cursor.varint()?).ok().filter(|count| *count <= MAX_PARTS)?;
            let mut ranges = Vec::with_capacity(count);
            for _ in 0..count {
                let partition = PartitionId(cursor.varint_u32()?.wrapping_sub(1));
                let first = cursor.varint()?;
                ranges.push(PartitionRange { partition, first, next: first.checked_add(cursor.varint()?)? });
            }
            table.insert(&name, Producer { next, ranges, uncertain, awaited: false, touched: 0 });
        }
        cursor.is_empty().then_some(table)
    }
}

/// A batch that came before its predecessor.
pub(crate) fn gap(stamp: &Stamp, expected: u64) -> LogError {
    LogError::SequenceGap { producer: stamp.producer.clone(), expected, got: stamp.sequence }
}
