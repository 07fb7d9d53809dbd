//! Records that were not accepted, with their place in the body. Filled by the body readers; stored by the engine.

use std::ops::Range;

use bytes::Bytes;

use crate::fault::Fault;

/// One record that could not be decoded, kept raw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The record's number in the body, from 0, counting good records and rejects alike.
    pub record: u64,
    /// Where it starts in the body, in bytes from 0.
    pub byte: u64,
    /// The line of the body where it starts, from 1.
    pub line: u64,
    /// The column at fault, when one is; fields inside it follow after a dot.
    pub column: Option<String>,
    /// What is wrong and what was expected.
    pub reason: String,
    /// The record's own bytes, at most the stream's `max_record_bytes`; the reason says so when it was cut.
    pub raw: Bytes,
    /// Whether `raw` is all of the record.
    pub whole: bool,
}

/// Collects the rejects of one body.
pub(crate) struct Rejects<'a> {
    body: &'a Bytes,
    max_record_bytes: usize,
    list: Vec<Reject>,
    /// Lines are counted forward from the last place asked for: `line` is the line of `counted`.
    counted: usize,
    line: u64,
}

impl<'a> Rejects<'a> {
    pub(crate) fn new(body: &'a Bytes, max_record_bytes: u32) -> Self {
        Self { body, max_record_bytes: max_record_bytes as usize, list: Vec::new(), counted: 0, line: 1 }
    }

    /// One record, `body[start..end]`. A record above the limit is kept cut, and its reason says so.
    #[cold]
    pub(crate) fn push(&mut self, record: u64, start: usize, end: usize, fault: Fault) {
        let (column, mut reason) = match fault {
            Fault::Syntax { at, reason } => (None, format!("not valid JSON: {reason} at byte {at} of the record")),
            Fault::Value { column, reason } => (column, reason),
        };
        let kept = (end - start).min(self.max_record_bytes);
        if kept < end - start {
            reason = format!("{reason} (the first {kept} of {} bytes are kept)", end - start);
        }
        self.add(record, start..start + kept, kept == end - start, column, reason);
    }

    /// Everything from `start` to the end of the body, in pieces of at most the record limit so that nothing is lost.
    #[cold]
    pub(crate) fn push_rest(&mut self, record: u64, start: usize, fault: Fault) {
        let reason = match fault {
            Fault::Syntax { at, reason } => format!("not valid JSON: {reason} at byte {at} of the record"),
            Fault::Value { reason, .. } => reason,
        };
        let end = self.body.len();
        let first = (start + self.max_record_bytes.max(1)).min(end);
        let reason =
            format!("{reason}; where the next record starts cannot be told, so the rest of the body is rejected");
        self.add(record, start..first, first == end, None, reason);
        let mut from = first;
        while from < end {
            let to = (from + self.max_record_bytes.max(1)).min(end);
            self.add(record, from..to, false, None, "continues the rest of the body rejected before".to_owned());
            from = to;
        }
    }

    pub(crate) fn finish(self) -> Vec<Reject> {
        self.list
    }

    fn add(&mut self, record: u64, range: Range<usize>, whole: bool, column: Option<String>, reason: String) {
        let (line, byte) = (self.line_of(range.start), range.start as u64);
        self.list.push(Reject { record, byte, line, column, reason, raw: self.body.slice(range), whole });
    }

    fn line_of(&mut self, byte: usize) -> u64 {
        if byte < self.counted {
            (self.counted, self.line) = (0, 1);
        }
        self.line += memchr::memchr_iter(b'\n', &self.body[self.counted..byte]).count() as u64;
        self.counted = byte;
        self.line
    }
}
