//! A chunk: some thousand rows of a store in columns, shared with snapshots until someone writes to it.

use std::sync::OnceLock;

use arrow_array::RecordBatch;
use arrow_array::RecordBatchOptions;
use arrow_schema::SchemaRef;

use super::cells::{CellKind, CellReader, Cells};
use crate::ViewsError;

/// Rows of a chunk.
pub(super) const CHUNK_ROWS: usize = 4096;

/// Rows in columns. A row is live while its weight is above 0; readers see it as often as its weight says.
#[derive(Debug)]
pub(super) struct Chunk {
    columns: Vec<Cells>,
    weights: Vec<u32>,
    live: usize,
    /// The live rows as Arrow arrays with their size, made when first read and void as soon as the chunk changes.
    arrow: OnceLock<(RecordBatch, usize)>,
}

impl Clone for Chunk {
    fn clone(&self) -> Self {
        Self { columns: self.columns.clone(), weights: self.weights.clone(), live: self.live, arrow: OnceLock::new() }
    }
}

impl Chunk {
    pub(super) fn new(kinds: &[CellKind]) -> Self {
        Self {
            columns: kinds.iter().map(CellKind::empty).collect(),
            weights: Vec::new(),
            live: 0,
            arrow: OnceLock::new(),
        }
    }

    pub(super) fn weight(&self, row: usize) -> u32 {
        self.weights.get(row).copied().unwrap_or(0)
    }

    /// Sets a row's weight. A row whose weight becomes 0 keeps nothing on the heap.
    pub(super) fn set_weight(&mut self, row: usize, weight: u32) {
        self.arrow.take();
        if row == self.weights.len() {
            self.weights.push(0);
        }
        let before = std::mem::replace(&mut self.weights[row], weight);
        self.live = self.live + usize::from(weight > 0) - usize::from(before > 0);
        if weight == 0 {
            self.columns.iter_mut().for_each(|cells| cells.release(row));
        }
    }

    /// Writes row `from` of a batch's readers to row `to`, which is at most one past the end.
    pub(super) fn write(&mut self, to: usize, readers: &[CellReader<'_>], from: usize) {
        self.arrow.take();
        for (cells, reader) in self.columns.iter_mut().zip(readers) {
            cells.set(to, reader, from);
        }
    }

    /// As [`Chunk::write`], these columns only, of a row that is there.
    pub(super) fn write_columns(&mut self, to: usize, readers: &[CellReader<'_>], from: usize, columns: &[usize]) {
        self.arrow.take();
        for column in columns {
            self.columns[*column].set(to, &readers[*column], from);
        }
    }

    /// Reads what [`Chunk::write_columns`] would write; the number is of no use but to have been read.
    pub(super) fn touch(&self, row: usize, columns: &[usize]) -> u64 {
        let cells = columns.iter().map(|column| self.columns[*column].touch(row));
        u64::from(self.weight(row)) + cells.sum::<u64>()
    }

    /// The live rows, each as often as its weight says.
    pub(super) fn batch(&self, schema: &SchemaRef, kinds: &[CellKind]) -> Result<RecordBatch, ViewsError> {
        if let Some((batch, _)) = self.arrow.get() {
            return Ok(batch.clone());
        }
        let batch = self.passing(schema, kinds)?;
        let bytes = batch.get_array_memory_size();
        Ok(self.arrow.get_or_init(|| (batch, bytes)).0.clone())
    }

    /// The same for who reads them once: they are not kept.
    pub(super) fn passing(&self, schema: &SchemaRef, kinds: &[CellKind]) -> Result<RecordBatch, ViewsError> {
        if let Some((batch, _)) = self.arrow.get() {
            return Ok(batch.clone());
        }
        let dense = self.weights.iter().all(|weight| *weight == 1);
        let mut rows = Vec::new();
        if !dense {
            rows.reserve(self.live);
            for (row, weight) in self.weights.iter().enumerate() {
                rows.extend(std::iter::repeat_n(row, *weight as usize));
            }
        }
        let columns = kinds.iter().zip(&self.columns).zip(schema.fields());
        let arrays = columns
            .map(|((kind, cells), field)| match dense {
                true => kind.prefix(cells, field.data_type(), self.weights.len()),
                false => kind.array(field.data_type(), rows.len(), |i| (cells, rows[i])),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let len = if dense { self.weights.len() } else { rows.len() };
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
    }

    /// The cells of a column.
    pub(super) fn column(&self, column: usize) -> &Cells {
        &self.columns[column]
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    pub(super) fn bytes(&self) -> usize {
        self.columns.iter().map(Cells::bytes).sum::<usize>()
            + self.weights.capacity() * size_of::<u32>()
            + self.arrow.get().map_or(0, |(_, bytes)| *bytes)
    }
}
