//! What a table reference in a planned query stands for: the leaf the incremental engine and the batch path both read.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::TableSource;
use highwater_model::{ObjectId, ObjectName};

/// Which face of an object a query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// A plain stream, or `HISTORY(s)` of a keyed one: every event, append-only, with system columns.
    Events,
    /// A keyed stream or a table: the current row of each key. Keyed streams with system columns, tables without.
    Current,
    /// A materialized view's rows.
    MaterializedView,
}

/// The source of a `TableScan` in a plan made for incremental maintenance.
#[derive(Clone, Debug)]
pub struct RelationSource {
    /// The object.
    pub id: ObjectId,
    /// Its name, for messages.
    pub name: ObjectName,
    /// Which face of it.
    pub kind: RelationKind,
    /// Whether these are the rows of a table (reference data), which a stream may look up.
    pub is_table: bool,
    /// Columns.
    pub schema: SchemaRef,
    /// Indexes of the columns that identify a row; empty when none are known to.
    pub key: Vec<usize>,
}

impl TableSource for RelationSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
