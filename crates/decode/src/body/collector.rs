//! What all body formats share: committing good records with their spans, and rejecting bad ones.

use std::ops::Range;

use bytes::Bytes;

use crate::fault::{Fault, Outcome};
use crate::json::{self, MAX_DEPTH};
use crate::reject::Rejects;
use crate::rows::RowReader;
use crate::{DecodeError, Decoded, Decoder};

/// Collects rows, spans and rejects of one body.
pub(super) struct Collector<'a> {
    pub(super) body: &'a Bytes,
    pub(super) rows: RowReader<'a>,
    spans: Vec<Range<u32>>,
    rejects: Rejects<'a>,
    /// Records so far, good and bad.
    count: u64,
    max_record_bytes: usize,
    /// Whether the whole body is UTF-8; if not, each record is checked.
    valid: bool,
    /// Whether records that were JSON strings are stored as the object they held: in streams of text, where a stored
    /// record is told to be JSON by its `{`.
    unwraps: bool,
    unwrapped: Vec<u8>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(decoder: &'a Decoder, body: &'a Bytes) -> Self {
        // The first record's length is a good guess of the others'.
        let first = memchr::memchr2(b'\n', b'}', body).unwrap_or(body.len()).max(16);
        let rows = (body.len() / first + 1).min(1 << 17);
        Self {
            body,
            rows: RowReader::new(decoder, rows),
            spans: Vec::with_capacity(rows),
            rejects: Rejects::new(body, decoder.declared.max_record_bytes),
            count: 0,
            max_record_bytes: decoder.declared.max_record_bytes as usize,
            valid: std::str::from_utf8(body).is_ok(),
            unwraps: decoder.text.is_some(),
            unwrapped: Vec::new(),
        }
    }

    /// Reads the JSON record at `start`, within `body[..limit]`, and says where it ends. A record that is well-formed but
    /// not right is rejected here; a syntax error is the caller's to resume from (nothing is rejected yet).
    /// `follows` judges what stands after the record.
    pub(super) fn json(
        &mut self,
        start: usize,
        limit: usize,
        follows: impl Fn(&[u8]) -> Outcome,
    ) -> Result<usize, Fault> {
        let text = &self.body[start..limit];
        let outcome = match self.rows.read_json(text) {
            Ok(end) => follows(&text[end..])
                .map_err(|fault| fault.shifted(end))
                .and_then(|()| self.check(start..start + end))
                .map(|()| end),
            Err(fault) => Err(fault),
        };
        match outcome {
            Ok(end) => {
                self.rows.commit();
                self.keep(start..start + end);
                Ok(start + end)
            }
            Err(fault) => self.broken_json(start, limit, *fault, follows),
        }
    }

    /// Rejects `body[start..end]`.
    #[cold]
    pub(super) fn reject(&mut self, start: usize, end: usize, fault: Fault) {
        self.rows.roll_back();
        let fault = self.check(start..end).map_or_else(|first| *first, |()| fault);
        self.rejects.push(self.count, start, end, fault);
        self.count += 1;
    }

    /// Rejects everything from `start` on.
    #[cold]
    pub(super) fn reject_rest(&mut self, start: usize, fault: Fault) {
        self.rows.roll_back();
        self.rejects.push_rest(self.count, start, fault);
        self.count += 1;
    }

    /// Accepts or rejects the record that was read from `body[range]` and is stored as `span` of the source.
    pub(super) fn settle(&mut self, outcome: Outcome, range: Range<usize>, span: Range<usize>) -> bool {
        match outcome.and_then(|()| self.check(range.clone())) {
            Ok(()) => {
                self.rows.commit();
                self.keep(span);
                true
            }
            Err(fault) => {
                self.reject(range.start, range.end, *fault);
                false
            }
        }
    }

    /// Whether so many bytes may be one record.
    pub(super) fn check_size(&self, bytes: usize) -> Outcome {
        if bytes <= self.max_record_bytes {
            return Ok(());
        }
        let limit = self.max_record_bytes;
        Fault::value(format!("the record has {bytes} bytes, more than the stream's max_record_bytes of {limit}"))
    }

    /// Whether a record is small enough and UTF-8.
    fn check(&self, range: Range<usize>) -> Outcome {
        self.check_size(range.len())?;
        if !self.valid
            && let Err(error) = std::str::from_utf8(&self.body[range])
        {
            return Fault::value(format!("the record is not valid UTF-8 at its byte {}", error.valid_up_to()));
        }
        Ok(())
    }

    /// Finishes; `rewritten` is the source when that is not the body.
    pub(super) fn finish(self, rewritten: Option<Vec<u8>>) -> Result<Decoded, DecodeError> {
        let source = match rewritten {
            Some(bytes) => bytes.into(),
            None if self.unwrapped.is_empty() => self.body.clone(),
            None => [self.body.as_ref(), &self.unwrapped].concat().into(),
        };
        let (spans, rejects) = (self.spans, self.rejects.finish());
        Ok(Decoded { rows: self.rows.finish()?, spans, source, rejects, header: None })
    }

    /// Remembers where a good record lies. Sources are below 4 GiB, so offsets fit.
    #[inline]
    fn keep(&mut self, span: Range<usize>) {
        let span = match self.rows.take_unwrapped() {
            Some(text) if self.unwraps => {
                let start = self.body.len() + self.unwrapped.len();
                self.unwrapped.extend_from_slice(text.as_bytes());
                start..start + text.len()
            }
            _ => span,
        };
        self.spans.push(span.start as u32..span.end as u32);
        self.count += 1;
    }

    /// A record that was not read: where it ends decides who handles it.
    #[cold]
    fn broken_json(
        &mut self,
        start: usize,
        limit: usize,
        fault: Fault,
        follows: impl Fn(&[u8]) -> Outcome,
    ) -> Result<usize, Fault> {
        self.rows.roll_back();
        if matches!(fault, Fault::Syntax { .. }) {
            return Err(fault);
        }
        let mut json = jiter::Jiter::new(&self.body[start..limit]);
        let skipped = json.peek().map_err(Into::into).and_then(|peek| json::skip(&mut json, peek, MAX_DEPTH));
        let end = start + json.current_index();
        match skipped.and_then(|()| follows(&self.body[end..limit])) {
            Ok(()) => {
                self.reject(start, end, fault);
                Ok(end)
            }
            // The value's fault is the more useful one; where the record ends stays unknown.
            Err(_) => Err(fault),
        }
    }
}
