//! The partitions of one shard: their rows in order and counted, and what checkpoints keep of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use super::input::{Order, Place, Prepared, nullable};
use crate::ViewsError;
use crate::keys::{KeyCodec, KeyTable};
use crate::operator::{Part, hash_table_bytes};

/// The rows of a partition in order, each with how often it occurs.
pub(super) type Ordered = BTreeMap<Place, i64>;

/// What a B-tree of so many rows takes: one node while they fit into it, else nodes that are about two thirds full.
fn tree_bytes(rows: usize) -> usize {
    const NODE: usize = 11;
    const ENTRY: usize = size_of::<Place>() + size_of::<i64>();
    match rows {
        0 => 0,
        1..=NODE => NODE * ENTRY + 2 * size_of::<usize>(),
        more => more * ENTRY * 3 / 2,
    }
}

/// What a row takes besides: its bytes and the counters of those who share them.
fn row_bytes(place: &Place) -> usize {
    place.bytes.len() + 2 * size_of::<usize>()
}

/// The partitions of one shard.
pub(super) struct Partitions {
    keys: KeyTable,
    rows: Vec<Ordered>,
    /// Different rows in all partitions, and the bytes they take.
    len: usize,
    bytes: usize,
    /// Rows that occur less than never: fewer than none between ticks is a defect.
    negative: usize,
    /// Rows changed since the last save, with how often they occur now.
    unsaved: HashMap<Place, i64>,
    /// Bytes of those of them that are gone.
    gone_bytes: usize,
    /// Those of them that the checkpoint under way still has to gather, as they were when it began; what changed again
    /// is among the unsaved ones too and is gathered later.
    saving: Vec<(Place, i64)>,
}

impl Partitions {
    pub(super) fn new(order: &Order) -> Result<Self, ViewsError> {
        Ok(Self {
            keys: KeyTable::new(KeyCodec::new(&order.partition_fields)?),
            rows: Vec::new(),
            len: 0,
            bytes: 0,
            negative: 0,
            unsaved: HashMap::new(),
            gone_bytes: 0,
            saving: Vec::new(),
        })
    }

    /// Different rows held.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Number of partitions.
    pub(super) fn partitions(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.rows.capacity() * size_of::<Ordered>()
            + self.bytes
            + self.gone_bytes
            + hash_table_bytes::<(Place, i64)>(self.unsaved.capacity())
            + self.saving.capacity() * size_of::<(Place, i64)>()
    }

    /// The slots of the partitions of a shard's rows; slots are below [`Partitions::slots`].
    pub(super) fn slots_of(&mut self, input: &Prepared, rows: &[u32]) -> Vec<u32> {
        let (mut slots, mut created) = (Vec::with_capacity(rows.len()), Vec::new());
        self.keys.intern(&input.keys, &input.hashes, Some(rows), &mut slots, &mut created);
        if self.rows.len() < self.keys.slots() {
            self.rows.resize_with(self.keys.slots(), Ordered::new);
        }
        slots
    }

    /// An upper bound of slots.
    pub(super) fn slots(&self) -> usize {
        self.rows.len()
    }

    /// The rows of a partition.
    pub(super) fn rows(&self, slot: u32) -> &Ordered {
        &self.rows[slot as usize]
    }

    /// Adds to how often a row occurs.
    pub(super) fn add(&mut self, slot: u32, place: &Place, weight: i64) {
        let rows = &mut self.rows[slot as usize];
        let tree = tree_bytes(rows.len());
        let before = rows.get(place).copied().unwrap_or(0);
        let now = before + weight;
        if now == 0 {
            rows.remove(place);
        } else if before == 0 {
            rows.insert(place.clone(), now);
        } else if let Some(count) = rows.get_mut(place) {
            *count = now;
        }
        self.bytes = self.bytes + tree_bytes(rows.len()) - tree;
        self.note(place, before, now);
    }

