//! What one shard keeps of one side: its rows, how often each occurs, how many rows of the other side match it, and
//! where the rows of each join key are.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use super::input::Prepared;
use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};
use crate::keys::{KeyCodec, KeyTable, SlotGroups};
use crate::operator::{Gone, Part, marked};

/// No number in this tick's list.
const UNTOUCHED: u32 = u32::MAX;

/// The rows of one side in one shard.
pub(super) struct Side {
    rows: KeyTable,
    fields: Vec<Field>,
    counts: Vec<i64>,
    /// How many rows of the other side match, with their counts; kept when `counts_matches`.
    matches: Vec<i64>,
    counts_matches: bool,
    groups: SlotGroups,
    /// Position in `touched`, by slot.
    marks: Vec<u32>,
    touched: Vec<Touched>,
    unsaved: Vec<bool>,
    gone_unsaved: Gone,
}

/// A row touched in this tick: as it was before, and where its key stands in the tick's input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touched {
    pub(super) slot: u32,
    pub(super) count: i64,
    pub(super) matches: i64,
    /// Batch and row of the input, when the row itself changed and not only its matches.
    pub(super) at: Option<(u32, u32)>,
}

impl Side {
    pub(super) fn new(schema: &SchemaRef, key_codec: KeyCodec, counts_matches: bool) -> Result<Self, ViewsError> {
        let fields = row_fields(schema);
        Ok(Self {
            rows: KeyTable::new(KeyCodec::new(&fields)?),
            fields,
            counts: Vec::new(),
            matches: Vec::new(),
            counts_matches,
            groups: SlotGroups::new(key_codec),
            marks: Vec::new(),
            touched: Vec::new(),
            unsaved: Vec::new(),
            gone_unsaved: Gone::default(),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes()
            + self.groups.bytes()
            + (self.counts.capacity() + self.matches.capacity()) * size_of::<i64>()
            + self.marks.capacity() * size_of::<u32>()
            + self.unsaved.capacity()
            + self.gone_unsaved.bytes()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes in the shard's rows of this tick.
    pub(super) fn apply(&mut self, inputs: &[Prepared], shard: usize) {
        for (number, input) in inputs.iter().enumerate() {
            let rows = input.rows_of(shard);
            let (mut slots, mut created) = (Vec::with_capacity(rows.len()), Vec::new());
            self.rows.intern(&input.rows, &input.row_hashes, Some(rows), &mut slots, &mut created);
            self.grow();
            // A row that is there has a count above 0 between ticks: an untouched one without is new.
            let (mut new_rows, mut new_slots) = (Vec::new(), Vec::new());
            for (&row, &slot) in rows.iter().zip(&slots) {
                if self.marks[slot as usize] == UNTOUCHED && self.counts[slot as usize] == 0 {
                    new_rows.push(row);
                    new_slots.push(slot);
                }
                let at = self.touch(slot);
                self.touched[at].at.get_or_insert((number as u32, row));
                self.counts[slot as usize] += input.change.weights.at(row as usize);
            }
            self.groups.insert_rows(&input.keys, &input.key_hashes, &new_rows, &new_slots);
        }
    }

    fn grow(&mut self) {
        let slots = self.rows.slots();
        if self.counts.len() < slots {
            self.counts.resize(slots, 0);
            self.marks.resize(slots, UNTOUCHED);
            self.unsaved.resize(slots, false);
            if self.counts_matches {
                self.matches.resize(slots, 0);
            }
        }
    }

    /// Notes how a row was before this tick; gives its number among the touched ones.
    fn touch(&mut self, slot: u32) -> usize {
        let mark = self.marks[slot as usize];
        if mark != UNTOUCHED {
            return mark as usize;
        }
        let matches = self.matches.get(slot as usize).copied().unwrap_or(0);
        self.marks[slot as usize] = self.touched.len() as u32;
        self.unsaved[slot as usize] = true;
        self.touched.push(Touched { slot, count: self.counts[slot as usize], matches, at: None });
        self.touched.len() - 1
    }

    /// The rows touched so far in this tick.
    pub(super) fn touched(&self) -> &[Touched] {
        &self.touched
    }

    /// How often a row occurs now.
    pub(super) fn count(&self, slot: u32) -> i64 {
        self.counts[slot as usize]
    }

    /// How often a row occurred before this tick.
    pub(super) fn count_before(&self, slot: u32) -> i64 {
        match self.marks[slot as usize] {
            UNTOUCHED => self.counts[slot as usize],
            mark => self.touched[mark as usize].count,
        }
    }

    /// Whether a row occurs more or less often than before this tick.
    pub(super) fn is_changed(&self, slot: u32) -> bool {
        self.count_before(slot) != self.count(slot)
    }

    /// How many rows match a row now.
    pub(super) fn matches(&self, slot: u32) -> i64 {
        self.matches[slot as usize]
    }

    /// Counts matches of a row.
    pub(super) fn add_matches(&mut self, slot: u32, change: i64) {
        if change != 0 {
            self.touch(slot);
            self.matches[slot as usize] += change;
        }
    }

    /// The rows under the key that stands in a row of the other side's input.
    pub(super) fn under_key(&self, input: &Prepared, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.groups.find(&input.keys, row as usize, input.key_hashes[row as usize])
    }

    /// The columns of these rows.
    pub(super) fn columns(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, ViewsError> {
        self.rows.decode(slots)
    }

    /// Ends the tick: rows that occur no more are let go.
    pub(super) fn end_tick(&mut self, inputs: &[Prepared]) -> Result<(), ViewsError> {
        let mut gone = Vec::new();
        for touched in std::mem::take(&mut self.touched) {
            let slot = touched.slot as usize;
            self.marks[slot] = UNTOUCHED;
            if self.counts[slot] < 0 || self.matches.get(slot).is_some_and(|matches| *matches < 0) {
                return Err(ViewsError::Invariant("a join lost more rows than it had".to_owned()));
            }
            if let (0, Some((batch, row))) = (self.counts[slot], touched.at) {
                let input = &inputs[batch as usize];
                self.groups.remove_row(&input.keys, row as usize, input.key_hashes[row as usize], touched.slot)?;
                self.unsaved[slot] = false;
                if let Some(matches) = self.matches.get_mut(slot) {
                    *matches = 0;
                }
                gone.push(touched.slot);
            }
        }
        if !gone.is_empty() {
            self.gone_unsaved.push(self.rows.decode(&gone)?);
            self.rows.remove(&gone);
        }
        Ok(())
    }

    pub(super) fn begin_save(&mut self, full: bool) {
        if full {
            self.gone_unsaved.clear();
            self.rows.mark_occupied(&mut self.unsaved);
        }
    }

    pub(super) fn unsaved(&self) -> usize {
        marked(&self.unsaved)
    }

    /// Two batches: rows gone since the last save, and a part of the rows changed since, with counts and matches.
    pub(super) fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        let slots = part.take_marked(&mut self.unsaved);
        let gone = self.gone_unsaved.take().into_iter();
        let gone_schema = Arc::new(Schema::new(self.fields.clone()));
        let gone = gone.map(|columns| batch(&gone_schema, columns, None)).collect::<Result<Vec<_>, _>>()?;
        let numbers = |values: &[i64]| -> ArrayRef {
            Arc::new(slots.iter().map(|slot| values.get(*slot as usize).copied().unwrap_or(0)).collect::<Int64Array>())
        };
        let mut columns = self.rows.decode(&slots)?;
        columns.push(numbers(&self.counts));
        columns.push(numbers(&self.matches));
        Ok(vec![concat_batches(&gone_schema, &gone)?, batch(&self.saved_schema(), columns, Some(slots.len()))?])
    }

    /// Takes in what [`Side::save`] gave; `keys` compute the join key.
    pub(super) fn load(&mut self, saved: &[RecordBatch], keys: &[Expression]) -> Result<(), ViewsError> {
        let bad = || ViewsError::BadState("a join of another layout".to_owned());
        let [gone, rows] = saved else { return Err(bad()) };
        if gone.num_columns() != self.fields.len() || rows.num_columns() != self.fields.len() + 2 {
            return Err(bad());
        }
        let encoded = self.rows.codec().encode(gone.columns(), gone.num_rows())?;
        let hashes = encoded.hashes();
        let found = (0..gone.num_rows()).filter_map(|row| Some((row, self.rows.find(&encoded, row, hashes[row])?)));
        let (at, slots): (Vec<usize>, Vec<u32>) = found.unzip();
        let gone_keys = evaluate_all(keys, gone)?;
        let gone_keys = self.groups.codec().encode(&gone_keys, gone.num_rows())?;
        let gone_hashes = gone_keys.hashes();
        for (row, slot) in at.into_iter().zip(&slots) {
            self.groups.remove_row(&gone_keys, row, gone_hashes[row], *slot)?;
            self.counts[*slot as usize] = 0;
            if let Some(matches) = self.matches.get_mut(*slot as usize) {
                *matches = 0;
            }
        }
        self.rows.remove(&slots);
        self.load_rows(rows, keys).and_then(|loaded| loaded.ok_or_else(bad))
    }

    fn load_rows(&mut self, rows: &RecordBatch, keys: &[Expression]) -> Result<Option<()>, ViewsError> {
        let number = |column: usize| rows.column(column).as_any().downcast_ref::<Int64Array>();
        let (Some(counts), Some(matches)) = (number(self.fields.len()), number(self.fields.len() + 1)) else {
            return Ok(None);
        };
        let own = rows.project(&(0..self.fields.len()).collect::<Vec<_>>())?;
        let encoded = self.rows.codec().encode(own.columns(), own.num_rows())?;
        let (mut slots, mut created) = (Vec::new(), Vec::new());
        self.rows.intern(&encoded, &encoded.hashes(), None, &mut slots, &mut created);
        self.grow();
        let key_columns = evaluate_all(keys, &own)?;
        let encoded = self.groups.codec().encode(&key_columns, own.num_rows())?;
        let (mut new_rows, mut new_slots) = (Vec::new(), Vec::new());
        for (row, slot) in slots.iter().enumerate() {
            if self.counts[*slot as usize] == 0 {
                new_rows.push(row as u32);
                new_slots.push(*slot);
            }
            self.counts[*slot as usize] = counts.value(row);
            if self.counts_matches {
                self.matches[*slot as usize] = matches.value(row);
            }
        }
        self.groups.insert_rows(&encoded, &encoded.hashes(), &new_rows, &new_slots);
        Ok(Some(()))
    }

    fn saved_schema(&self) -> SchemaRef {
        let mut fields = self.fields.clone();
        fields.push(Field::new("_count", DataType::Int64, false));
        fields.push(Field::new("_matches", DataType::Int64, false));
        Arc::new(Schema::new(fields))
    }
}

/// The fields of rows as a side keeps them. All may be NULL: plans know better which cannot, data must not depend on it.
pub(super) fn row_fields(schema: &SchemaRef) -> Vec<Field> {
    schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect()
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: Option<usize>) -> Result<RecordBatch, ViewsError> {
    let rows = rows.or_else(|| columns.first().map(|column| column.len()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &RecordBatchOptions::new().with_row_count(rows))?)
}
