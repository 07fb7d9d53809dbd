//! Merges files whose rows are in order into one stream of rows in order, with a few batches of each in memory.

use std::cmp::Ordering;

use arrow_array::RecordBatch;
use arrow_row::{RowConverter, Rows};
use arrow_select::interleave::interleave_record_batch;

use super::order::{sort_columns, sort_fields};
use super::{BATCH_ROWS, FileReader};
use crate::ArchiveError;

/// Files being merged. Rows that compare equal keep the order of the files.
pub(crate) struct Merge {
    converter: RowConverter,
    sort_by: Vec<String>,
    inputs: Vec<Input>,
    /// The inputs that still have rows: a binary heap, the input with the least row first.
    heap: Vec<usize>,
    /// The batches that rows were taken of since the last output.
    sources: Vec<RecordBatch>,
    taken: Vec<(usize, usize)>,
}

struct Input {
    reader: FileReader,
    keys: Rows,
    row: usize,
    /// Which of the sources it reads.
    source: usize,
}

impl Merge {
    /// Starts a merge of files in the same columns.
    pub(crate) fn new(readers: Vec<FileReader>, sort_by: &[String]) -> Result<Self, ArchiveError> {
        let mut firsts = Vec::new();
        for mut reader in readers {
            if let Some(batch) = next_rows(&mut reader)? {
                firsts.push((reader, batch));
            }
        }
        let fields = match firsts.first() {
            Some((_, batch)) => sort_fields(&batch.schema(), sort_by)?,
            None => Vec::new(),
        };
        let mut merge = Self {
            converter: RowConverter::new(fields)?,
            sort_by: sort_by.to_vec(),
            inputs: Vec::new(),
            heap: (0..firsts.len()).collect(),
            sources: Vec::new(),
            taken: Vec::with_capacity(BATCH_ROWS),
        };
        for (source, (reader, batch)) in firsts.into_iter().enumerate() {
            let keys = merge.keys(&batch)?;
            merge.sources.push(batch);
            merge.inputs.push(Input { reader, keys, row: 0, source });
        }
        for at in (0..merge.heap.len() / 2).rev() {
            merge.sift_down(at);
        }
        Ok(merge)
    }

    /// The next rows in order; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, ArchiveError> {
        while let Some(&least) = self.heap.first() {
            let input = &mut self.inputs[least];
            self.taken.push((input.source, input.row));
            input.row += 1;
            if input.row == self.sources[input.source].num_rows() {
                self.refill(least)?;
            }
            self.sift_down(0);
            if self.taken.len() == BATCH_ROWS {
                break;
            }
        }
        if self.taken.is_empty() { Ok(None) } else { self.output().map(Some) }
    }

    /// The next batch of an input whose last one is used up. An input that has ended leaves the heap.
    fn refill(&mut self, input: usize) -> Result<(), ArchiveError> {
        match next_rows(&mut self.inputs[input].reader)? {
            Some(batch) => {
                let keys = self.keys(&batch)?;
                let source = self.sources.len();
                self.sources.push(batch);
                let input = &mut self.inputs[input];
                (input.keys, input.row, input.source) = (keys, 0, source);
            }
            None => {
                self.heap.swap_remove(0);
            }
        }
        Ok(())
    }

    fn output(&mut self) -> Result<RecordBatch, ArchiveError> {
        let sources: Vec<&RecordBatch> = self.sources.iter().collect();
        let rows = interleave_record_batch(&sources, &self.taken)?;
        self.taken.clear();
        let mut kept = Vec::with_capacity(self.heap.len());
        for &input in &self.heap {
            let input = &mut self.inputs[input];
            kept.push(self.sources[input.source].clone());
            input.source = kept.len() - 1;
        }
        self.sources = kept;
        Ok(rows)
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Rows, ArchiveError> {
        if self.sort_by.is_empty() {
            return Ok(self.converter.empty_rows(0, 0));
        }
        Ok(self.converter.convert_columns(&sort_columns(batch, &self.sort_by)?)?)
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let Some(&first) = self.heap.get(left) else { return };
            let right = self.heap.get(left + 1).copied();
            let child = match right {
                Some(right) if self.compare(right, first) == Ordering::Less => left + 1,
                _ => left,
            };
            if self.compare(self.heap[child], self.heap[at]) != Ordering::Less {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let by_file = a.cmp(&b);
        if self.sort_by.is_empty() {
            return by_file;
        }
        let (left, right) = (&self.inputs[a], &self.inputs[b]);
        left.keys.row(left.row).cmp(&right.keys.row(right.row)).then(by_file)
    }
}

fn next_rows(reader: &mut FileReader) -> Result<Option<RecordBatch>, ArchiveError> {
    loop {
        match reader.next()? {
            Some(batch) if batch.num_rows() == 0 => {}
            found => return Ok(found),
        }
    }
}
