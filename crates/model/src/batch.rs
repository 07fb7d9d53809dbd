//! Columnar batches: events as they come from a log partition, and changes as they flow between operators.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, SchemaRef};

use crate::{Offset, PartitionId};

/// Decoded events of one partition: rows `base_offset ..`, in offset order, dense.
#[derive(Clone, Debug)]
pub struct EventBatch {
    /// The partition.
    pub partition: PartitionId,
    /// Offset of the first row.
    pub base_offset: Offset,
    /// When the rows were accepted, microseconds since the epoch.
    pub ingested_at_micros: i64,
    /// The declared columns (no system columns).
    pub rows: RecordBatch,
}

impl EventBatch {
    /// Offset after the last row.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.base_offset + self.rows.num_rows() as u64
    }

    /// Rows with the system columns `_partition`, `_offset`, `_ingested_at` appended.
    /// `schema` is [`crate::StreamSchema::arrow_with_system`].
    ///
    /// # Errors
    /// When `schema` does not fit the rows.
    pub fn with_system_columns(&self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let rows = self.rows.num_rows();
        let mut columns = self.rows.columns().to_vec();
        let base = self.base_offset.cast_signed();
        columns.push(Arc::new(Int32Array::from_value(self.partition.0.cast_signed(), rows)) as ArrayRef);
        columns.push(Arc::new(Int64Array::from_iter_values(base..base + rows as i64)));
        columns
            .push(Arc::new(TimestampMicrosecondArray::from_value(self.ingested_at_micros, rows).with_timezone("UTC")));
        RecordBatch::try_new(schema.clone(), columns)
    }
}

/// The weights of a change batch's rows. Append-only paths stay as fast as plain columnar code.
#[derive(Clone, Debug)]
pub enum Weights {
    /// Every row is inserted once.
    AllPlusOne,
    /// One weight a row; never 0.
    Each(Arc<[i64]>),
}

impl Weights {
    /// The weight of a row.
    #[must_use]
    pub fn at(&self, row: usize) -> i64 {
        match self {
            Self::AllPlusOne => 1,
            Self::Each(weights) => weights[row],
        }
    }
}

/// Rows with weights: a Z-set delta (DBSP; Budiu et al., VLDB 2023). +1 inserted, −1 retracted.
#[derive(Clone, Debug)]
pub struct ChangeBatch {
    /// The rows.
    pub rows: RecordBatch,
    /// One weight a row.
    pub weights: Weights,
}

impl ChangeBatch {
    /// Rows that are all inserted once.
    #[must_use]
    pub fn inserts(rows: RecordBatch) -> Self {
        Self { rows, weights: Weights::AllPlusOne }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
