//! Ingest: what a producer sends and what it is told.

use bytes::Bytes;
use highwater_model::PartitionRange;
use serde::{Deserialize, Serialize};

/// How the body of an ingest request is written; from its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// `application/x-ndjson`: one JSON object a line.
    NdJson,
    /// `application/json`: an array, one object, or objects run together.
    Json,
    /// `text/csv`: header line first, quoted as in RFC 4180; columns are matched by name.
    Csv,
    /// `text/plain`: the stream's declared layout.
    Text,
}

/// A producer's stamp on a batch: the same stamp twice is stored once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerStamp {
    /// The producer's name for itself, 1 to 128 characters.
    pub producer: String,
    /// Counts the producer's batches to this stream, without gaps.
    pub sequence: u64,
}

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// The stream, `name` or `schema.name`.
    pub stream: String,
    /// How `body` is written.
    pub format: BodyFormat,
    /// The records, uncompressed.
    pub body: Bytes,
    /// The producer's stamp, if it wants retries stored once.
    pub stamp: Option<ProducerStamp>,
    /// Answer only when the events are visible in every view (otherwise as soon as they are durable).
    pub wait_visible: bool,
}

/// One record that was not accepted. It is kept raw in `<stream>_rejects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// The record's number in the request, from 0.
    pub record: u64,
    /// Where it starts in the body, in bytes from 0.
    pub byte: u64,
    /// Line of the body where it starts, from 1.
    pub line: u64,
    /// The column at fault, when one is.
    pub column: Option<String>,
    /// What is wrong and what was expected.
    pub reason: String,
}

/// What became of an ingest request. All of it is durable when the report is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestReport {
    /// The stream, qualified.
    pub stream: String,
    /// How many records were stored (for a duplicate: 0).
    pub accepted: u64,
    /// How many records went to the rejects.
    pub rejected: u64,
    /// Whether this stamp was stored before; then nothing was stored now.
    pub duplicate: bool,
    /// Where the records lie in the log.
    pub offsets: Vec<PartitionRange>,
    /// The first rejected records, at most [`IngestReport::MAX_LISTED`].
    pub rejects: Vec<RejectedRecord>,
}

impl IngestReport {
    /// How many rejected records a report lists; all are in `<stream>_rejects`.
    pub const MAX_LISTED: usize = 100;
}
