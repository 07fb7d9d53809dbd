//! The store proper: rows found by key, changed by weighted batches, snapshotted by readers.
//!
//! With a key, a row replaces the row of the same key. Without one, the whole row is the key and rows are counted.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, SchemaRef};
use highwater_model::{ChangeBatch, Weights};

use super::cells::{CellKind, CellReader};
use super::chunk::{CHUNK_ROWS, Chunk};
use super::parts::Parts;
use super::snapshot::Snapshot;
use crate::ViewsError;
use crate::keys::{EncodedKeys, KeyCodec, KeyTable};

/// The current rows of a view, table or keyed stream.
pub struct Store {
    pub(super) schema: SchemaRef,
    /// Columns that identify a row; all columns when the store counts rows.
    pub(super) key: Vec<usize>,
    keyed: bool,
    pub(super) table: KeyTable,
    kinds: Arc<Vec<CellKind>>,
    pub(super) chunks: Vec<Arc<Chunk>>,
    /// Slots written in the batch being applied, so that a retraction does not undo its own replacement.
    written: Vec<u32>,
    generation: u32,
    /// Slots written since the last save.
    pub(super) unsaved: Vec<bool>,
    /// Keys gone since the last save.
    pub(super) gone_unsaved: Vec<RecordBatch>,
    /// Indexes by single columns of the key.
    pub(super) parts: Parts,
}

