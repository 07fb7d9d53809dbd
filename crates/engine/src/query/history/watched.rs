//! Counting the events that a computation has read, for its progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_schema::SchemaRef;
use futures::StreamExt;
use highwater_sql::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use highwater_sql::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;

/// How many events a computation has read, and how many it will read.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    read: AtomicU64,
    all: AtomicU64,
}

impl Seen {
    /// Announces events that will be read, of which so many come from the log. Files of the archive are not counted as
    /// they are read: they are said to be.
    pub(crate) fn expect(&self, events: u64, of_log: u64) {
        self.all.fetch_add(events, Ordering::Relaxed);
        self.read.fetch_add(events.saturating_sub(of_log), Ordering::Relaxed);
    }

    /// Events announced.
    pub(crate) fn all(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// The share read, 0 to 1.
    pub(crate) fn progress(&self) -> f64 {
        (self.read.load(Ordering::Relaxed) as f64 / self.all().max(1) as f64).min(1.0)
    }
}

/// The same partitions, counted.
pub(crate) fn watch(partitions: Vec<Arc<dyn PartitionStream>>, seen: &Arc<Seen>) -> Vec<Arc<dyn PartitionStream>> {
    let counted = |inner| Arc::new(Watched { inner, seen: Arc::clone(seen) }) as Arc<dyn PartitionStream>;
    partitions.into_iter().map(counted).collect()
}

/// A partition whose rows are counted as they pass.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn PartitionStream>,
    seen: Arc<Seen>,
}

impl PartitionStream for Watched {
    fn schema(&self) -> &SchemaRef {
        self.inner.schema()
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (rows, seen) = (self.inner.execute(context), Arc::clone(&self.seen));
        let counted = rows.inspect(move |batch| {
            let rows = batch.as_ref().map_or(0, |batch| batch.num_rows());
            seen.read.fetch_add(rows as u64, Ordering::Relaxed);
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.inner.schema()), counted))
    }
}
