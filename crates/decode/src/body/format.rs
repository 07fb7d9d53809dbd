//! The formats of bodies and the way to each one's reader.

use bytes::Bytes;

use super::{csv, json, text};
use crate::{DecodeError, Decoded, Decoder};

/// How the body of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON object a line. An array, one object over several lines, and objects run together are read too.
    NdJson,
    /// An array of objects, one object, or objects run together. One object a line is read too.
    Json,
    /// A header line, then rows, quoted as in RFC 4180; columns are matched by name.
    Csv,
    /// The stream's declared text layout, one record a line; lines that start with `{` are JSON.
    Text,
}

/// Decodes a body.
pub(crate) fn decode(decoder: &Decoder, format: BodyFormat, body: &Bytes) -> Result<Decoded, DecodeError> {
    match format {
        BodyFormat::NdJson => json::decode(decoder, body, true),
        BodyFormat::Json => json::decode(decoder, body, false),
        BodyFormat::Csv => csv::decode(decoder, body),
        BodyFormat::Text => text::decode(decoder, body),
    }
}

/// Where the records start: after a byte order mark, if there is one.
pub(super) fn start_of(body: &[u8]) -> usize {
    if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}
