//! Filters by the clock, such as `ts > now() - INTERVAL '1 hour'`: a row enters and leaves when its time comes, even when
//! nothing arrives. Holds the rows that are still to enter or to leave, in order of when.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow_cast::cast;
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use highwater_model::{ChangeBatch, Weights};

use super::{Node, OperatorFigures, Part, State, Tick, hash_table_bytes};
use crate::ViewsError;
use crate::expression::Expression;

/// Never.
const NEVER: i64 = i64::MAX;
/// Since ever.
pub(crate) const ALWAYS: i64 = i64::MIN;

/// One comparison of a row's time with the clock.
pub(crate) struct Bound {
    /// A time of the row: a timestamp or a date.
    pub(crate) time: Expression,
    /// Microseconds from that time to the moment when the comparison turns.
    pub(crate) after_micros: i64,
    /// Whether the row enters at that moment; else it leaves.
    pub(crate) enters: bool,
}

/// When a view next changes by itself, in microseconds since 1970 UTC; shared with whoever wakes the engine.
#[derive(Clone, Debug)]
pub(crate) struct Due(Arc<AtomicI64>);

impl Due {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NEVER)))
    }

    /// Sets the moment, or that there is none.
    pub(crate) fn set(&self, due: Option<i64>) {
        self.0.store(due.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// The moment, if there is one.
    pub(crate) fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|due| *due != NEVER)
    }
}

/// A row that waits for its time, in order of that time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Waiting {
    /// When it enters, or leaves if it is in.
    due: i64,
    row: Arc<[u8]>,
    /// When it leaves.
    leaves: i64,
}

impl Waiting {
    fn is_in(&self) -> bool {
        self.due == self.leaves
    }
}

/// A filter by the clock.
pub(crate) struct Temporal {
    input: Box<dyn Node>,
    bounds: Vec<Bound>,
    schema: SchemaRef,
    codec: RowConverter,
    /// Rows that wait, with their weights.
    waiting: BTreeMap<Waiting, i64>,
    bytes: usize,
    /// The clock when it was last looked at.
    now: i64,
    due: Due,
    /// Rows that came when their time was over, since the start.
    late: u64,
    /// Rows that changed since the last save, and those that the checkpoint under way still has to gather.
    unsaved: HashSet<Waiting>,
    saving: Vec<Waiting>,
    text: String,
}

