//! The leaf of a query that is planned but not yet bound to a version: which relation it reads, and which of its
//! filters binding can use. Holds no data; `bind` puts the data in its place.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use highwater_model::{ObjectId, ObjectName, Offsets};
use highwater_sql::datafusion::error::Result;
use highwater_sql::datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableSource};
use highwater_views::{RankColumn, RankIndex, Store};

use super::history::Seen;
use super::keys::values_of;

/// What is read of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// The rows of a store: a view's, or the current ones of a keyed stream or table.
    Rows,
    /// The events of a stream.
    Events,
    /// The rejected records of a stream.
    Rejects,
}

/// The source of a `TableScan` before binding.
#[derive(Clone, Debug)]
pub(super) struct LeafSource {
    pub(super) id: ObjectId,
    pub(super) name: ObjectName,
    /// `stream`, `table` or `materialized view`, for messages.
    pub(super) noun: &'static str,
    pub(super) reads: Reads,
    pub(super) schema: SchemaRef,
    /// Columns that identify a row of a store; empty when none are known to.
    pub(super) key: Vec<usize>,
    /// Ranked indexes of a store.
    pub(super) indexes: Arc<[KnownIndex]>,
    /// Reads events of the past, all from the first on, rather than those of the current version.
    pub(super) past: Option<Past>,
}

/// Which events of the past a leaf reads.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// Those below.
    pub(super) offsets: Arc<Offsets>,
    /// Counts them as they are read.
    pub(super) seen: Arc<Seen>,
}

/// A ranked index as queries are planned with it.
#[derive(Clone, Debug)]
pub(super) struct KnownIndex {
    pub(super) id: ObjectId,
    pub(super) name: ObjectName,
    /// Columns of its partitions.
    pub(super) partition: Vec<usize>,
    /// All columns that its order consists of, the partition's first.
    pub(super) columns: Vec<RankColumn>,
    /// Columns of the relation that hold no NULL.
    pub(super) never_null: Vec<usize>,
}

impl KnownIndex {
    /// The indexes of a store.
    pub(super) fn of(store: &Store) -> Arc<[Self]> {
        let fields = store.schema().fields();
        let known = |index: &RankIndex| Self {
            id: index.spec().id,
            name: index.spec().name.clone(),
            partition: index.spec().partition.clone(),
            columns: index.columns().to_vec(),
            never_null: (0..fields.len()).filter(|column| !fields[*column].is_nullable()).collect(),
        };
        store.ranked().iter().map(known).collect()
    }
}

impl TableSource for LeafSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Filters that binding can use come along with the scan; all stay above it too, so using them is optional.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let useful = |filter: &Expr| match self.reads {
            Reads::Rows => self.key.iter().any(|column| values_of(filter, self.schema.field(*column)).is_some()),
            // Files of the archive are left out by what is known of any of their columns.
            Reads::Events | Reads::Rejects => true,
        };
        let support = |filter: &&Expr| match useful(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}
