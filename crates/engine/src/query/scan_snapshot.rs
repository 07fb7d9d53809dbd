//! Scans of a store's snapshot: its chunks are turned into Arrow arrays one by one, as the query asks for them.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use futures::stream;
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use highwater_sql::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;
use highwater_views::Snapshot;

use super::scan_batches::fit;
use crate::error::EngineError;

/// Some chunks of a snapshot.
#[derive(Debug)]
pub(super) struct SnapshotPartition {
    schema: SchemaRef,
    snapshot: Arc<Snapshot>,
    chunks: Range<usize>,
}

/// A snapshot as so many partitions at most, of about equal size.
pub(super) fn snapshot_partitions(
    schema: &SchemaRef,
    snapshot: Snapshot,
    partitions: usize,
) -> Vec<Arc<dyn PartitionStream>> {
    let (chunks, snapshot) = (snapshot.batches(), Arc::new(snapshot));
    let size = chunks.div_ceil(partitions.max(1)).max(1);
    let part = |from: usize| {
        let chunks = from..chunks.min(from + size);
        Arc::new(SnapshotPartition { schema: Arc::clone(schema), snapshot: Arc::clone(&snapshot), chunks })
            as Arc<dyn PartitionStream>
    };
    (0..chunks).step_by(size).map(part).collect()
}

impl PartitionStream for SnapshotPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (snapshot, schema) = (Arc::clone(&self.snapshot), Arc::clone(&self.schema));
        let rows = self.chunks.clone().filter_map(move |index| {
            let batch =
                snapshot.batch(index).map_err(|error| DataFusionError::External(Box::new(EngineError::from(error))));
            match batch {
                Ok(batch) if batch.num_rows() == 0 => None,
                batch => Some(batch.and_then(|batch| Ok(fit(batch, &schema)?))),
            }
        });
        let rows: Box<dyn Iterator<Item = Result<_>> + Send> = Box::new(rows);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(rows)))
    }
}