impl Temporal {
    /// Rows of `input` while all `bounds` hold; `due` tells when there is something to do.
    pub(crate) fn new(input: Box<dyn Node>, bounds: Vec<Bound>, due: Due, text: String) -> Result<Self, ViewsError> {
        let schema = Arc::clone(input.schema());
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self {
            input,
            bounds,
            schema,
            codec: RowConverter::new(fields)?,
            waiting: BTreeMap::new(),
            bytes: 0,
            now: ALWAYS,
            due,
            late: 0,
            unsaved: HashSet::new(),
            saving: Vec::new(),
            text,
        })
    }

    /// When each row enters and leaves; a row whose time is NULL is never in.
    fn spans(&self, rows: &RecordBatch) -> Result<Vec<(i64, i64)>, ViewsError> {
        let mut spans = vec![(ALWAYS, NEVER); rows.num_rows()];
        for bound in &self.bounds {
            let times = micros(&bound.time.evaluate(rows)?)?;
            for (row, (enters, leaves)) in spans.iter_mut().enumerate() {
                if times.is_null(row) {
                    *leaves = ALWAYS;
                    continue;
                }
                let turns = times.value(row).saturating_add(bound.after_micros);
                match bound.enters {
                    true => *enters = (*enters).max(turns),
                    false => *leaves = (*leaves).min(turns),
                }
            }
        }
        Ok(spans)
    }

    fn wait(&mut self, waiting: Waiting, weight: i64) {
        if waiting.due == NEVER || weight == 0 {
            return;
        }
        self.unsaved.insert(waiting.clone());
        let held = held(&waiting);
        match self.waiting.entry(waiting) {
            Entry::Vacant(vacant) => {
                self.bytes += held;
                vacant.insert(weight);
            }
            Entry::Occupied(mut occupied) => {
                *occupied.get_mut() += weight;
                if *occupied.get() == 0 {
                    self.bytes -= held;
                    occupied.remove();
                }
            }
        }
    }

    /// Moves the clock on: rows whose time has come enter or leave.
    fn advance(&mut self, now: i64, entries: &mut Vec<(Arc<[u8]>, i64)>) {
        if now <= self.now {
            return;
        }
        self.now = now;
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().due <= now) {
            let (waiting, weight) = entry.remove_entry();
            self.bytes -= held(&waiting);
            if waiting.is_in() {
                entries.push((waiting.row, -weight));
            } else if waiting.leaves > now {
                entries.push((Arc::clone(&waiting.row), weight));
                self.wait(Waiting { due: waiting.leaves, ..waiting }, weight);
            }
        }
    }

    /// Takes in a batch; gives the rows of it that are in now.
    fn take(&mut self, change: &ChangeBatch) -> Result<Option<ChangeBatch>, ViewsError> {
        let spans = self.spans(&change.rows)?;
        let encoded = self.codec.convert_columns(change.rows.columns())?;
        let mut mask = Vec::with_capacity(spans.len());
        for (row, (enters, leaves)) in spans.into_iter().enumerate() {
            let is_in = enters <= self.now && leaves > self.now;
            self.late += u64::from(leaves <= self.now && change.weights.at(row) > 0);
            mask.push(is_in);
            if leaves > self.now && leaves > enters {
                let due = if is_in { leaves } else { enters };
                let row_bytes: Arc<[u8]> = encoded.row(row).data().into();
                self.wait(Waiting { due, row: row_bytes, leaves }, change.weights.at(row));
            }
        }
        let mask = BooleanArray::from(mask);
        if mask.true_count() == 0 {
            return Ok(None);
        }
        super::linear::filter_change(change, &mask).map(Some)
    }

    /// What turned with the clock and what the input changed, each row once: the same row may be among both.
    fn net(&self, turned: Vec<(Arc<[u8]>, i64)>, changes: &[ChangeBatch]) -> Result<Vec<ChangeBatch>, ViewsError> {
        let mut net: BTreeMap<Arc<[u8]>, i64> = BTreeMap::new();
        for (row, weight) in turned {
            *net.entry(row).or_default() += weight;
        }
        for change in changes {
            let encoded = self.codec.convert_columns(change.rows.columns())?;
            for (row, bytes) in encoded.iter().enumerate() {
                *net.entry(bytes.data().into()).or_default() += change.weights.at(row);
            }
        }
        net.retain(|_, weight| *weight != 0);
        if net.is_empty() {
            return Ok(Vec::new());
        }
        let rows = RecordBatch::try_new(self.schema.clone(), self.rows(net.keys().map(AsRef::as_ref))?)?;
        Ok(vec![ChangeBatch { rows, weights: Weights::Each(net.into_values().collect()) }])
    }

    fn rows<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>, ViewsError> {
        let parser = self.codec.parser();
        Ok(self.codec.convert_rows(rows.map(|row| parser.parse(row)))?)
    }

    fn saved_schema(&self) -> SchemaRef {
        let own = self.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let more = ["_due", "_leaves", "_weight"].map(|name| Field::new(name, DataType::Int64, false));
        Arc::new(Schema::new(own.chain(more).collect::<Vec<_>>()))
    }
}

/// What a waiting row takes: its entry in a B-tree whose nodes are about two thirds full, its bytes and their counters.
fn held(waiting: &Waiting) -> usize {
    (size_of::<Waiting>() + size_of::<i64>()) * 3 / 2 + waiting.row.len() + 2 * size_of::<usize>()
}