/// A change with its keys encoded.
pub(crate) struct Ready<'a> {
    change: &'a ChangeBatch,
    keys: EncodedKeys,
    hashes: Vec<u64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("schema", &self.schema).field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl Store {
    /// An empty store. An empty `key` means rows are counted rather than replaced.
    ///
    /// # Errors
    /// When a column's type cannot be kept.
    pub fn new(schema: SchemaRef, key: &[usize]) -> Result<Self, ViewsError> {
        let keyed = !key.is_empty();
        let key: Vec<usize> = if keyed { key.to_vec() } else { (0..schema.fields().len()).collect() };
        let fields: Vec<Field> = key.iter().map(|column| schema.field(*column).clone()).collect();
        let kinds = schema.fields().iter().map(|field| CellKind::of(field.data_type())).collect::<Result<_, _>>()?;
        Ok(Self {
            key,
            keyed,
            table: KeyTable::new(KeyCodec::new(&fields)?),
            kinds: Arc::new(kinds),
            chunks: Vec::new(),
            written: Vec::new(),
            generation: 0,
            unsaved: Vec::new(),
            gone_unsaved: Vec::new(),
            parts: Parts::default(),
            schema,
        })
    }

    /// Columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Indexes of the columns that identify a row; empty when rows are counted.
    #[must_use]
    pub fn key(&self) -> &[usize] {
        if self.keyed { &self.key } else { &[] }
    }

    /// Number of distinct rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held: cells, keys and index.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
            + self.chunks.iter().map(|chunk| chunk.bytes()).sum::<usize>()
            + self.written.capacity() * size_of::<u32>()
            + self.unsaved.capacity()
            + self.parts.bytes()
    }

    /// The rows now, unaffected by later changes.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { schema: self.schema.clone(), kinds: self.kinds.clone(), chunks: self.chunks.clone() }
    }

    /// The changes with their keys encoded, ready for [`Store::apply_ready`]: the part of the work that needs no lock.
    pub(crate) fn make_ready<'a>(&self, changes: &'a [ChangeBatch]) -> Result<Vec<Ready<'a>>, ViewsError> {
        let ready = changes.iter().filter(|change| !change.is_empty()).map(|change| {
            let keys = self.encode(&change.rows)?;
            Ok(Ready { change, hashes: keys.hashes(), keys })
        });
        ready.collect()
    }

    /// Applies the changes of one tick. Within one call the order of rows does not matter.
    ///
    /// # Errors
    /// When a row is retracted that is not there: the operators' defect, never the user's.
    pub fn apply(&mut self, changes: &[ChangeBatch]) -> Result<(), ViewsError> {
        let ready = self.make_ready(changes)?;
        self.apply_ready(&ready)
    }

    /// As [`Store::apply`].
    pub(crate) fn apply_ready(&mut self, changes: &[Ready<'_>]) -> Result<(), ViewsError> {
        if self.generation == u32::MAX {
            self.written.fill(0);
            self.generation = 0;
        }
        self.generation += 1;
        let mut emptied = Vec::new();
        changes.iter().try_for_each(|ready| self.add(ready))?;
        changes.iter().try_for_each(|ready| self.subtract(ready, &mut emptied))?;
        emptied.retain(|slot| self.weight(*slot) == 0);
        emptied.sort_unstable();
        emptied.dedup();
        if !emptied.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(emptied.len()));
            let keys = self.table.decode(&emptied)?;
            self.parts.remove(&keys, &emptied)?;
            self.gone_unsaved.push(RecordBatch::try_new_with_options(self.key_schema(), keys, &options)?);
            emptied.iter().for_each(|slot| self.unsaved[*slot as usize] = false);
            self.table.remove(&emptied);
        }
        self.index_parts()
    }

    fn encode(&self, rows: &RecordBatch) -> Result<EncodedKeys, ViewsError> {
        let columns: Vec<ArrayRef> = self.key.iter().map(|column| rows.column(*column).clone()).collect();
        self.table.codec().encode(&columns, rows.num_rows())
    }

    fn add(&mut self, ready: &Ready<'_>) -> Result<(), ViewsError> {
        let Ready { change: batch, keys, hashes } = ready;
        let selected: Option<Vec<u32>> = match &batch.weights {
            Weights::AllPlusOne => None,
            Weights::Each(weights) => {
                Some((0..weights.len() as u32).filter(|row| weights[*row as usize] > 0).collect())
            }
        };
        if selected.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let (mut slots, mut created) = (Vec::with_capacity(keys.len()), Vec::new());
        self.table.intern(keys, hashes, selected.as_deref(), &mut slots, &mut created);
        self.parts.insert(&self.table, &created)?;
        self.written.resize(self.table.slots(), 0);
        self.unsaved.resize(self.table.slots(), false);
        let readers = self
            .kinds
            .iter()
            .zip(batch.rows.columns())
            .map(|(kind, column)| kind.reader(column))
            .collect::<Result<Vec<CellReader<'_>>, _>>()?;
        for (position, &slot) in slots.iter().enumerate() {
            let row = selected.as_ref().map_or(position, |rows| rows[position] as usize);
            let weight = batch.weights.at(row);
            let (index, offset) = (slot as usize / CHUNK_ROWS, slot as usize % CHUNK_ROWS);
            if index == self.chunks.len() {
                self.chunks.push(Arc::new(Chunk::new(&self.kinds)));
            }
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            self.unsaved[slot as usize] = true;
            if self.keyed {
                chunk.write(offset, &readers, row);
                chunk.set_weight(offset, 1);
                self.written[slot as usize] = self.generation;
            } else {
                let before = chunk.weight(offset);
                if before == 0 {
                    chunk.write(offset, &readers, row);
                }
                let after = i64::from(before) + weight;
                chunk.set_weight(offset, u32::try_from(after).map_err(|_| too_many(after))?);
            }
        }
        Ok(())
    }

    fn subtract(&mut self, ready: &Ready<'_>, emptied: &mut Vec<u32>) -> Result<(), ViewsError> {
        let Ready { change, keys, hashes } = ready;
        let Weights::Each(weights) = &change.weights else { return Ok(()) };
        if weights.iter().all(|weight| *weight > 0) {
            return Ok(());
        }
        for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight < 0) {
            let slot = self.table.find(keys, row, hashes[row]).ok_or_else(missing)?;
            if self.keyed && self.written[slot as usize] == self.generation {
                continue; // replaced in this very tick
            }
            let offset = slot as usize % CHUNK_ROWS;
            let chunk = Arc::make_mut(&mut self.chunks[slot as usize / CHUNK_ROWS]);
            self.unsaved[slot as usize] = true;
            let after = i64::from(chunk.weight(offset)) + weight;
            let after = u32::try_from(after).map_err(|_| missing())?;
            chunk.set_weight(offset, after);
            if after == 0 {
                emptied.push(slot);
            }
        }
        Ok(())
    }

    /// Sets rows and how often each occurs, whatever was there.
    pub(super) fn overwrite(&mut self, rows: &RecordBatch, weights: &[u32]) -> Result<(), ViewsError> {
        self.parts.clear();
        let keys = self.encode(rows)?;
        let (mut slots, mut created) = (Vec::with_capacity(keys.len()), Vec::new());
        self.table.intern(&keys, &keys.hashes(), None, &mut slots, &mut created);
        self.written.resize(self.table.slots(), 0);
        self.unsaved.resize(self.table.slots(), false);
        let kinds = Arc::clone(&self.kinds);
        let readers = kinds.iter().zip(rows.columns()).map(|(kind, column)| kind.reader(column));
        let readers = readers.collect::<Result<Vec<CellReader<'_>>, _>>()?;
        for (row, &slot) in slots.iter().enumerate() {
            let (index, offset) = (slot as usize / CHUNK_ROWS, slot as usize % CHUNK_ROWS);
            if index == self.chunks.len() {
                self.chunks.push(Arc::new(Chunk::new(&self.kinds)));
            }
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            chunk.write(offset, &readers, row);
            chunk.set_weight(offset, weights[row]);
        }
        Ok(())
    }

    pub(super) fn weight(&self, slot: u32) -> u32 {
        self.chunks[slot as usize / CHUNK_ROWS].weight(slot as usize % CHUNK_ROWS)
    }

    /// The rows with these keys (one array per key column, equal lengths), in order of the keys; those not there
    /// are left out.
    ///
    /// # Errors
    /// When the arrays are not of the key columns' types.
    pub fn lookup(&self, keys: &[ArrayRef]) -> Result<RecordBatch, ViewsError> {
        let rows = keys.first().map_or(0, |column| column.len());
        let encoded = self.table.codec().encode(keys, rows)?;
        let hashes = encoded.hashes();
        let slots: Vec<u32> = (0..rows).filter_map(|row| self.table.find(&encoded, row, hashes[row])).collect();
        self.gather(&slots)
    }

    /// The rows whose key has one of these different values in `column` (one of the key's, counted in the store's
    /// columns), in no particular order; `None` when reading all rows and filtering them is the better way.
    ///
    /// # Errors
    /// When the values are not of the column's type.
    pub fn lookup_part(&self, column: usize, values: &ArrayRef) -> Result<Option<RecordBatch>, ViewsError> {
        self.slots_by_part(column, values)?.map(|slots| self.gather(&slots)).transpose()
    }

    /// The slots of the rows with these keys, `None` where there is none.
    pub(crate) fn find(&self, rows: &RecordBatch) -> Result<Vec<Option<u32>>, ViewsError> {
        let encoded = self.encode(rows)?;
        let hashes = encoded.hashes();
        Ok((0..rows.num_rows()).map(|row| self.table.find(&encoded, row, hashes[row])).collect())
    }

    /// The rows in these slots, in order.
    pub(crate) fn gather(&self, slots: &[u32]) -> Result<RecordBatch, ViewsError> {
        let columns = self.kinds.iter().zip(self.schema.fields()).enumerate();
        let arrays = columns
            .map(|(column, (kind, field))| {
                kind.array(field.data_type(), slots.len(), |i| {
                    let slot = slots[i] as usize;
                    (self.chunks[slot / CHUNK_ROWS].column(column), slot % CHUNK_ROWS)
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(slots.len()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }
}

fn missing() -> ViewsError {
    ViewsError::Invariant("a row was retracted that the view does not hold".to_owned())
}

fn too_many(count: i64) -> ViewsError {
    ViewsError::Invariant(format!("a row occurs {count} times, more than a view counts"))
}
