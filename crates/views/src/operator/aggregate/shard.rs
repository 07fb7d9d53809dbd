//! One shard of a group aggregate: its groups, their states, and the changes a tick makes to them.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use highwater_aggregate::AggregateSpec;
use highwater_model::{ChangeBatch, Weights};

use super::input::Prepared;
use super::leaving::{Departures, Horizon};
use crate::ViewsError;
use crate::keys::KeyTable;
use crate::operator::{Gone, Part, marked};

/// The groups whose key hashes fall into one shard.
pub(super) struct Shard {
    index: usize,
    keys: KeyTable,
    states: Vec<Box<dyn highwater_aggregate::Aggregate>>,
    /// Rows in each group, kept only when rows can be retracted.
    counts: Option<Vec<i64>>,
    /// The tick that last touched each group.
    touched_at: Vec<u32>,
    tick: u32,
    /// Groups changed since the last save.
    unsaved: Vec<bool>,
    /// Keys of groups let go since the last save.
    gone_unsaved: Gone,
    /// When groups leave by the clock; empty when they stay.
    departures: Departures,
    /// The only group of an aggregate without `GROUP BY`, which exists even without rows, was not emitted yet.
    global_pending: bool,
}

/// Groups touched in a tick.
#[derive(Default)]
struct Touched {
    /// Those that were there before.
    existing: Vec<u32>,
    /// Those that are new.
    created: Vec<u32>,
}

