//! A store's rows at one version: cheap to take, unaffected by later ticks.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::cells::CellKind;
use super::chunk::Chunk;
use crate::ViewsError;

/// The rows of a store as they were when the snapshot was taken.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) schema: SchemaRef,
    pub(super) kinds: Arc<Vec<CellKind>>,
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Snapshot {
    /// Columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Number of batches [`Snapshot::batch`] gives.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.chunks.len()
    }

    /// Number of distinct rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.live()).sum()
    }

    /// The rows of one chunk; may be empty.
    ///
    /// # Errors
    /// Only when memory holds what was never written: a defect.
    pub fn batch(&self, index: usize) -> Result<RecordBatch, ViewsError> {
        self.chunks[index].batch(&self.schema, &self.kinds)
    }

    /// As [`Snapshot::batch`], for who reads everything once: nothing is kept for other readers.
    ///
    /// # Errors
    /// As [`Snapshot::batch`].
    pub fn passing_batch(&self, index: usize) -> Result<RecordBatch, ViewsError> {
        self.chunks[index].passing(&self.schema, &self.kinds)
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Snapshot::batch`].
    pub fn to_batches(&self) -> Result<Vec<RecordBatch>, ViewsError> {
        let batches = (0..self.batches()).map(|index| self.batch(index));
        batches.filter(|batch| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0)).collect()
    }
}
