//! Where one record ends and the next begins, found as the bytes come. Splitting never judges: what is wrong stays in a
//! record of its own for the server to reject and keep.

use std::ops::Range;

use highwater_api::BodyFormat;

/// Finds records in a growing text. Positions count from its start.
#[derive(Debug)]
pub(super) enum Splitter {
    /// A record a line.
    Lines { start: u64 },
    /// RFC 4180: a line end inside quotes ends no record.
    Csv { start: u64, field: Field },
    /// JSON values, in an array, one a line, or run together.
    Json(Json),
}

/// Where in a CSV field we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted field: either its end or half of a doubled quote.
    QuoteInQuoted,
}

/// State of splitting JSON.
#[derive(Debug, Default)]
pub(super) struct Json {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The whole text is one array: its elements are the records.
    in_array: bool,
    begun: bool,
    /// Start of the record we are in.
    start: Option<u64>,
}

impl Splitter {
    /// For a text whose first record begins at `start`.
    pub(super) fn starting_at(format: BodyFormat, start: u64) -> Self {
        match format {
            BodyFormat::NdJson | BodyFormat::Text => Self::Lines { start },
            BodyFormat::Csv => Self::Csv { start, field: Field::Start },
            BodyFormat::Json => Self::Json(Json::default()),
        }
    }

    /// Looks at the next bytes, which lie at `base`; adds the records that end in them.
    pub(super) fn feed(&mut self, bytes: &[u8], base: u64, records: &mut Vec<Range<u64>>) {
        match self {
            Self::Lines { start } => {
                for at in memchr::memchr_iter(b'\n', bytes) {
                    let end = base + at as u64 + 1;
                    records.push(*start..end);
                    *start = end;
                }
            }
            Self::Csv { start, field } => {
                for (at, byte) in bytes.iter().enumerate() {
                    *field = match (*field, byte) {
                        (Field::Start | Field::Plain | Field::QuoteInQuoted, b'\n') => {
                            let end = base + at as u64 + 1;
                            records.push(*start..end);
                            *start = end;
                            Field::Start
                        }
                        (Field::Quoted, b'"') => Field::QuoteInQuoted,
                        (Field::Quoted, _) | (Field::Start | Field::QuoteInQuoted, b'"') => Field::Quoted,
                        (_, b',') => Field::Start,
                        _ => Field::Plain,
                    };
                }
            }
            Self::Json(json) => {
                for (at, byte) in bytes.iter().enumerate() {
                    json.step(*byte, base + at as u64, records);
                }
            }
        }
    }

    /// The record that the end of the text (at `end`) cuts off or ends without a line end.
    pub(super) fn finish(&self, end: u64) -> Option<Range<u64>> {
        let start = match self {
            Self::Lines { start } | Self::Csv { start, .. } => Some(*start),
            Self::Json(json) => json.start,
        };
        start.filter(|start| *start < end).map(|start| start..end)
    }
}

impl Json {
    fn step(&mut self, byte: u8, at: u64, records: &mut Vec<Range<u64>>) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        let first = !self.begun;
        self.begun |= !byte.is_ascii_whitespace();
        match byte {
            b'[' if first => self.in_array = true,
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.end(at, records);
                    self.start = Some(at);
                }
                self.depth += 1;
            }
            b']' if self.depth == 0 && self.in_array => self.end(at, records),
            b'}' | b']' => {
                self.start.get_or_insert(at);
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end(at + 1, records);
                }
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => self.end(at, records),
            b'"' => {
                self.start.get_or_insert(at);
                self.in_string = true;
            }
            _ => {
                self.start.get_or_insert(at);
            }
        }
    }

    fn end(&mut self, end: u64, records: &mut Vec<Range<u64>>) {
        if let Some(start) = self.start.take().filter(|start| *start < end) {
            records.push(start..end);
        }
    }
}