impl Shard {
    pub(super) fn new(
        index: usize,
        keys: KeyTable,
        specs: &[AggregateSpec],
        append_only: bool,
        global: bool,
    ) -> Result<Self, ViewsError> {
        let states = specs.iter().map(AggregateSpec::build).collect::<Result<_, _>>()?;
        Ok(Self {
            index,
            keys,
            states,
            counts: (!append_only).then(Vec::new),
            touched_at: Vec::new(),
            tick: 0,
            unsaved: Vec::new(),
            gone_unsaved: Gone::default(),
            departures: Departures::default(),
            global_pending: global && index == 0,
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.states.iter().map(|state| state.bytes()).sum::<usize>()
            + self.counts.as_ref().map_or(0, |counts| counts.capacity() * 8)
            + self.touched_at.capacity() * 4
            + self.unsaved.capacity()
            + self.gone_unsaved.bytes()
            + self.departures.bytes()
    }

    pub(super) fn groups(&self) -> usize {
        self.keys.len()
    }

    /// When the next group leaves.
    pub(super) fn next_departure(&self) -> Option<i64> {
        self.departures.next()
    }

    /// Takes one tick's rows and gives the changes of this shard's groups. With a horizon, groups leave, and the rows are
    /// only of those that have not left.
    pub(super) fn step(
        &mut self,
        inputs: &[Prepared],
        schema: &SchemaRef,
        horizon: Option<Horizon>,
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        let mut changes = horizon.map(|horizon| self.depart(horizon, schema)).transpose()?.unwrap_or_default();
        let rows: usize =
            inputs.iter().map(|input| input.rows(self.index).map_or(input.keys.len(), <[u32]>::len)).sum();
        if rows == 0 && !self.global_pending {
            return Ok(changes);
        }
        let (mut touched, slots) = self.locate(inputs);
        if let Some(horizon) = horizon.filter(|_| !touched.created.is_empty()) {
            self.departures.add(horizon, &self.keys.decode(&touched.created)?, &touched.created)?;
        }
        if std::mem::take(&mut self.global_pending) && touched.created.is_empty() && self.keys.len() == 0 {
            self.create_global(&mut touched);
        }
        let before = self.results(&touched.existing)?;
        for (input, slots) in inputs.iter().zip(&slots) {
            self.update(input, slots)?;
        }
        changes.extend(self.emit(&touched, before, schema, horizon)?);
        Ok(changes)
    }

    /// Lets go of the groups whose time is over.
    fn depart(&mut self, horizon: Horizon, schema: &SchemaRef) -> Result<Vec<ChangeBatch>, ViewsError> {
        let left = self.departures.left(horizon.now);
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let rows = batch(schema, self.keys.decode(&left)?, self.results(&left)?, left.len())?;
        self.let_go(&left, Some(horizon))?;
        Ok(vec![ChangeBatch { rows, weights: Weights::Each(vec![-1; left.len()].into()) }])
    }

    /// The slots of all rows, and which groups they touch.
    fn locate(&mut self, inputs: &[Prepared]) -> (Touched, Vec<Vec<u32>>) {
        if self.tick == u32::MAX {
            self.touched_at.fill(0);
            self.tick = 0;
        }
        self.tick += 1;
        let mut touched = Touched::default();
        let mut all_slots = Vec::with_capacity(inputs.len());
        for input in inputs {
            let rows = input.rows(self.index);
            let mut slots = Vec::with_capacity(rows.map_or(input.keys.len(), <[u32]>::len));
            let first_new = touched.created.len();
            self.keys.intern(&input.keys, &input.hashes, rows, &mut slots, &mut touched.created);
            self.grow();
            for slot in &touched.created[first_new..] {
                self.touched_at[*slot as usize] = self.tick;
                self.unsaved[*slot as usize] = true;
            }
            for slot in &slots {
                let at = &mut self.touched_at[*slot as usize];
                if *at != self.tick {
                    *at = self.tick;
                    self.unsaved[*slot as usize] = true;
                    touched.existing.push(*slot);
                }
            }
            all_slots.push(slots);
        }
        (touched, all_slots)
    }

    fn grow(&mut self) {
        let slots = self.keys.slots();
        if self.touched_at.len() < slots {
            self.touched_at.resize(slots, 0);
            self.unsaved.resize(slots, false);
            if let Some(counts) = &mut self.counts {
                counts.resize(slots, 0);
            }
            self.states.iter_mut().for_each(|state| state.grow(slots));
        }
    }

    fn create_global(&mut self, touched: &mut Touched) {
        let keys = crate::keys::EncodedKeys::Unit(1);
        self.keys.intern(&keys, &[0], None, &mut Vec::new(), &mut touched.created);
        self.grow();
        touched.created.iter().for_each(|slot| self.unsaved[*slot as usize] = true);
    }

    fn update(&mut self, input: &Prepared, slots: &[u32]) -> Result<(), ViewsError> {
        let rows = input.rows(self.index);
        if let Some(counts) = &mut self.counts {
            let row_at = |position: usize| rows.map_or(position, |rows| rows[position] as usize);
            for (position, slot) in slots.iter().enumerate() {
                counts[*slot as usize] += input.weights.at(row_at(position));
            }
        }
        input.brought.give(&mut self.states, rows, slots, &input.weights)
    }

    fn results(&self, slots: &[u32]) -> Result<Vec<ArrayRef>, ViewsError> {
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        self.states.iter().map(|state| Ok(state.finish(slots)?)).collect()
    }

    /// −old for existing groups that changed, +new for those and for new ones; groups without rows are let go.
    fn emit(
        &mut self,
        touched: &Touched,
        before: Vec<ArrayRef>,
        schema: &SchemaRef,
        horizon: Option<Horizon>,
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        let mut changes = Vec::new();
        let gone = self.gone(touched)?;
        if !touched.existing.is_empty() {
            let after = self.results(&touched.existing)?;
            let alive: Vec<bool> = touched.existing.iter().map(|slot| !self.is_gone(*slot)).collect();
            let same = same_rows(&before, &after, touched.existing.len());
            let old: BooleanArray = (0..alive.len()).map(|i| Some(!(alive[i] && same[i]))).collect();
            let new: BooleanArray = (0..alive.len()).map(|i| Some(alive[i] && !same[i])).collect();
            if old.true_count() > 0 {
                let keys = self.keys.decode(&touched.existing)?;
                let rows = filter_record_batch(&batch(schema, keys.clone(), before, alive.len())?, &old)?;
                let weights = Weights::Each(vec![-1; rows.num_rows()].into());
                changes.push(ChangeBatch { rows, weights });
                if new.true_count() > 0 {
                    let rows = filter_record_batch(&batch(schema, keys, after, alive.len())?, &new)?;
                    changes.push(ChangeBatch::inserts(rows));
                }
            }
        }
        let created: Vec<u32> = touched.created.iter().copied().filter(|slot| !self.is_gone(*slot)).collect();
        if !created.is_empty() {
            let rows = batch(schema, self.keys.decode(&created)?, self.results(&created)?, created.len())?;
            changes.push(ChangeBatch::inserts(rows));
        }
        if !gone.is_empty() {
            self.let_go(&gone, horizon)?;
        }
        Ok(changes)
    }

    fn let_go(&mut self, gone: &[u32], horizon: Option<Horizon>) -> Result<(), ViewsError> {
        let keys = self.keys.decode(gone)?;
        if let Some(horizon) = horizon {
            self.departures.remove(horizon, &keys, gone)?;
        }
        self.gone_unsaved.push(keys);
        // The slots go to other groups, which begin without rows.
        if let Some(counts) = &mut self.counts {
            gone.iter().for_each(|slot| counts[*slot as usize] = 0);
        }
        gone.iter().for_each(|slot| self.unsaved[*slot as usize] = false);
        self.states.iter_mut().for_each(|state| state.clear(gone));
        self.keys.remove(gone);
        Ok(())
    }

    fn is_gone(&self, slot: u32) -> bool {
        !matches!(self.keys.codec(), crate::keys::KeyCodec::Unit)
            && self.counts.as_ref().is_some_and(|counts| counts[slot as usize] == 0)
    }

    fn gone(&self, touched: &Touched) -> Result<Vec<u32>, ViewsError> {
        if let Some(counts) = &self.counts {
            let mut all = touched.existing.iter().chain(&touched.created);
            if all.any(|slot| counts[*slot as usize] < 0) {
                return Err(ViewsError::Invariant("a group lost more rows than it had".to_owned()));
            }
        }
        Ok(touched.existing.iter().chain(&touched.created).copied().filter(|slot| self.is_gone(*slot)).collect())
    }

    pub(super) fn begin_save(&mut self, full: bool) {
        if full {
            self.gone_unsaved.clear();
            self.keys.mark_occupied(&mut self.unsaved);
        }
    }

    pub(super) fn unsaved(&self) -> usize {
        marked(&self.unsaved)
    }

    /// Two batches of key columns, row count and encoded states: groups let go since the last save (row count 0, no
    /// states), then a part of the groups changed since.
    pub(super) fn save(&mut self, part: Part, key_fields: &[Field]) -> Result<Vec<RecordBatch>, ViewsError> {
        let slots = part.take_marked(&mut self.unsaved);
        let mut fields = key_fields.to_vec();
        fields.push(Field::new("rows", DataType::Int64, false));
        let count = |slot: &u32| self.counts.as_ref().map_or(1, |counts| counts[*slot as usize]);
        let mut changed = self.keys.decode(&slots)?;
        changed.push(Arc::new(slots.iter().map(count).collect::<Int64Array>()));
        for (call, state) in self.states.iter().enumerate() {
            let encoded = state.encode(&slots)?;
            fields.push(Field::new(format!("state{call}"), encoded.data_type().clone(), true));
            changed.push(encoded);
        }
        let schema = Arc::new(Schema::new(fields));
        let gone = self.gone_unsaved.take();
        let mut saved = Vec::new();
        for keys in gone {
            let rows = keys.first().map_or(0, |column| column.len());
            let mut columns = keys;
            columns.push(Arc::new(Int64Array::from_value(0, rows)));
            columns
                .extend(schema.fields()[columns.len()..].iter().map(|field| new_null_array(field.data_type(), rows)));
            saved.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
        Ok(vec![concat_batches(&schema, &saved)?, RecordBatch::try_new(schema, changed)?])
    }

    /// Takes in one saved batch: its groups replace those of the same keys; a row count of 0 lets a group go.
    pub(super) fn load(
        &mut self,
        saved: &RecordBatch,
        key_columns: usize,
        horizon: Option<Horizon>,
    ) -> Result<(), ViewsError> {
        let bad = |what: &str| ViewsError::BadState(what.to_owned());
        if saved.num_columns() != key_columns + 1 + self.states.len() {
            return Err(bad("an aggregate with another number of columns"));
        }
        if saved.num_rows() == 0 {
            return Ok(());
        }
        self.global_pending = false;
        let rows = saved.column(key_columns).as_any().downcast_ref::<Int64Array>();
        let rows = rows.ok_or_else(|| bad("an aggregate without row counts"))?;
        let keys = self.keys.codec().encode(&saved.columns()[..key_columns], saved.num_rows())?;
        let hashes = keys.hashes();
        if rows.values().iter().all(|rows| *rows == 0) && key_columns > 0 {
            let gone: Vec<u32> = (0..hashes.len()).filter_map(|row| self.keys.find(&keys, row, hashes[row])).collect();
            self.states.iter_mut().for_each(|state| state.clear(&gone));
            // The slots go to other groups, which begin without rows.
            if let Some(counts) = &mut self.counts {
                gone.iter().for_each(|slot| counts[*slot as usize] = 0);
            }
            if let Some(horizon) = horizon {
                self.departures.remove(horizon, &self.keys.decode(&gone)?, &gone)?;
            }
            self.keys.remove(&gone);
            return Ok(());
        }
        let (mut slots, mut created) = (Vec::new(), Vec::new());
        self.keys.intern(&keys, &hashes, None, &mut slots, &mut created);
        self.grow();
        if let Some(horizon) = horizon {
            self.departures.add(horizon, &self.keys.decode(&created)?, &created)?;
        }
        for (call, state) in self.states.iter_mut().enumerate() {
            state.clear(&slots);
            state.merge(saved.column(key_columns + 1 + call), &slots)?;
        }
        if let Some(counts) = &mut self.counts {
            for (slot, rows) in slots.iter().zip(rows.values()) {
                counts[*slot as usize] = *rows;
            }
        }
        Ok(())
    }
}

fn batch(
    schema: &SchemaRef,
    mut columns: Vec<ArrayRef>,
    results: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ViewsError> {
    columns.extend(results);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// Which rows have equal values in all columns (NULL equals NULL). A type that cannot be compared counts as different.
fn same_rows(before: &[ArrayRef], after: &[ArrayRef], rows: usize) -> Vec<bool> {
    let mut same = vec![true; rows];
    for (old, new) in before.iter().zip(after) {
        match arrow_ord::cmp::not_distinct(old, new) {
            Ok(equal) => same.iter_mut().enumerate().for_each(|(row, same)| *same &= equal.value(row)),
            Err(_) => return vec![false; rows],
        }
    }
    same
}
