//! Scans of rows that are at hand: rows looked up by key, system tables. Also the one way to turn partitions of any
//! kind into a source that DataFusion can execute.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, SchemaRef};
use futures::stream;
use highwater_sql::datafusion::catalog::streaming::StreamingTable;
use highwater_sql::datafusion::datasource::provider_as_source;
use highwater_sql::datafusion::error::Result;
use highwater_sql::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use highwater_sql::datafusion::logical_expr::TableSource;
use highwater_sql::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;

/// Rows in memory as a partition of a scan.
#[derive(Debug)]
pub(super) struct BatchesPartition {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl BatchesPartition {
    /// Batches of this schema, apart from columns that they declare NOT NULL and it does not.
    pub(super) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

impl PartitionStream for BatchesPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let rows = self.batches.clone().into_iter().map(move |batch| Ok(fit(batch, &schema)?));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(rows)))
    }
}

/// A batch under the schema that the plan was made with.
pub(super) fn fit(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref() == schema {
        return Ok(batch);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
}

/// A source that can be executed, of at least one partition.
pub(super) fn source(schema: SchemaRef, mut partitions: Vec<Arc<dyn PartitionStream>>) -> Result<Arc<dyn TableSource>> {
    if partitions.is_empty() {
        partitions.push(Arc::new(BatchesPartition::new(Arc::clone(&schema), Vec::new())));
    }
    Ok(provider_as_source(Arc::new(StreamingTable::try_new(schema, partitions)?)))
}
