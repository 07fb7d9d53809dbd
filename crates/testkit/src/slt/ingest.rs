//! The statement `INGEST stream format`, which only corpus files know.

use bytes::Bytes;
use highwater_api::BodyFormat;

use super::DoorError;

/// Records to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestText {
    /// The stream, `name` or `schema.name`.
    pub stream: String,
    /// How the records are written.
    pub format: BodyFormat,
    /// The records.
    pub body: Bytes,
}

impl IngestText {
    /// Reads the statement; `None` when it is another one.
    ///
    /// # Errors
    /// When it is incomplete.
    pub fn parse(statement: &str) -> Option<Result<Self, DoorError>> {
        let (head, body) = statement.split_once('\n').unwrap_or((statement, ""));
        let mut words = head.split_whitespace();
        if words.next() != Some("INGEST") {
            return None;
        }
        let format = |name: &str| match name {
            "ndjson" => Some(BodyFormat::NdJson),
            "json" => Some(BodyFormat::Json),
            "csv" => Some(BodyFormat::Csv),
            "text" => Some(BodyFormat::Text),
            _ => None,
        };
        Some(match (words.next(), words.next().and_then(format), words.next()) {
            (Some(stream), Some(format), None) => {
                Ok(Self { stream: stream.to_owned(), format, body: Bytes::copy_from_slice(body.as_bytes()) })
            }
            _ => Err(DoorError(format!("write INGEST stream ndjson|json|csv|text, not: {head}"))),
        })
    }
}
