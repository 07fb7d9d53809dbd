//! Cuts a source into batches at record boundaries. The same source, format and limit give the same batches: what a
//! file's identity relies on.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use highwater_api::BodyFormat;

use super::size::BatchLimit;
use super::split::Splitter;

const READ_BYTES: usize = 256 << 10;

/// Longest record that is sent at all; a longer one is most likely an unclosed quote or bracket.
const LONGEST_RECORD_BYTES: usize = 64 << 20;

/// Records to send together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// What is sent.
    pub(super) body: Bytes,
    /// Records in it, as far as splitting can tell (blank lines count).
    pub(super) records: u64,
    /// Number of the first record in the source, from 1.
    pub(super) first_record: u64,
    /// What to add to a line of the body to get the line of the source; `None` when lines are not kept.
    pub(super) line_shift: Option<i64>,
}

/// The batches of a source, one after the other.
pub(super) struct Batches<R> {
    source: R,
    format: BodyFormat,
    limit: BatchLimit,
    splitter: Splitter,
    /// Bytes read; they begin at `base` of the source. Those before `used` were taken already.
    buffer: Vec<u8>,
    base: u64,
    used: usize,
    records: VecDeque<Range<u64>>,
    header: Option<Vec<u8>>,
    ended: bool,
    next_record: u64,
    next_line: i64,
}

impl<R: Read> Batches<R> {
    pub(super) fn new(source: R, format: BodyFormat, limit: BatchLimit) -> Self {
        Self {
            source,
            format,
            limit,
            splitter: Splitter::starting_at(format, 0),
            buffer: Vec::new(),
            base: 0,
            used: 0,
            records: VecDeque::new(),
            header: None,
            ended: false,
            next_record: 1,
            next_line: 1,
        }
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// When reading fails, or a record has no end within 64 MiB.
    pub(super) fn next(&mut self) -> io::Result<Option<Batch>> {
        loop {
            if self.format == BodyFormat::Csv
                && self.header.is_none()
                && let Some(header) = self.records.pop_front()
            {
                let mut header = self.take(&header).to_vec();
                self.next_line += count_lines(&header);
                if !header.ends_with(b"\n") {
                    header.push(b'\n');
                }
                self.header = Some(header);
            }
            if let Some(count) = self.full_batch() {
                return Ok(Some(self.cut(count)));
            }
            if self.ended {
                let count = self.records.len();
                let batch = (count > 0).then(|| self.cut(count));
                return Ok(batch);
            }
            self.read_more()?;
        }
    }

    /// How many records make a batch that cannot take one more; `None` when more may come.
    fn full_batch(&self) -> Option<usize> {
        let start = self.records.front()?.start;
        let most_end = start.saturating_add(self.limit.bytes as u64);
        // Ends rise, so what fits is a prefix.
        let fitting = self.records.partition_point(|record| record.end <= most_end).max(1);
        let count = fitting.min(self.limit.records);
        let full = count == self.limit.records || fitting < self.records.len();
        full.then_some(count)
    }

    fn read_more(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.used);
        self.base += std::mem::take(&mut self.used) as u64;
        let end = self.base + self.buffer.len() as u64;
        let old = self.buffer.len();
        self.buffer.resize(old + READ_BYTES, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => break outcome,
            }
        };
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        let mut found = Vec::new();
        if read? == 0 {
            self.ended = true;
            found.extend(self.splitter.finish(end));
        } else {
            let mut fresh = &self.buffer[old..];
            let mut at = end;
            if end == 0 && fresh.starts_with(b"\xef\xbb\xbf") {
                // A byte order mark belongs to the file, not to its first record.
                fresh = &self.buffer[3..];
                at = 3;
                self.splitter = Splitter::starting_at(self.format, 3);
            }
            self.splitter.feed(fresh, at, &mut found);
        }
        self.records.extend(found);
        if self.records.is_empty() && self.buffer.len() > LONGEST_RECORD_BYTES {
            return Err(io::Error::other(format!(
                "the record at line {} does not end within {} MiB; is a quote or a bracket left open?",
                self.next_line,
                LONGEST_RECORD_BYTES >> 20
            )));
        }
        Ok(())
    }

    fn cut(&mut self, count: usize) -> Batch {
        let ranges: Vec<Range<u64>> = self.records.drain(..count).collect();
        let mut body = self.header.clone().unwrap_or_default();
        let header_lines = count_lines(&body);
        let header_bytes = body.len();
        for range in &ranges {
            body.extend_from_slice(self.take(range));
            if self.format == BodyFormat::Json {
                body.push(b'\n');
            }
        }
        let line_shift = (self.format != BodyFormat::Json).then_some(self.next_line - 1 - header_lines);
        self.next_line += count_lines(&body[header_bytes..]);
        let first_record = self.next_record;
        self.next_record += count as u64;
        Batch { body: body.into(), records: count as u64, first_record, line_shift }
    }

    /// The bytes of a record, which are not needed afterwards.
    fn take(&mut self, record: &Range<u64>) -> &[u8] {
        let start = (record.start - self.base) as usize;
        self.used = (record.end - self.base) as usize;
        &self.buffer[start..self.used]
    }
}

fn count_lines(bytes: &[u8]) -> i64 {
    memchr::memchr_iter(b'\n', bytes).count() as i64
}
