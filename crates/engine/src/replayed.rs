//! Which rejected records were replayed. A replay is one append of the log: the events, and a *mark* among the rejects
//! that names those they came from. Both are durable or neither is, so a reject becomes events at most once, whenever the
//! process dies; the log is all there is to know about it.

use std::collections::BTreeMap;

use highwater_log::{Log, LogError};
use highwater_model::{ObjectId, Offset, PartitionId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// Bytes read from the log at a time.
const READ_BYTES: usize = 1 << 20;
/// How a mark's JSON begins, as no reject's does.
const BEGINS: &[u8] = b"{\"replayed_at\":";

/// A mark: these rejects were replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplayMark {
    /// When, microseconds since the epoch. The first field: it tells a mark from a reject.
    pub(crate) replayed_at: i64,
    /// Offsets of rejects, in order: from each first to before each second.
    pub(crate) replayed: Vec<(Offset, Offset)>,
}

impl ReplayMark {
    /// The mark of these offsets, which are in order.
    pub(crate) fn new(replayed_at: i64, offsets: &[Offset]) -> Self {
        let mut replayed: Vec<(Offset, Offset)> = Vec::new();
        for offset in offsets {
            match replayed.last_mut() {
                Some((_, next)) if *next == *offset => *next += 1,
                _ => replayed.push((*offset, *offset + 1)),
            }
        }
        Self { replayed_at, replayed }
    }
}

/// Whether a record of the hidden partition is a mark.
pub(crate) fn is_mark(record: &[u8]) -> bool {
    record.starts_with(BEGINS)
}

/// The rejects of one stream that were replayed, as far as the log was read.
#[derive(Debug, Default)]
pub(crate) struct Replayed(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The log was read up to here.
    next: Offset,
    /// Offsets of the marks.
    marks: Vec<Offset>,
    /// By the first offset of a range: where it ends, when it was replayed, the offset of its mark.
    ranges: BTreeMap<Offset, (Offset, i64, Offset)>,
}

impl Replayed {
    /// Reads on in the log, up to its end.
    pub(crate) fn catch_up(&self, log: &dyn Log, stream: ObjectId) -> Result<(), EngineError> {
        let mut known = self.0.lock();
        let partition = PartitionId::REJECTS;
        loop {
            let bounds = log.bounds(stream, partition)?;
            known.next = known.next.max(bounds.earliest);
            if known.next >= bounds.next {
                return Ok(());
            }
            let blocks = match log.read(stream, partition, known.next, READ_BYTES) {
                Ok(blocks) => blocks,
                Err(LogError::Truncated { earliest, .. }) => {
                    known.next = earliest;
                    continue;
                }
                Err(damage @ LogError::Damaged { .. }) => {
                    known.next = log.after_hole(stream, partition, known.next)?.ok_or(damage)?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for block in blocks {
                for (offset, record) in (block.base_offset..).zip(block.records.iter()) {
                    known.take(offset, record);
                }
                known.next = block.base_offset + block.records.len() as u64;
            }
        }
    }

    /// When the reject at an offset was replayed, by marks below `end`.
    pub(crate) fn at(&self, offset: Offset, end: Offset) -> Option<i64> {
        let known = self.0.lock();
        let (_, (next, at, mark)) = known.ranges.range(..=offset).next_back()?;
        (offset < *next && *mark < end).then_some(*at)
    }

    /// How many marks there are among the records of the hidden partition from `earliest` on.
    pub(crate) fn marks(&self, earliest: Offset) -> u64 {
        self.0.lock().marks.iter().filter(|mark| **mark >= earliest).count() as u64
    }
}

impl Known {
    fn take(&mut self, offset: Offset, record: &[u8]) {
        if !is_mark(record) {
            return;
        }
        self.marks.push(offset);
        match serde_json::from_slice::<ReplayMark>(record) {
            Ok(mark) => {
                let ranges = mark.replayed.iter().map(|(first, next)| (*first, (*next, mark.replayed_at, offset)));
                self.ranges.extend(ranges);
            }
            Err(error) => tracing::error!(offset, %error, "a mark of replayed rejects cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_mark_is_told_from_a_reject_and_found_by_offset() {
        let mark = ReplayMark::new(7, &[3, 4, 5, 9]);
        assert_eq!(mark.replayed, [(3, 6), (9, 10)]);
        let json = serde_json::to_vec(&mark).unwrap();
        assert!(is_mark(&json));
        assert!(!is_mark(b"{\"rejected_at\":1,\"raw\":\"{\\\"replayed_at\\\":1}\"}"));
        let replayed = Replayed::default();
        replayed.0.lock().take(12, &json);
        let at = |offset| replayed.at(offset, 13);
        assert_eq!(
            [at(2), at(3), at(5), at(6), at(8), at(9), at(10)],
            [None, Some(7), Some(7), None, None, Some(7), None]
        );
        assert_eq!(replayed.at(3, 12), None, "the mark is not seen by who reads less");
        assert_eq!((replayed.marks(0), replayed.marks(13)), (1, 0));
    }
}
