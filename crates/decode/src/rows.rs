//! The columns of one body while they grow: reads one record at a time, then the caller commits it or rolls it back.

use std::mem::take;

use arrow_array::{RecordBatch, RecordBatchOptions};
use jiter::{Jiter, Peek};

use crate::column::ColumnBuilder;
use crate::fault::{Fault, Outcome};
use crate::json::{self, MAX_DEPTH};
use crate::record::{Orders, fill, walk};
use crate::{DecodeError, Decoder};

/// Growing rows. After a `read_*` the row is only proposed; a failed read must be rolled back (or is, by the next one).
pub(crate) struct RowReader<'d> {
    decoder: &'d Decoder,
    columns: Vec<ColumnBuilder>,
    orders: Orders,
    rows: usize,
    /// The parser's buffer for strings with escapes, kept from record to record.
    tape: Vec<u8>,
    /// The buffer for quoted fields with quotes in them.
    unquoted: Vec<u8>,
    /// The object that the last record, a JSON string, held.
    unwrapped: Option<String>,
}

impl<'d> RowReader<'d> {
    /// A reader of new records.
    pub(crate) fn new(decoder: &'d Decoder, rows: usize) -> Self {
        Self::of(decoder, rows, false)
    }

    /// A reader of records that were accepted once, perhaps before columns were added: where those do not fit, they are
    /// NULL.
    pub(crate) fn stored(decoder: &'d Decoder, rows: usize) -> Self {
        Self::of(decoder, rows, true)
    }

    fn of(decoder: &'d Decoder, rows: usize, stored: bool) -> Self {
        Self {
            decoder,
            columns: decoder.columns.iter().map(|plan| ColumnBuilder::new(plan, rows, stored)).collect(),
            orders: Orders::new(&decoder.object),
            rows: 0,
            tape: Vec::new(),
            unquoted: Vec::new(),
            unwrapped: None,
        }
    }

    /// Accepts the row that was read.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.rows += 1;
    }

    /// Drops the row that was read, or what a failed read left of it.
    #[cold]
    pub(crate) fn roll_back(&mut self) {
        let rows = self.rows;
        self.unwrapped = None;
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }

    /// The object inside the last record read, when that record was a JSON string.
    pub(crate) fn take_unwrapped(&mut self) -> Option<String> {
        self.unwrapped.take()
    }

    /// Reads the JSON record at the front of `data`; returns where it ends.
    #[inline]
    pub(crate) fn read_json(&mut self, data: &[u8]) -> Outcome<usize> {
        let mut json = Jiter::with_tape(data, take(&mut self.tape));
        let outcome = self.read_value(&mut json);
        let end = json.current_index();
        self.tape = json.into_tape();
        outcome?;
        fill(&mut self.columns, self.rows)?;
        Ok(end)
    }

    /// Reads one line (without its end) of the stream's text layout.
    pub(crate) fn read_text(&mut self, line: &[u8]) -> Outcome {
        let Some(layout) = &self.decoder.text else {
            return Fault::value("the stream has no text layout");
        };
        let rows = self.rows;
        layout.read(line, &mut self.unquoted, |column, text| {
            let column = &mut self.columns[column];
            match column.append_text(text, MAX_DEPTH) {
                Err(_) if column.is_lenient() => column.truncate(rows),
                outcome => return outcome.map_err(|fault| fault.within(column.name())),
            }
            Ok(())
        })?;
        fill(&mut self.columns, self.rows)
    }

    /// Reads one stored record, whole. In a stream of text a record that starts with `{` is JSON.
    pub(crate) fn read_stored(&mut self, record: &[u8]) -> Outcome {
        if self.decoder.text.is_some() && record.first() != Some(&b'{') {
            return self.read_text(record);
        }
        let end = self.read_json(record)?;
        match record[end..].iter().position(|byte| !byte.is_ascii_whitespace()) {
            None => Ok(()),
            Some(at) => Err(Box::new(Fault::Syntax { at: end + at, reason: "more text after the record".to_owned() })),
        }
    }

    /// The rows.
    pub(crate) fn finish(self) -> Result<RecordBatch, DecodeError> {
        let columns = self.columns.into_iter().map(ColumnBuilder::finish).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        Ok(RecordBatch::try_new_with_options(self.decoder.arrow.clone(), columns, &options)?)
    }

    #[inline]
    fn read_value(&mut self, json: &mut Jiter) -> Outcome {
        match json.peek()? {
            Peek::Object => walk(&self.decoder.object, &mut self.orders, &mut self.columns, self.rows, json, MAX_DEPTH),
            Peek::String => self.read_wrapped(json),
            peek => {
                json::skip(json, peek, MAX_DEPTH)?;
                let found = match peek {
                    Peek::Array => "a list",
                    Peek::Null => "null",
                    Peek::True | Peek::False => "a boolean",
                    _ => "a number",
                };
                Fault::value(format!("a record must be a JSON object, found {found}"))
            }
        }
    }

    /// JSON encoded twice: a string that holds the object.
    #[cold]
    fn read_wrapped(&mut self, json: &mut Jiter) -> Outcome {
        let text = json.known_str()?.trim_ascii().to_owned();
        if !text.starts_with('{') {
            return Fault::value("a record must be a JSON object, found a text that holds none");
        }
        let mut inner = Jiter::new(text.as_bytes());
        let read = walk(&self.decoder.object, &mut self.orders, &mut self.columns, self.rows, &mut inner, MAX_DEPTH);
        read.and_then(|()| Ok(inner.finish()?)).map_err(Fault::inside_text)?;
        self.unwrapped = Some(text);
        Ok(())
    }
}
