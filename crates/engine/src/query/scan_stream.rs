//! Scans of a stream's log up to the version that the query reads: events decoded as replay decodes them, and rejects.
//! One partition of the log is one partition of the scan; reading and decoding happen off the async workers.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::stream;
use highwater_api::{ApiError, ErrorKind};
use highwater_log::{Log, LogError, RecordBlock};
use highwater_model::{EventBatch, Offset, PartitionId};
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use highwater_sql::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;

use super::scan_batches::fit;
use crate::core::StreamRuntime;
use crate::error::EngineError;
use crate::rejects::reject_rows;

/// Bytes read from the log at a time.
const READ_BYTES: usize = 1 << 20;
/// Rows of a batch given to operators at most.
const BATCH_ROWS: usize = 8192;

/// A partition of a stream's log, or its rejects, between two offsets.
pub(super) struct LogPartition(Arc<Scan>);

struct Scan {
    log: Arc<dyn Log>,
    stream: Arc<StreamRuntime>,
    partition: PartitionId,
    offsets: Range<Offset>,
    schema: SchemaRef,
}

impl LogPartition {
    /// The records at these offsets, which the log held a moment ago; those given up are left out.
    pub(super) fn new(
        log: Arc<dyn Log>,
        stream: Arc<StreamRuntime>,
        partition: PartitionId,
        offsets: Range<Offset>,
        schema: SchemaRef,
    ) -> Self {
        Self(Arc::new(Scan { log, stream, partition, offsets, schema }))
    }
}

impl fmt::Debug for LogPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scan { stream, partition, offsets, .. } = self.0.as_ref();
        write!(f, "LogPartition({} {partition} {offsets:?})", stream.name)
    }
}

impl PartitionStream for LogPartition {
    fn schema(&self) -> &SchemaRef {
        &self.0.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let scan = Arc::clone(&self.0);
        let cursor = Cursor { next: scan.offsets.start, scan, ready: VecDeque::new() };
        let rows = stream::try_unfold(cursor, Cursor::advance);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0.schema), rows))
    }
}

/// How far a scan got.
struct Cursor {
    scan: Arc<Scan>,
    next: Offset,
    ready: VecDeque<RecordBatch>,
}

impl Cursor {
    async fn advance(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch, self)));
            }
            if self.next >= self.scan.offsets.end {
                return Ok(None);
            }
            let work = tokio::task::spawn_blocking(move || {
                self.fill()?;
                Ok::<_, DataFusionError>(self)
            });
            self = work.await.map_err(|error| external(ApiError::internal(format!("reading stopped: {error}"))))??;
        }
    }

    /// Reads and decodes the next records.
    fn fill(&mut self) -> Result<()> {
        let Scan { log, stream, partition, .. } = self.scan.as_ref();
        let blocks = match log.read(stream.id, *partition, self.next, READ_BYTES) {
            Ok(blocks) => blocks,
            Err(LogError::Truncated { .. }) => return Err(external(trimmed(stream))),
            Err(damage @ LogError::Damaged { .. }) => {
                let after = log.after_hole(stream.id, *partition, self.next);
                match after.map_err(|error| external(EngineError::from(error).into()))? {
                    Some(after) => self.next = after,
                    None => return Err(external(EngineError::from(damage).into())),
                }
                return Ok(());
            }
            Err(error) => return Err(external(EngineError::from(error).into())),
        };
        if blocks.is_empty() {
            let message = format!("{}, partition {partition}: no record at offset {}", stream.name, self.next);
            return Err(external(ApiError::internal(message)));
        }
        for block in blocks {
            if self.next >= self.scan.offsets.end {
                break;
            }
            self.push(&block)?;
        }
        Ok(())
    }

    fn push(&mut self, block: &RecordBlock) -> Result<()> {
        let rows = fit(self.scan.decode(block)?, &self.scan.schema)?;
        let wanted = self.scan.offsets.end.saturating_sub(block.base_offset);
        // Marks among the rejects are no rows.
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(rows.num_rows());
        for from in (0..wanted).step_by(BATCH_ROWS) {
            self.ready.push_back(rows.slice(from, BATCH_ROWS.min(wanted - from)));
        }
        self.next = block.base_offset + block.records.len() as u64;
        Ok(())
    }
}

impl Scan {
    fn decode(&self, block: &RecordBlock) -> Result<RecordBatch> {
        if self.partition.is_rejects() {
            let replayed = &self.stream.replayed;
            replayed.catch_up(self.log.as_ref(), self.stream.id).map_err(|error| external(error.into()))?;
            return Ok(reject_rows(block, replayed, self.offsets.end)?);
        }
        let rows = self.stream.decoder.decode_records(&block.records).map_err(|source| {
            let (stream, partition, offset) = (self.stream.name.to_string(), self.partition, block.base_offset);
            external(EngineError::Replay { stream, partition, offset, source }.into())
        })?;
        let (partition, base_offset) = (self.partition, block.base_offset);
        let events = EventBatch { partition, base_offset, ingested_at_micros: block.ingested_at_micros, rows };
        Ok(events.with_system_columns(&self.schema)?)
    }
}

fn trimmed(stream: &StreamRuntime) -> ApiError {
    let message = format!("records of {} passed their retention while they were read", stream.name);
    ApiError::new(ErrorKind::Unavailable, message).with_hint("run the query again")
}

fn external(error: ApiError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
