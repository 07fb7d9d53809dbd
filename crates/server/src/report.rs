//! The report of an ingest request as JSON, the same over HTTP and WebSocket. Field names equal
//! `highwater_api::IngestReport`, so that a client in Rust may read either.

use highwater_api::{IngestReport, RejectedRecord};
use highwater_model::PartitionRange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a batch of events. All of it is durable when the report is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IngestReport)]
pub struct IngestDocument {
    /// The stream, qualified.
    #[schema(example = "rankmysteps.steps")]
    pub stream: String,
    /// How many records were stored; 0 for a duplicate.
    #[schema(minimum = 0)]
    pub accepted: u64,
    /// How many records were refused and kept raw in `<stream>_rejects`.
    #[schema(minimum = 0)]
    pub rejected: u64,
    /// Whether this producer and sequence was stored before; then nothing was stored now.
    pub duplicate: bool,
    /// Where the accepted records lie in the log.
    pub offsets: Vec<RangeDocument>,
    /// The first refused records, at most 100.
    #[schema(max_items = 100)]
    pub rejects: Vec<RejectDocument>,
}

/// A run of records of one partition: `first` up to, not including, `next`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OffsetRange)]
pub struct RangeDocument {
    /// The partition, from 0.
    #[schema(minimum = 0)]
    pub partition: u32,
    /// Offset of the first record.
    #[schema(minimum = 0)]
    pub first: u64,
    /// Offset after the last record.
    #[schema(minimum = 0)]
    pub next: u64,
}

/// One refused record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RejectedRecord)]
pub struct RejectDocument {
    /// Its number in the body, from 0.
    #[schema(minimum = 0)]
    pub record: u64,
    /// Where it starts in the body, in bytes from 0.
    #[schema(minimum = 0)]
    pub byte: u64,
    /// The line of the body where it starts, from 1.
    #[schema(minimum = 0)]
    pub line: u64,
    /// The column at fault, when one is.
    pub column: Option<String>,
    /// What is wrong and what was expected.
    pub reason: String,
}

impl From<IngestReport> for IngestDocument {
    fn from(report: IngestReport) -> Self {
        Self {
            stream: report.stream,
            accepted: report.accepted,
            rejected: report.rejected,
            duplicate: report.duplicate,
            // The hidden partition of rejects is the log's own affair.
            offsets: report.offsets.into_iter().filter(|o| !o.partition.is_rejects()).map(Into::into).collect(),
            rejects: report.rejects.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PartitionRange> for RangeDocument {
    fn from(range: PartitionRange) -> Self {
        Self { partition: range.partition.0, first: range.first, next: range.next }
    }
}

impl From<RejectedRecord> for RejectDocument {
    fn from(record: RejectedRecord) -> Self {
        Self {
            record: record.record,
            byte: record.byte,
            line: record.line,
            column: record.column,
            reason: record.reason,
        }
    }
}
