//! How a rejected record is kept in its stream's hidden partition, and read back as a row of `<stream>_rejects`.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::ArrowError;
use bytes::Bytes;
use highwater_decode::{BodyFormat, Reject};
use highwater_log::RecordBlock;
use highwater_model::{Format, Offset};
use highwater_sql::rejects_schema;
use serde::{Deserialize, Serialize};

use crate::replayed::{Replayed, is_mark};

/// A rejected record with the reason, as JSON in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredReject {
    /// When, microseconds since the epoch.
    pub(crate) rejected_at: i64,
    /// Its number in the request, from 0.
    pub(crate) record: i64,
    /// Where it started in the body, from 0.
    pub(crate) byte: i64,
    /// Line of the body, from 1.
    pub(crate) line: i64,
    /// The column at fault.
    pub(crate) column: Option<String>,
    /// What is wrong.
    pub(crate) reason: String,
    /// The record itself, as text or base64.
    pub(crate) raw: String,
    /// `utf8` or `base64`.
    pub(crate) encoding: String,
    /// How the request was written: `ndjson`, `json`, `csv`, `text`. Not in the first ones that were stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// The header line of a CSV request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<String>,
    /// Not all of the record was kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
}

/// How a request was written.
pub(crate) struct Written<'a> {
    pub(crate) format: BodyFormat,
    /// The header line of a CSV body.
    pub(crate) header: Option<&'a [u8]>,
}

/// The formats under the names that are stored.
const FORMATS: [(BodyFormat, &str); 4] =
    [(BodyFormat::NdJson, "ndjson"), (BodyFormat::Json, "json"), (BodyFormat::Csv, "csv"), (BodyFormat::Text, "text")];

impl StoredReject {
    pub(crate) fn new(reject: &Reject, written: &Written<'_>, now: i64) -> Self {
        let (raw, encoding) = match std::str::from_utf8(&reject.raw) {
            Ok(text) => (text.to_owned(), "utf8"),
            Err(_) => (base64(&reject.raw), "base64"),
        };
        Self {
            rejected_at: now,
            record: reject.record.cast_signed(),
            byte: reject.byte.cast_signed(),
            line: reject.line.cast_signed(),
            column: reject.column.clone(),
            reason: reject.reason.clone(),
            raw,
            encoding: encoding.to_owned(),
            format: FORMATS.iter().find(|(format, _)| *format == written.format).map(|(_, name)| (*name).to_owned()),
            header: written.header.and_then(|header| std::str::from_utf8(header).ok()).map(str::to_owned),
            cut: !reject.whole,
        }
    }

    /// The record as a body, and how it is written; `declared` is the stream's own format, for those of which it was not
    /// stored. `None` when it can never be read: not all of it was kept, or it is no text.
    pub(crate) fn body(&self, declared: &Format) -> Option<(BodyFormat, Bytes)> {
        // Those that were stored first say so in their reason only.
        let was_cut =
            self.reason.ends_with(" bytes are kept)") || self.reason.starts_with("continues the rest of the body");
        if self.cut || was_cut || self.encoding != "utf8" {
            return None;
        }
        let known = self.format.as_deref().and_then(|name| FORMATS.iter().find(|(_, known)| *known == name));
        let format = match (known, declared) {
            (Some((format, _)), _) => *format,
            (None, Format::Json) => BodyFormat::NdJson,
            (None, Format::Text { .. }) => BodyFormat::Text,
        };
        let mut body = Vec::with_capacity(self.raw.len() + 1);
        if format == BodyFormat::Csv {
            body.extend_from_slice(self.header.as_deref()?.trim_end_matches(['\r', '\n']).as_bytes());
            body.push(b'\n');
        }
        body.extend_from_slice(self.raw.as_bytes());
        Some((format, body.into()))
    }
}

/// A block of the hidden partition as rows of `<stream>_rejects`: the rejects below `end`, and when they were replayed.
pub(crate) fn reject_rows(block: &RecordBlock, replayed: &Replayed, end: Offset) -> Result<RecordBatch, ArrowError> {
    let (mut offsets, mut stored) = (Vec::new(), Vec::new());
    for (offset, record) in (block.base_offset..end).zip(block.records.iter()) {
        if is_mark(record) {
            continue;
        }
        let reject = serde_json::from_slice::<StoredReject>(record);
        stored.push(reject.map_err(|error| ArrowError::JsonError(format!("a rejected record: {error}")))?);
        offsets.push(offset);
    }
    let replayed_at: TimestampMicrosecondArray = offsets.iter().map(|offset| replayed.at(*offset, end)).collect();
    let text =
        |of: fn(&StoredReject) -> &str| Arc::new(StringArray::from_iter_values(stored.iter().map(of))) as ArrayRef;
    let number =
        |of: fn(&StoredReject) -> i64| Arc::new(Int64Array::from_iter_values(stored.iter().map(of))) as ArrayRef;
    let at = stored.iter().map(|reject| reject.rejected_at);
    RecordBatch::try_new(
        rejects_schema(),
        vec![
            Arc::new(TimestampMicrosecondArray::from_iter_values(at).with_timezone("UTC")),
            number(|reject| reject.record),
            number(|reject| reject.byte),
            number(|reject| reject.line),
            Arc::new(stored.iter().map(|reject| reject.column.as_deref()).collect::<StringArray>()),
            text(|reject| &reject.reason),
            text(|reject| &reject.raw),
            text(|reject| &reject.encoding),
            Arc::new(stored.iter().map(|reject| reject.format.as_deref()).collect::<StringArray>()),
            Arc::new(replayed_at.with_timezone("UTC")),
            Arc::new(Int64Array::from_iter_values(offsets.iter().map(|offset| offset.cast_signed()))),
        ],
    )
}

/// Base64 of RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = (group >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_follows_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
