//! CSV bodies with a header line. Each row becomes a JSON object of texts, so that the stored record stands alone
//! whatever order of columns the next file has; that object is then decoded like any other.

use std::ops::Range;

use bytes::Bytes;
use highwater_model::Column;

use super::collector::Collector;
use super::fields::{Dialect, Field};
use super::format::start_of;
use super::text::next_record;
use crate::fault::{Fault, Outcome};
use crate::record::path_of;
use crate::{DecodeError, Decoded, Decoder};

/// Decodes a CSV body.
pub(super) fn decode(decoder: &Decoder, body: &Bytes) -> Result<Decoded, DecodeError> {
    let mut collector = Collector::new(decoder, body);
    let mut source = Vec::with_capacity(body.len() * 2);
    let mut start = start_of(body);
    while start < body.len() && matches!(body[start], b'\n' | b'\r') {
        start += 1;
    }
    if start == body.len() {
        return collector.finish(Some(source));
    }
    let begin = start;
    let (header, mut start) = Header::read(&decoder.declared.columns, body, start)?;
    let line = body.slice(begin..start.min(body.len()));
    let mut row = Row::default();
    while start < body.len() {
        let (record, next, whole) = next_record(header.dialect, body, start);
        start = next;
        if record.is_empty() {
            continue;
        }
        let written = source.len();
        let outcome = match whole {
            true => row.read(&header, &body[record.clone()]),
            false => Fault::value("the quotes of the row do not pair up"),
        };
        let outcome = outcome.and_then(|()| {
            header.object.write(&row, &mut source);
            collector.check_size(source.len() - written)?;
            if i32::try_from(source.len()).is_err() {
                return Fault::value("the body's records exceed 2 GiB as JSON; send it in smaller batches");
            }
            collector.rows.read_json(&source[written..]).map(drop)
        });
        let end = source.len();
        if !collector.settle(outcome, record, written..end) {
            source.truncate(written);
        }
    }
    Ok(Decoded { header: Some(line), ..collector.finish(Some(source))? })
}

/// The header line: which field goes where.
struct Header {
    dialect: Dialect,
    fields: usize,
    object: Object,
}

/// The shape of the JSON object of a row: each key with the field, or the object, it holds.
#[derive(Default)]
struct Object(Vec<(String, Value)>);

enum Value {
    Field(usize),
    Object(Object),
}

impl Header {
    /// Reads the header at `start`; returns where the rows start. Fields may be separated by `,`, `;` or a tab,
    /// whichever makes the header name a column.
    fn read(columns: &[Column], body: &[u8], start: usize) -> Result<(Self, usize), DecodeError> {
        let mut first = Vec::new();
        for delimiter in [b',', b';', b'\t'] {
            let dialect = Dialect { delimiter, quoted: true, trim: false, json: false };
            let (record, next, _) = next_record(dialect, body, start);
            let names = names(dialect, &body[record])?;
            let mut object = Object::new(columns, &names)?;
            if !object.0.is_empty() {
                object.keep_others(columns, &names);
                return Ok((Self { dialect, fields: names.len(), object }, next));
            }
            if first.is_empty() {
                first = names;
            }
        }
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Err(DecodeError::Format(format!(
            "the CSV header ({}) names no column of the stream ({}); the first line must hold the column names",
            first.join(", "),
            known.join(", ")
        )))
    }
}

fn names(dialect: Dialect, header: &[u8]) -> Result<Vec<String>, DecodeError> {
    let text =
        std::str::from_utf8(header).map_err(|_| DecodeError::Format("the CSV header is not valid UTF-8".to_owned()))?;
    let mut names = Vec::new();
    dialect
        .split(text, &mut Vec::new(), |_, field| {
            names.push(field.text.trim().to_owned());
            Ok(())
        })
        .map_err(|_| DecodeError::Format("the quotes of the CSV header do not pair up".to_owned()))?;
    Ok(names)
}

impl Object {
    fn new(columns: &[Column], names: &[String]) -> Result<Self, DecodeError> {
        let mut root = Self::default();
        for (field, name) in names.iter().enumerate() {
            if let Some(column) = find(columns, name) {
                root.insert(&path_of(column), field).map_err(|()| {
                    DecodeError::Format(format!(
                        "the CSV header names column \"{}\" (or a part of it) more than once, the last time as \"{name}\"",
                        column.name
                    ))
                })?;
            }
        }
        Ok(root)
    }

