//! Why a whole body, a schema or a replay cannot be decoded. What is wrong with one record is a [`crate::Reject`].

use arrow_schema::ArrowError;

/// Why decoding as a whole is impossible; nothing was decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A declared column cannot be decoded as declared.
    #[error("column \"{column}\": {reason}")]
    Column {
        /// The column's SQL name.
        column: String,
        /// What is wrong and what to declare instead.
        reason: String,
    },
    /// The schema is wrong apart from any single column.
    #[error("{0}")]
    Schema(String),
    /// The body's format does not fit the stream.
    #[error("{0}")]
    Format(String),
    /// The body (or what it unpacks to) is larger than allowed.
    #[error("the body is larger than {limit} bytes; send it in smaller batches")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A gzip body is damaged, cut short or no gzip at all.
    #[error("the gzip body cannot be unpacked: {reason}")]
    Gzip {
        /// What is wrong with it.
        reason: String,
        /// The unpacker's own error.
        #[source]
        source: Option<std::io::Error>,
    },
    /// A stored record does not decode under the schema it is replayed with.
    #[error("stored record {record} does not decode{}: {reason}", .column.as_ref().map(|c| format!(" (column \"{c}\")")).unwrap_or_default())]
    Record {
        /// The record's index among the records given.
        record: u64,
        /// The column at fault, when one is.
        column: Option<String>,
        /// What is wrong.
        reason: String,
    },
    /// Arrow refused columns built here: a defect of this crate.
    #[error("the decoded columns do not fit the schema")]
    Arrow(#[from] ArrowError),
}

impl DecodeError {
    pub(crate) fn column(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Column { column: column.into(), reason: reason.into() }
    }
}
