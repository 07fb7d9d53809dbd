//! How a rejected record is kept in its stream's hidden partition, and read back as a row of `<stream>_rejects`.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::ArrowError;
use highwater_decode::Reject;
use highwater_log::RecordBlock;
use highwater_sql::rejects_schema;
use serde::{Deserialize, Serialize};

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
}

impl StoredReject {
    pub(crate) fn new(reject: &Reject, now: i64) -> Self {
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
        }
    }
}

/// A block of the hidden partition as rows of `<stream>_rejects`.
pub(crate) fn reject_rows(block: &RecordBlock) -> Result<RecordBatch, ArrowError> {
    let stored = block.records.iter().map(serde_json::from_slice::<StoredReject>).collect::<Result<Vec<_>, _>>();
    let stored = stored.map_err(|error| ArrowError::JsonError(format!("a rejected record: {error}")))?;
    let text =
        |of: fn(&StoredReject) -> &str| Arc::new(StringArray::from_iter_values(stored.iter().map(of))) as ArrayRef;
    let number =
        |of: fn(&StoredReject) -> i64| Arc::new(Int64Array::from_iter_values(stored.iter().map(of))) as ArrayRef;
    let at = stored.iter().map(|reject| reject.rejected_at);
    let base = block.base_offset.cast_signed();
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
            Arc::new(Int64Array::from_iter_values(base..base + stored.len() as i64)),
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