    fn note(&mut self, place: &Place, before: i64, now: i64) {
        if before == 0 && now != 0 {
            self.len += 1;
            self.bytes += row_bytes(place);
        } else if before != 0 && now == 0 {
            self.len -= 1;
            self.bytes -= row_bytes(place);
        }
        self.negative = self.negative + usize::from(now < 0) - usize::from(before < 0);
        let noted = self.unsaved.insert(place.clone(), now);
        if now == 0 && noted != Some(0) {
            self.gone_bytes += row_bytes(place);
        } else if now != 0 && noted == Some(0) {
            self.gone_bytes -= row_bytes(place);
        }
    }

    /// Lets go of all rows of a partition after a place.
    pub(super) fn cut_after(&mut self, slot: u32, place: &Place) {
        let rows = &mut self.rows[slot as usize];
        let tree = tree_bytes(rows.len());
        // Splitting takes the place itself along.
        let mut rest = rows.split_off(place);
        if let Some(count) = rest.remove(place) {
            rows.insert(place.clone(), count);
        }
        self.bytes = self.bytes + tree_bytes(rows.len()) - tree;
        for (place, count) in rest {
            self.note(&place, count, 0);
        }
    }

    /// Ends a tick that touched these partitions: those without rows are let go.
    pub(super) fn end_tick(&mut self, touched: impl Iterator<Item = u32>) -> Result<(), ViewsError> {
        if self.negative > 0 {
            return Err(ViewsError::Invariant("an ordered partition lost more rows than it had".to_owned()));
        }
        let empty: Vec<u32> = touched.filter(|slot| self.rows[*slot as usize].is_empty()).collect();
        self.keys.remove(&empty);
        Ok(())
    }

    pub(super) fn begin_save(&mut self, full: bool) {
        if full {
            self.gone_bytes = 0;
            self.unsaved = self.rows.iter().flatten().map(|(place, count)| (place.clone(), *count)).collect();
        }
        self.saving = self.take_unsaved().collect();
    }

    fn take_unsaved(&mut self) -> impl Iterator<Item = (Place, i64)> + use<> {
        self.gone_bytes = 0;
        std::mem::take(&mut self.unsaved).into_iter()
    }

    pub(super) fn unsaved(&self) -> usize {
        self.unsaved.len() + self.saving.len()
    }

    /// A part of the rows changed since the last save, with how often they occur: 0 for those that are gone.
    pub(super) fn save(&mut self, part: Part, order: &Order) -> Result<RecordBatch, ViewsError> {
        if self.saving.is_empty() || part == Part::ALL {
            let unsaved = self.take_unsaved();
            self.saving.extend(unsaved);
        }
        let (places, counts): (Vec<Place>, Vec<i64>) = part.take_entries(&mut self.saving).into_iter().unzip();
        let rows = order.rows(places.iter())?;
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(counts)));
        let mut fields: Vec<Field> =
            nullable(&order.schema).fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new("_count", DataType::Int64, false));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// Takes in what [`Partitions::save`] gave.
    pub(super) fn load(&mut self, saved: &RecordBatch, order: &Order) -> Result<(), ViewsError> {
        let bad = || ViewsError::BadState("ordered rows of another layout".to_owned());
        let own = order.schema.fields().len();
        if saved.num_columns() != own + 1 {
            return Err(bad());
        }
        let counts = saved.column(own).as_any().downcast_ref::<Int64Array>().ok_or_else(bad)?.clone();
        let rows = saved.project(&(0..own).collect::<Vec<_>>())?;
        let prepared = order.prepare(&highwater_model::ChangeBatch::inserts(rows))?;
        let all: Vec<u32> = (0..saved.num_rows() as u32).collect();
        let slots = self.slots_of(&prepared, &all);
        for (row, slot) in slots.iter().enumerate() {
            let place = &prepared.places[row];
            let before = self.rows(*slot).get(place).copied().unwrap_or(0);
            self.add(*slot, place, counts.value(row) - before);
        }
        drop(self.take_unsaved());
        self.end_tick(slots.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter())
    }
}