/// Times as microseconds since 1970 UTC.
pub(crate) fn micros(times: &ArrayRef) -> Result<arrow_array::TimestampMicrosecondArray, ViewsError> {
    let utc = match times.data_type() {
        DataType::Timestamp(unit, _) => cast(times, &DataType::Timestamp(*unit, None))?,
        _ => Arc::clone(times),
    };
    let micros = cast(&utc, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    Ok(micros.as_primitive::<TimestampMicrosecondType>().clone())
}

impl Node for Temporal {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let input = self.input.step(tick)?;
        let mut turned = Vec::new();
        self.advance(tick.now_micros, &mut turned);
        let mut changes = Vec::new();
        for change in input.iter().filter(|change| !change.is_empty()) {
            changes.extend(self.take(change)?);
        }
        if !turned.is_empty() {
            changes = self.net(turned, &changes)?;
        }
        self.due.set(self.waiting.first_key_value().map(|(waiting, _)| waiting.due));
        Ok(changes)
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.input.as_ref()]
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        vec![&mut self.input]
    }

    fn state(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }

    fn bytes(&self) -> usize {
        self.bytes
            + hash_table_bytes::<Waiting>(self.unsaved.capacity())
            + self.saving.capacity() * size_of::<Waiting>()
    }

    fn late(&self) -> u64 {
        self.late
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        vec![OperatorFigures {
            operator: format!("while {}", self.text),
            holds: Some("the rows that are still to enter or to leave".to_owned()),
            rows: self.waiting.len(),
            bytes: self.bytes(),
            bounded_by: Some("time: the rows whose time has not come".to_owned()),
        }]
    }
}

impl State for Temporal {
    fn begin_save(&mut self, full: bool) {
        if full {
            self.unsaved = self.waiting.keys().cloned().collect();
        }
        self.saving = std::mem::take(&mut self.unsaved).into_iter().collect();
    }

    fn unsaved(&self) -> usize {
        self.unsaved.len() + self.saving.len()
    }

    /// The clock, then a part of the rows that wait and changed since the last save; those whose time has come by that
    /// clock are gone without saying.
    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        if self.saving.is_empty() || part == Part::ALL {
            self.saving.extend(std::mem::take(&mut self.unsaved));
        }
        let unsaved = part.take_entries(&mut self.saving);
        let pending = unsaved.iter().filter(|waiting| waiting.due > self.now);
        let kept: Vec<(&Waiting, i64)> =
            pending.map(|waiting| (waiting, self.waiting.get(waiting).copied().unwrap_or(0))).collect();
        let mut columns = self.rows(kept.iter().map(|(waiting, _)| waiting.row.as_ref()))?;
        let number = |value: fn(&(&Waiting, i64)) -> i64| -> ArrayRef {
            Arc::new(kept.iter().map(value).collect::<Int64Array>())
        };
        columns.push(number(|(waiting, _)| waiting.due));
        columns.push(number(|(waiting, _)| waiting.leaves));
        columns.push(number(|(_, weight)| *weight));
        let clock: ArrayRef = Arc::new(Int64Array::from(vec![self.now]));
        let clock = RecordBatch::try_from_iter([("_now", clock)])?;
        Ok(vec![clock, RecordBatch::try_new(self.saved_schema(), columns)?])
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        let bad = || ViewsError::BadState("a filter by the clock of another layout".to_owned());
        let [clock, rows] = saved.as_slice() else { return Err(bad()) };
        let own = self.schema.fields().len();
        if clock.num_rows() != 1 || rows.num_columns() != own + 3 {
            return Err(bad());
        }
        let number = |batch: &RecordBatch, column: usize| {
            batch.column(column).as_any().downcast_ref::<Int64Array>().cloned().ok_or_else(bad)
        };
        self.now = number(clock, 0)?.value(0);
        let (due, leaves, weights) = (number(rows, own)?, number(rows, own + 1)?, number(rows, own + 2)?);
        let encoded = self.codec.convert_columns(&rows.columns()[..own])?;
        for row in 0..rows.num_rows() {
            let waiting =
                Waiting { due: due.value(row), row: encoded.row(row).data().into(), leaves: leaves.value(row) };
            let before = self.waiting.get(&waiting).copied().unwrap_or(0);
            self.wait(waiting, weights.value(row) - before);
        }
        // What entered or left between the saves stands in the later one.
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().due <= self.now) {
            self.bytes -= held(entry.key());
            entry.remove();
        }
        self.unsaved.clear();
        self.due.set(self.waiting.first_key_value().map(|(waiting, _)| waiting.due));
        Ok(())
    }
}
