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
use crate::operator::Gone;
use crate::ranked::RankIndex;

/// The current rows of a view, table or keyed stream.
pub struct Store {
    pub(super) schema: SchemaRef,
    /// Columns that identify a row; all columns when the store counts rows.
    pub(super) key: Vec<usize>,
    /// The other columns.
    values: Vec<usize>,
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
    pub(super) gone_unsaved: Gone,
    /// Indexes by single columns of the key.
    pub(super) parts: Parts,
    /// Indexes that count rows in an order.
    pub(super) ranked: Vec<RankIndex>,
}

/// A change whose rows have been looked up, for [`Store::apply_ready`].
pub(crate) struct Ready<'a> {
    change: &'a ChangeBatch,
    readers: Vec<CellReader<'a>>,
    keys: EncodedKeys,
    hashes: Vec<u64>,
    /// The slot of each row's key, or [`UNKNOWN`].
    slots: Vec<u32>,
}

/// In place of a slot: the key was not there when it was looked up.
const UNKNOWN: u32 = u32::MAX;

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
            values: (0..schema.fields().len()).filter(|column| !key.contains(column)).collect(),
            key,
            keyed,
            table: KeyTable::new(KeyCodec::new(&fields)?),
            kinds: Arc::new(kinds),
            chunks: Vec::new(),
            written: Vec::new(),
            generation: 0,
            unsaved: Vec::new(),
            gone_unsaved: Gone::default(),
            parts: Parts::default(),
            ranked: Vec::new(),
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
            + self.gone_unsaved.bytes()
            + self.ranked.iter().map(RankIndex::bytes).sum::<usize>()
    }

    /// The rows now, unaffected by later changes.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { schema: self.schema.clone(), kinds: self.kinds.clone(), chunks: self.chunks.clone() }
    }

    /// The changes with their rows looked up, ready for [`Store::apply_ready`]: the part of the work that readers can
    /// go on beside. The store must not be changed in between.
    pub(crate) fn make_ready<'a>(&self, changes: &'a [ChangeBatch]) -> Result<Vec<Ready<'a>>, ViewsError> {
        let ready = changes.iter().filter(|change| !change.is_empty()).map(|change| {
            let keys = self.encode(&change.rows)?;
            let hashes = keys.hashes();
            let find = |(row, hash): (usize, &u64)| self.table.find(&keys, row, *hash).unwrap_or(UNKNOWN);
            let slots: Vec<u32> = hashes.iter().enumerate().map(find).collect();
            self.warm(&slots);
            Ok(Ready { change, readers: self.readers(&change.rows)?, keys, hashes, slots })
        });
        ready.collect()
    }

    /// Reads what is to be written, so that the processor has it at hand while readers wait.
    fn warm(&self, slots: &[u32]) {
        let touch = |slot: &u32| {
            let slot = *slot as usize;
            let chunk = self.chunks[slot / CHUNK_ROWS].touch(slot % CHUNK_ROWS, &self.values);
            chunk + u64::from(self.written[slot]) + u64::from(self.unsaved[slot])
        };
        let known = slots.iter().filter(|slot| **slot != UNKNOWN);
        std::hint::black_box(known.map(touch).fold(0, u64::wrapping_add));
    }

    fn readers<'a>(&self, rows: &'a RecordBatch) -> Result<Vec<CellReader<'a>>, ViewsError> {
        self.kinds.iter().zip(rows.columns()).map(|(kind, column)| kind.reader(column)).collect()
    }

    /// Applies the changes of one tick. Within one call the order of rows does not matter.
    ///
    /// # Errors
    /// When a row is retracted that is not there: the operators' defect, never the user's.
    pub fn apply(&mut self, changes: &[ChangeBatch]) -> Result<(), ViewsError> {
        let (ready, ranks) = (self.make_ready(changes)?, self.make_ranks_ready(changes)?);
        self.apply_ready(ready)?;
        self.apply_ranks(ranks);
        Ok(())
    }

    /// As [`Store::apply`], but for ranked indexes.
    pub(crate) fn apply_ready(&mut self, mut changes: Vec<Ready<'_>>) -> Result<(), ViewsError> {
        if self.generation == u32::MAX {
            self.written.fill(0);
            self.generation = 0;
        }
        self.generation += 1;
        let mut emptied = Vec::new();
        changes.iter_mut().try_for_each(|ready| self.add(ready))?;
        changes.iter().try_for_each(|ready| self.subtract(ready, &mut emptied))?;
        emptied.retain(|slot| self.weight(*slot) == 0);
        emptied.sort_unstable();
        emptied.dedup();
        if !emptied.is_empty() {
            let keys = self.table.decode(&emptied)?;
            self.parts.remove(&keys, &emptied)?;
            self.gone_unsaved.push(keys);
            emptied.iter().for_each(|slot| self.unsaved[*slot as usize] = false);
            self.table.remove(&emptied);
        }
        self.index_parts()
    }

    fn encode(&self, rows: &RecordBatch) -> Result<EncodedKeys, ViewsError> {
        let columns: Vec<ArrayRef> = self.key.iter().map(|column| rows.column(*column).clone()).collect();
        self.table.codec().encode(&columns, rows.num_rows())
    }

    fn add(&mut self, ready: &mut Ready<'_>) -> Result<(), ViewsError> {
        let Ready { change, readers, keys, hashes, slots } = ready;
        let is_new = |row: &u32| slots[*row as usize] == UNKNOWN && change.weights.at(*row as usize) > 0;
        let new: Vec<u32> = (0..slots.len() as u32).filter(is_new).collect();
        let (mut new_slots, mut created) = (Vec::with_capacity(new.len()), Vec::new());
        self.table.intern(keys, hashes, Some(&new), &mut new_slots, &mut created);
        self.parts.insert(&self.table, &created)?;
        self.written.resize(self.table.slots(), 0);
        self.unsaved.resize(self.table.slots(), false);
        for (row, slot) in new.iter().zip(new_slots) {
            slots[*row as usize] = slot;
            let (index, offset) = (slot as usize / CHUNK_ROWS, slot as usize % CHUNK_ROWS);
            if index == self.chunks.len() {
                self.chunks.push(Arc::new(Chunk::new(&self.kinds)));
            }
            Arc::make_mut(&mut self.chunks[index]).write(offset, readers, *row as usize);
        }
        for (row, &slot) in slots.iter().enumerate() {
            let weight = change.weights.at(row);
            if weight <= 0 {
                continue;
            }
            let (chunk, offset) = (&mut self.chunks[slot as usize / CHUNK_ROWS], slot as usize % CHUNK_ROWS);
            let chunk = Arc::make_mut(chunk);
            self.unsaved[slot as usize] = true;
            if self.keyed {
                chunk.write_columns(offset, readers, row, &self.values);
                chunk.set_weight(offset, 1);
                self.written[slot as usize] = self.generation;
            } else {
                let after = i64::from(chunk.weight(offset)) + weight;
                chunk.set_weight(offset, u32::try_from(after).map_err(|_| too_many(after))?);
            }
        }
        Ok(())
    }

    fn subtract(&mut self, ready: &Ready<'_>, emptied: &mut Vec<u32>) -> Result<(), ViewsError> {
        let Ready { change, keys, hashes, slots, .. } = ready;
        let Weights::Each(weights) = &change.weights else { return Ok(()) };
        for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight < 0) {
            let slot = match slots[row] {
                UNKNOWN => self.table.find(keys, row, hashes[row]).ok_or_else(missing)?,
                slot => slot,
            };
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
        let readers = self.readers(rows)?;
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
