//! Text bodies in the stream's declared layout, and the layout itself, which replay uses too.

use std::ops::Range;

use bytes::Bytes;
use highwater_model::StreamSchema;

use super::collector::Collector;
use super::fields::Dialect;
use super::format::start_of;
use crate::fault::{Fault, Outcome};
use crate::{DecodeError, Decoded, Decoder};

/// A compiled text layout.
#[derive(Debug)]
pub(crate) struct TextLayout {
    dialect: Dialect,
    /// What separates the fields of a line without the delimiter.
    fallback_delimiter: Option<u8>,
    /// For each field its column, or `None` when it is skipped.
    columns: Vec<Option<usize>>,
}

impl TextLayout {
    pub(crate) fn new(
        schema: &StreamSchema,
        delimiter: u8,
        layout: &[String],
        quoted: bool,
        fallback_delimiter: Option<u8>,
    ) -> Result<Self, DecodeError> {
        let wrong = |reason: String| Err(DecodeError::Schema(reason));
        for delimiter in fallback_delimiter.into_iter().chain([delimiter]) {
            if !delimiter.is_ascii()
                || delimiter.is_ascii_alphanumeric()
                || matches!(delimiter, b'\n' | b'\r' | b'"' | b'{')
            {
                return wrong(format!("'{}' cannot delimit fields; use ; , | or a tab", char::from(delimiter)));
            }
        }
        if quoted && fallback_delimiter.is_some() {
            return wrong("quoted fields have one delimiter; leave out fallback_delimiter".to_owned());
        }
        let columns: Vec<Option<usize>> = layout.iter().map(|name| schema.index_of(name)).collect();
        if columns.iter().all(Option::is_none) {
            return wrong(format!("the layout ({}) names no column of the stream", layout.join(", ")));
        }
        for (field, column) in columns.iter().enumerate() {
            if column.is_some() && columns[..field].contains(column) {
                return wrong(format!("the layout names column \"{}\" twice", layout[field]));
            }
        }
        Ok(Self { dialect: Dialect { delimiter, quoted, trim: true, json: true }, fallback_delimiter, columns })
    }

    /// Reads one record, handing each field that is not NULL to `append` with its column.
    pub(crate) fn read(
        &self,
        record: &[u8],
        scratch: &mut Vec<u8>,
        mut append: impl FnMut(usize, &str) -> Outcome,
    ) -> Outcome {
        let text = match std::str::from_utf8(record) {
            Ok(text) => text,
            Err(error) => {
                return Fault::value(format!("the record is not valid UTF-8 at its byte {}", error.valid_up_to()));
            }
        };
        let dialect = match self.fallback_delimiter {
            Some(delimiter) if memchr::memchr(self.dialect.delimiter, record).is_none() => {
                Dialect { delimiter, ..self.dialect }
            }
            _ => self.dialect,
        };
        dialect.split(text, scratch, |number, field| match self.columns.get(number) {
            None => Fault::value(format!("the record has more than the {} fields of the layout", self.columns.len())),
            Some(Some(column)) if field.quoted || !field.text.is_empty() => append(*column, field.text),
            Some(_) => Ok(()),
        })
    }
}

/// Decodes a body in the stream's layout.
pub(super) fn decode(decoder: &Decoder, body: &Bytes) -> Result<Decoded, DecodeError> {
    let Some(layout) = &decoder.text else {
        let hint = "the stream is declared as JSON and has no text layout; send application/x-ndjson, application/json \
                    or text/csv with a header line, or declare the stream with a text format";
        return Err(DecodeError::Format(hint.to_owned()));
    };
    let mut collector = Collector::new(decoder, body);
    let mut start = start_of(body);
    while start < body.len() {
        let (record, next, whole) = next_record(layout.dialect, body, start);
        if !body[record.clone()].iter().all(|byte| layout.dialect.is_blank(*byte)) {
            let outcome = match whole {
                true => collector.rows.read_stored(&body[record.clone()]),
                false => Fault::value("the quotes of the record do not pair up"),
            };
            collector.settle(outcome, record.clone(), record);
        }
        start = next;
    }
    collector.finish(None)
}

/// The record at `start`, where the next one starts, and whether its quotes pair up (if not, it is one line).
pub(super) fn next_record(dialect: Dialect, body: &[u8], start: usize) -> (Range<usize>, usize, bool) {
    let rest = &body[start..];
    let whole = dialect.record_end(rest);
    let end = start + whole.unwrap_or_else(|| memchr::memchr(b'\n', rest).unwrap_or(rest.len()));
    let content = if body[start..end].ends_with(b"\r") { end - 1 } else { end };
    (start..content, end + 1, whole.is_some())
}
