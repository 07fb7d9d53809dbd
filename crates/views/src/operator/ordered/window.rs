//! Window functions (`LAG`, running sums, ranks without a bound, …): a partition that a tick touches is evaluated anew, by
//! DataFusion's own functions, and the difference is given. What it costs is the size of the touched partitions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use highwater_model::{ChangeBatch, Weights};
use highwater_sql::datafusion::physical_plan::WindowExpr;

use super::input::{Order, Prepared};
use super::partitions::{Ordered, Partitions};
use crate::ViewsError;
use crate::operator::{Node, OperatorFigures, Part, State, Tick, rows_in};

/// Which functions, over which order.
pub(crate) struct WindowPlan {
    pub(crate) order: Order,
    /// All over this order.
    pub(crate) functions: Vec<Arc<dyn WindowExpr>>,
    /// Columns of the result: those of the input, then one a function.
    pub(crate) schema: SchemaRef,
    /// The functions as SQL.
    pub(crate) text: String,
}

/// Window functions over ordered partitions.
pub(crate) struct Window {
    input: Box<dyn Node>,
    plan: WindowPlan,
    results: RowConverter,
    shards: Vec<Shard>,
}

struct Shard {
    index: usize,
    partitions: Partitions,
    /// Whether this tick touched the partition already.
    marks: Vec<bool>,
}

impl WindowPlan {
    /// The rows of a partition with the functions' values; `None` when there are none.
    fn evaluate(&self, rows: &Ordered) -> Result<Option<RecordBatch>, ViewsError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let repeated =
            rows.iter().flat_map(|(place, count)| std::iter::repeat_n(place, usize::try_from(*count).unwrap_or(0)));
        let rows = self.order.rows(repeated)?;
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        for function in &self.functions {
            columns.push(function.evaluate(&rows)?);
        }
        Ok(Some(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

impl Shard {
    fn step(
        &mut self,
        plan: &WindowPlan,
        results: &RowConverter,
        inputs: &[Prepared],
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        let (mut touched, mut before) = (Vec::new(), Vec::new());
        for input in inputs {
            let rows = input.rows_of(self.index);
            let slots = self.partitions.slots_of(input, rows);
            self.marks.resize(self.partitions.slots(), false);
            for (&row, &slot) in rows.iter().zip(&slots) {
                if !std::mem::replace(&mut self.marks[slot as usize], true) {
                    before.extend(plan.evaluate(self.partitions.rows(slot))?);
                    touched.push(slot);
                }
                self.partitions.add(slot, &input.places[row as usize], input.weights.at(row as usize));
            }
        }
        self.partitions.end_tick(touched.iter().copied())?;
        let mut now = Vec::new();
        for slot in touched {
            self.marks[slot as usize] = false;
            now.extend(plan.evaluate(self.partitions.rows(slot))?);
        }
        let (before, now) = (concat_batches(&plan.schema, &before)?, concat_batches(&plan.schema, &now)?);
        difference(results, &before, &now)
    }
}

/// Rows that were and are no more, and those that are new.
fn difference(codec: &RowConverter, before: &RecordBatch, now: &RecordBatch) -> Result<Vec<ChangeBatch>, ViewsError> {
    let (old, new) = (codec.convert_columns(before.columns())?, codec.convert_columns(now.columns())?);
    let mut counts: HashMap<&[u8], i64, ahash::RandomState> = HashMap::default();
    for row in &new {
        *counts.entry(row.data()).or_default() += 1;
    }
    for row in &old {
        *counts.entry(row.data()).or_default() -= 1;
    }
    let mut pick = |rows: &'_ arrow_row::Rows, sign: i64| -> UInt32Array {
        let wanted = (0..rows.num_rows()).filter(|row| {
            let Some(count) = counts.get_mut(rows.row(*row).data()).filter(|count| **count * sign > 0) else {
                return false;
            };
            *count -= sign;
            true
        });
        wanted.map(|row| row as u32).collect()
    };
    let (gone, come) = (pick(&old, -1), pick(&new, 1));
    let mut changes = Vec::new();
    if !gone.is_empty() {
        let weights = Weights::Each(vec![-1; gone.len()].into());
        changes.push(ChangeBatch { rows: take_record_batch(before, &gone)?, weights });
    }
    if !come.is_empty() {
        changes.push(ChangeBatch::inserts(take_record_batch(now, &come)?));
    }
    Ok(changes)
}

impl Window {
    /// Window functions over `input` as planned.
    pub(crate) fn new(input: Box<dyn Node>, plan: WindowPlan) -> Result<Self, ViewsError> {
        let shard = |index| Ok(Shard { index, partitions: Partitions::new(&plan.order)?, marks: Vec::new() });
        let shards = (0..plan.order.shards()).map(shard).collect::<Result<_, ViewsError>>()?;
        let fields = plan.schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self { input, results: RowConverter::new(fields)?, plan, shards })
    }
}

impl Node for Window {
    fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes = self.input.step(tick)?;
        let (rows, plan, codec) = (rows_in(&changes), &self.plan, &self.results);
        if rows == 0 {
            return Ok(Vec::new());
        }
        let prepared = tick.workers.map(rows, &changes, |change| plan.order.prepare(change))?;
        let results = tick.workers.map(rows, &mut self.shards, |shard| shard.step(plan, codec, &prepared))?;
        Ok(results.into_iter().flatten().collect())
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
        self.shards.iter().map(|shard| shard.partitions.bytes() + shard.marks.capacity()).sum()
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let partitions: usize = self.shards.iter().map(|shard| shard.partitions.partitions()).sum();
        vec![OperatorFigures {
            operator: format!("window {} {}", self.plan.text, self.plan.order.text),
            holds: Some(format!("all rows, in {partitions} partitions, of which a touched one is evaluated anew")),
            rows: self.shards.iter().map(|shard| shard.partitions.len()).sum(),
            bytes: self.bytes(),
            bounded_by: Some("the rows of its input".to_owned()),
        }]
    }
}

impl State for Window {
    fn begin_save(&mut self, full: bool) {
        self.shards.iter_mut().for_each(|shard| shard.partitions.begin_save(full));
    }

    fn unsaved(&self) -> usize {
        self.shards.iter().map(|shard| shard.partitions.unsaved()).sum()
    }

    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        self.shards.iter_mut().map(|shard| shard.partitions.save(part, &self.plan.order)).collect()
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        if saved.len() != self.shards.len() {
            return Err(ViewsError::BadState("window rows with another number of shards".to_owned()));
        }
        let order = &self.plan.order;
        self.shards.iter_mut().zip(&saved).try_for_each(|(shard, saved)| shard.partitions.load(saved, order))
    }
}
