//! Splitting a record of delimited text into fields, quoted as in RFC 4180 or not at all. Used by text and CSV bodies.

use crate::fault::{Fault, Outcome};

/// How fields are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// One ASCII byte.
    pub(super) delimiter: u8,
    /// Whether a field may be quoted with `"`, a quote inside written twice.
    pub(super) quoted: bool,
    /// Whether blanks around an unquoted field are dropped.
    pub(super) trim: bool,
    /// Whether a record that starts with `{` is one line of JSON, whose quotes are its own affair.
    pub(super) json: bool,
}

/// One field of a record.
pub(super) struct Field<'a> {
    pub(super) text: &'a str,
    /// Whether it was quoted: an empty unquoted field is NULL, a quoted one is an empty text.
    pub(super) quoted: bool,
}

impl Dialect {
    /// Where the record at the front of `text` ends, without its line end. A quoted field may hold line ends; when the
    /// quotes of such a record do not pair up, `None`: only the first line is the broken record.
    pub(super) fn record_end(self, text: &[u8]) -> Option<usize> {
        let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
        if !self.quoted || self.json && text.first() == Some(&b'{') || memchr::memchr(b'"', &text[..line]).is_none() {
            return Some(line);
        }
        let mut at = 0;
        loop {
            at = self.field_end(text, at)?;
            match text.get(at) {
                Some(byte) if *byte == self.delimiter => at += 1,
                _ => return Some(at),
            }
        }
    }

    /// Hands each field of a record to `take`. `scratch` holds fields with doubled quotes while they are taken.
    pub(super) fn split(
        self,
        record: &str,
        scratch: &mut Vec<u8>,
        mut take: impl FnMut(usize, Field) -> Outcome,
    ) -> Outcome {
        let bytes = record.as_bytes();
        let mut start = 0;
        for number in 0.. {
            let first = if self.trim { self.skip_blanks(bytes, start) } else { start };
            let quoted = self.quoted && bytes.get(first) == Some(&b'"');
            let end = if quoted {
                let Some(end) = self.field_end(bytes, start) else {
                    return Fault::value(format!("the quotes of field {} do not pair up", number + 1));
                };
                take(number, Field { text: unquote(&record[first..end], scratch), quoted })?;
                end
            } else {
                let end = memchr::memchr(self.delimiter, &bytes[start..]).map_or(bytes.len(), |at| start + at);
                take(number, Field { text: self.trimmed(&record[start..end]), quoted })?;
                end
            };
            if end == bytes.len() {
                break;
            }
            start = end + 1;
        }
        Ok(())
    }

    /// The end of the field at `start`: its delimiter, the end of its line or of the text.
    fn field_end(self, text: &[u8], start: usize) -> Option<usize> {
        let first = if self.trim { self.skip_blanks(text, start) } else { start };
        let mut at = first;
        if text.get(first) == Some(&b'"') {
            at += 1;
            loop {
                at += memchr::memchr(b'"', text.get(at..)?)? + 1;
                match text.get(at) {
                    Some(b'"') => at += 1,
                    _ => break,
                }
            }
            if self.trim {
                at = self.skip_blanks(text, at);
            }
            // Only a line end or a delimiter may follow.
            return match &text[at..] {
                [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..] => Some(self.line_end(text, at)),
                [byte, ..] if *byte == self.delimiter => Some(at),
                _ => None,
            };
        }
        Some(memchr::memchr2(self.delimiter, b'\n', &text[at..]).map_or(text.len(), |end| at + end))
    }

    /// A carriage return before the line end belongs to the line end.
    fn line_end(self, text: &[u8], at: usize) -> usize {
        if text[at..].starts_with(b"\r") { at + 1 } else { at }
    }

    fn skip_blanks(self, text: &[u8], at: usize) -> usize {
        text[at..].iter().position(|byte| !self.is_blank(*byte)).map_or(text.len(), |blanks| at + blanks)
    }

    pub(super) fn is_blank(self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t') && byte != self.delimiter
    }

    fn trimmed(self, field: &str) -> &str {
        if self.trim { field.trim_ascii() } else { field }
    }
}

/// The content of a quoted field (with what blanks follow it).
fn unquote<'a>(field: &'a str, scratch: &'a mut Vec<u8>) -> &'a str {
    let last = field.rfind('"').unwrap_or(field.len());
    let inner = field.get(1..last).unwrap_or("");
    if !inner.contains('"') {
        return inner;
    }
    scratch.clear();
    let mut parts = inner.split("\"\"");
    scratch.extend_from_slice(parts.next().unwrap_or("").as_bytes());
    for part in parts {
        scratch.push(b'"');
        scratch.extend_from_slice(part.as_bytes());
    }
    // Made of pieces of a `str`, so it always is one.
    std::str::from_utf8(scratch).unwrap_or("")
}
