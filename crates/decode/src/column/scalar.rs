//! Values from JSON and from text, by column type: what is accepted for what.

use std::sync::Arc;

use jiter::{Jiter, NumberInt, Peek};

use super::base64;
use super::number::{decimal, json_float, json_integer, number_text, text_float, text_integer};
use super::values::{Blobs, Values};
use crate::fault::{Fault, Outcome};
use crate::json;
use crate::time::{DatePattern, parse_date};

impl Values {
    /// Appends the JSON value starting with `peek`, which is not `null`.
    #[inline]
    pub(super) fn push_json(&mut self, json: &mut Jiter, peek: Peek, depth: usize) -> Outcome {
        if let Self::Utf8(blobs) = self {
            return json_text(blobs, json, peek, depth);
        }
        match peek {
            Peek::String => self.push_json_string(json, depth),
            peek if peek.is_num() => self.push_number(json, peek),
            Peek::True | Peek::False => {
                let value = json.known_bool(peek)?;
                match self {
                    Self::Boolean(bits) => bits.append(value),
                    _ => return Fault::expected(self.wanted(), if value { "true" } else { "false" }),
                }
                Ok(())
            }
            Peek::Object => match self {
                Self::Struct(inner) => inner.push(json, depth),
                Self::Map(inner) => inner.push(json, depth),
                _ => Fault::value(format!("expected {}, found an object", self.wanted())),
            },
            Peek::Array => match self {
                Self::List(inner) => inner.push(json, depth),
                _ => Fault::value(format!("expected {}, found a list", self.wanted())),
            },
            _ => Err(json::no_value(json)),
        }
    }

    #[inline]
    fn push_json_string(&mut self, json: &mut Jiter, depth: usize) -> Outcome {
        let text = json.known_str()?;
        self.push_text(text, depth)
    }

    #[inline]
    fn push_number(&mut self, json: &mut Jiter, peek: Peek) -> Outcome {
        match self {
            Self::Int8(values) => values.push(json_integer(json, peek)?),
            Self::Int16(values) => values.push(json_integer(json, peek)?),
            Self::Int32(values) => values.push(json_integer(json, peek)?),
            Self::Int64(values) => values.push(json_integer(json, peek)?),
            Self::UInt8(values) => values.push(json_integer(json, peek)?),
            Self::UInt16(values) => values.push(json_integer(json, peek)?),
            Self::UInt32(values) => values.push(json_integer(json, peek)?),
            Self::UInt64(values) => values.push(json_integer(json, peek)?),
            Self::Float64(values) => values.push(json_float(json, peek)?),
            Self::Time { values, reader, .. } => {
                let value = match json.known_int(peek) {
                    Ok(NumberInt::Int(count)) => match reader.integer(count) {
                        Some(value) => value?,
                        None => reader.number(&count.to_string())?,
                    },
                    // A failed read moves nothing: the same number again, as text.
                    Err(_) => reader.number(number_text(json, peek)?)?,
                };
                values.push(value);
            }
            _ => {
                let text = number_text(json, peek)?;
                match self {
                    Self::Boolean(_) | Self::Float32(_) | Self::Decimal { .. } => return self.push_text(text, 0),
                    Self::Date { pattern: Some(_), .. } => return self.push_text(text, 0),
                    _ => return Fault::expected(self.wanted(), text),
                }
            }
        }
        Ok(())
    }

    /// Appends a text.
    #[inline]
    pub(super) fn push_text(&mut self, text: &str, depth: usize) -> Outcome {
        match self {
            Self::Boolean(bits) => bits.append(boolean(text)?),
            Self::Int8(values) => values.push(text_integer(text)?),
            Self::Int16(values) => values.push(text_integer(text)?),
            Self::Int32(values) => values.push(text_integer(text)?),
            Self::Int64(values) => values.push(text_integer(text)?),
            Self::UInt8(values) => values.push(text_integer(text)?),
            Self::UInt16(values) => values.push(text_integer(text)?),
            Self::UInt32(values) => values.push(text_integer(text)?),
            Self::UInt64(values) => values.push(text_integer(text)?),
            Self::Float32(values) => values.push(text_float(text, "REAL")?),
            Self::Float64(values) => values.push(text_float(text, "DOUBLE")?),
            Self::Decimal { values, precision, scale } => values.push(decimal(text, *precision, *scale)?),
            Self::Date { values, pattern } => values.push(date(text, pattern.as_ref())?),
            Self::Time { values, reader, .. } => values.push(reader.text(text)?),
            Self::Utf8(blobs) => blobs.push(text.as_bytes()),
            Self::Binary(blobs) => {
                if !base64::decode(text.trim_ascii().as_bytes(), &mut blobs.bytes) {
                    return Fault::expected("base64 text (RFC 4648)", text);
                }
                blobs.close();
            }
            Self::Struct(_) | Self::List(_) | Self::Map(_) => return self.push_nested_text(text, depth),
        }
        Ok(())
    }

    /// JSON inside a text, for a nested column.
    #[cold]
    fn push_nested_text(&mut self, text: &str, depth: usize) -> Outcome {
        let opening = if matches!(self, Self::List(_)) { '[' } else { '{' };
        if depth == 0 || !text.trim_ascii_start().starts_with(opening) {
            return Fault::expected(self.wanted(), text);
        }
        let mut inner = Jiter::new(text.as_bytes());
        let read = |values: &mut Self, inner: &mut Jiter| {
            let peek = inner.peek()?;
            values.push_json(inner, peek, depth - 1)?;
            Ok(inner.finish()?)
        };
        read(self, &mut inner).map_err(Fault::inside_text)
    }

    /// What the column wants, for reasons.
    fn wanted(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "true or false",
            Self::Int8(_)
            | Self::Int16(_)
            | Self::Int32(_)
            | Self::Int64(_)
            | Self::UInt8(_)
            | Self::UInt16(_)
            | Self::UInt32(_)
            | Self::UInt64(_) => "a whole number",
            Self::Float32(_) | Self::Float64(_) | Self::Decimal { .. } => "a number",
            Self::Date { .. } => "a date such as 2016-02-02",
            Self::Time { .. } => "a time",
            Self::Utf8(_) => "a text",
            Self::Binary(_) => "base64 text",
            Self::Struct(_) | Self::Map(_) => "an object",
            Self::List(_) => "a list",
        }
    }
}

/// A text column takes any value: strings as their content, everything else as its JSON source.
#[inline]
fn json_text(blobs: &mut Blobs, json: &mut Jiter, peek: Peek, depth: usize) -> Outcome {
    if peek == Peek::String {
        blobs.push(json.known_str()?.as_bytes());
        return Ok(());
    }
    let start = json.current_index();
    json::skip(json, peek, depth)?;
    let source = json.slice_to_current(start);
    if std::str::from_utf8(source).is_err() {
        return Fault::value("the JSON text is not valid UTF-8");
    }
    blobs.push(source);
    Ok(())
}

fn boolean(text: &str) -> Outcome<bool> {
    match text.trim_ascii() {
        "true" | "True" | "TRUE" | "t" | "T" | "1" => Ok(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Ok(false),
        other => Fault::expected("true or false", other),
    }
}

fn date(text: &str, pattern: Option<&Arc<DatePattern>>) -> Outcome<i32> {
    let text = text.trim_ascii();
    match pattern {
        None => parse_date(text.as_bytes()).map_or_else(|| Fault::expected("a date such as 2016-02-02", text), Ok),
        Some(pattern) => pattern
            .read(text)
            .or_else(|reason| Fault::expected(&format!("a date like '{}' ({reason})", pattern.text()), text)),
    }
}