    /// Keeps the fields that no column wants under their own names, for columns that are added later.
    fn keep_others(&mut self, columns: &[Column], names: &[String]) {
        for (field, name) in names.iter().enumerate() {
            if !name.is_empty() && find(columns, name).is_none() {
                // A name that comes again, or that is an object by the path of a column, is kept once.
                let _ = self.insert(&[name], field);
            }
        }
    }

    fn insert(&mut self, path: &[&str], field: usize) -> Result<(), ()> {
        let Some((name, rest)) = path.split_first() else { return Err(()) };
        let found = self.0.iter().position(|(key, _)| key == name);
        if rest.is_empty() {
            return match found {
                Some(_) => Err(()),
                None => {
                    self.0.push(((*name).to_owned(), Value::Field(field)));
                    Ok(())
                }
            };
        }
        let at = found.unwrap_or_else(|| {
            self.0.push(((*name).to_owned(), Value::Object(Self::default())));
            self.0.len() - 1
        });
        match &mut self.0[at].1 {
            Value::Object(inner) => inner.insert(rest, field),
            Value::Field(_) => Err(()),
        }
    }

    /// Writes the object of a row, leaving out what is NULL.
    fn write(&self, row: &Row, to: &mut Vec<u8>) {
        to.push(b'{');
        let mut first = true;
        for (key, value) in &self.0 {
            let field = match value {
                Value::Field(field) => match row.get(*field) {
                    Some(text) => Some(text),
                    None => continue,
                },
                Value::Object(_) => None,
            };
            if !std::mem::take(&mut first) {
                to.push(b',');
            }
            write_string(key.as_bytes(), to);
            to.push(b':');
            match (field, value) {
                (Some(text), _) => write_string(text, to),
                (None, Value::Object(inner)) => inner.write(row, to),
                (None, Value::Field(_)) => to.extend_from_slice(b"null"),
            }
        }
        to.push(b'}');
    }
}

/// The column a header names: by name, by dotted path or by the path's last key; in that order exactly, then with
/// letters of either case if only one column fits.
fn find<'a>(columns: &'a [Column], name: &str) -> Option<&'a Column> {
    let by: [fn(&Column) -> String; 3] = [
        |column| column.name.clone(),
        |column| path_of(column).join("."),
        |column| path_of(column).last().map(|key| (*key).to_owned()).unwrap_or_default(),
    ];
    let exact = by.iter().find_map(|text| columns.iter().find(|column| text(column) == name));
    exact.or_else(|| {
        by.iter().find_map(|text| {
            let mut fitting = columns.iter().filter(|column| text(column).eq_ignore_ascii_case(name));
            let first = fitting.next();
            if fitting.next().is_none() { first } else { None }
        })
    })
}

/// The fields of one row, unquoted, end to end.
#[derive(Default)]
struct Row {
    bytes: Vec<u8>,
    fields: Vec<Option<Range<usize>>>,
    scratch: Vec<u8>,
}

impl Row {
    fn read(&mut self, header: &Header, record: &[u8]) -> Outcome {
        let text = match std::str::from_utf8(record) {
            Ok(text) => text,
            Err(error) => {
                return Fault::value(format!("the row is not valid UTF-8 at its byte {}", error.valid_up_to()));
            }
        };
        let Self { bytes, fields, scratch } = self;
        bytes.clear();
        fields.clear();
        header.dialect.split(text, scratch, |number, Field { text, quoted }| {
            if number >= header.fields {
                return Fault::value(format!("the row has more than the {} fields of the header", header.fields));
            }
            let start = bytes.len();
            bytes.extend_from_slice(text.as_bytes());
            fields.push((quoted || !text.is_empty()).then_some(start..bytes.len()));
            Ok(())
        })
    }

    fn get(&self, field: usize) -> Option<&[u8]> {
        self.fields.get(field)?.clone().map(|range| &self.bytes[range])
    }
}

/// A JSON string.
fn write_string(text: &[u8], to: &mut Vec<u8>) {
    to.push(b'"');
    for byte in text {
        match byte {
            b'"' => to.extend_from_slice(b"\\\""),
            b'\\' => to.extend_from_slice(b"\\\\"),
            0..0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                to.extend_from_slice(b"\\u00");
                to.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            byte => to.push(*byte),
        }
    }
    to.push(b'"');
}
