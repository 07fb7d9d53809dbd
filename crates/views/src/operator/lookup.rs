//! Lookup joins: each row of a stream (or view) finds the rows of a table with the same key. Holds the table's rows
//! as they were when the view was built and nothing of the stream; a later change of the table builds the view anew.

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::take::{take, take_record_batch};
use highwater_model::{ChangeBatch, ObjectId, Weights};

use super::linear::apply_stages;
use super::{Node, OperatorFigures, Stage, Tick, rows_in};
use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};
use crate::keys::{KeyCodec, KeyTable};
use crate::store::Snapshot;

/// What a lookup reads and how.
pub(crate) struct LookupPlan {
    /// The table.
    pub(crate) table: ObjectId,
    /// Its name.
    pub(crate) table_name: String,
    /// Columns taken from the table, with their schema.
    pub(crate) projection: Vec<usize>,
    /// Schema of those columns.
    pub(crate) projected: SchemaRef,
    /// Filters and projections over them.
    pub(crate) stages: Vec<Stage>,
    /// Schema after the stages.
    pub(crate) table_schema: SchemaRef,
    /// Join keys over the input's columns.
    pub(crate) input_keys: Vec<Expression>,
    /// Join keys over the table's columns.
    pub(crate) table_keys: Vec<Expression>,
    /// Codec of the join keys.
    pub(crate) codec: KeyCodec,
    /// Further condition over the joined columns.
    pub(crate) condition: Option<Expression>,
    /// Whether input rows without a match are kept, with NULLs.
    pub(crate) keep_unmatched: bool,
    /// Whether the table's columns come first in the result.
    pub(crate) table_first: bool,
    /// Columns of the result.
    pub(crate) schema: SchemaRef,
    /// As SQL.
    pub(crate) text: String,
}

/// A lookup join.
pub(crate) struct Lookup {
    input: Box<dyn Node>,
    plan: LookupPlan,
    index: Option<TableIndex>,
}

/// The table's rows by join key.
struct TableIndex {
    rows: RecordBatch,
    keys: KeyTable,
    /// Row numbers by key slot.
    matches: Vec<Vec<u32>>,
    /// Bytes held by all that.
    bytes: usize,
}

impl Lookup {
    /// Joins `input` as planned. Must be bound before its first step.
    pub(crate) fn new(input: Box<dyn Node>, plan: LookupPlan) -> Self {
        Self { input, plan, index: None }
    }
}

impl LookupPlan {
    fn join(&self, index: &TableIndex, change: &ChangeBatch) -> Result<Option<ChangeBatch>, ViewsError> {
        let (mut left, mut right) = index.pairs(self, change)?;
        if let Some(condition) = &self.condition {
            let joined = self.assemble(index, change, &left, &right)?;
            let passes = condition.passes(&joined)?;
            let kept = (0..left.len()).filter(|pair| passes.value(*pair));
            (left, right) = kept.map(|pair| (left[pair], right[pair])).unzip();
        }
        if self.keep_unmatched {
            let mut matched = vec![false; change.len()];
            left.iter().for_each(|row| matched[*row as usize] = true);
            for row in (0..change.len()).filter(|row| !matched[*row]) {
                left.push(row as u32);
                right.push(None);
            }
        }
        if left.is_empty() {
            return Ok(None);
        }
        let weights = match &change.weights {
            Weights::AllPlusOne => Weights::AllPlusOne,
            Weights::Each(weights) => Weights::Each(left.iter().map(|row| weights[*row as usize]).collect()),
        };
        Ok(Some(ChangeBatch { rows: self.assemble(index, change, &left, &right)?, weights }))
    }

    fn assemble(
        &self,
        index: &TableIndex,
        change: &ChangeBatch,
        left: &[u32],
        right: &[Option<u32>],
    ) -> Result<RecordBatch, ViewsError> {
        let input = take_record_batch(&change.rows, &UInt32Array::from(left.to_vec()))?;
        let rows = UInt32Array::from(right.to_vec());
        let table = index.rows.columns().iter().map(|column| take(column, &rows, None));
        let table: Vec<ArrayRef> = table.collect::<Result<_, _>>()?;
        let columns = match self.table_first {
            true => table.into_iter().chain(input.columns().iter().cloned()).collect(),
            false => input.columns().iter().cloned().chain(table).collect(),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(left.len()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

impl TableIndex {
    fn build(plan: &LookupPlan, snapshot: &Snapshot) -> Result<Self, ViewsError> {
        let mut batches = Vec::new();
        for rows in snapshot.to_batches()? {
            let columns = plan.projection.iter().map(|column| rows.column(*column).clone()).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
            let rows = RecordBatch::try_new_with_options(plan.projected.clone(), columns, &options)?;
            batches.extend(apply_stages(&plan.stages, ChangeBatch::inserts(rows))?.map(|change| change.rows));
        }
        let rows = concat_batches(&plan.table_schema, &batches)?;
        let columns = evaluate_all(&plan.table_keys, &rows)?;
        let encoded = plan.codec.encode(&columns, rows.num_rows())?;
        let mut keys = KeyTable::new(KeyCodec::new(&key_fields(&columns))?);
        let usable: Vec<u32> = (0..rows.num_rows())
            .filter(|row| columns.iter().all(|column| column.is_valid(*row)))
            .map(|r| r as u32)
            .collect();
        let (mut slots, mut created) = (Vec::new(), Vec::new());
        keys.intern(&encoded, &encoded.hashes(), Some(&usable), &mut slots, &mut created);
        let mut matches = vec![Vec::new(); keys.slots()];
        for (slot, row) in slots.iter().zip(&usable) {
            matches[*slot as usize].push(*row);
        }
        let listed: usize = matches.iter().map(|rows| rows.capacity() * size_of::<u32>() + size_of::<Vec<u32>>()).sum();
        let bytes = rows.get_array_memory_size() + keys.bytes() + listed;
        Ok(Self { rows, keys, matches, bytes })
    }

    /// Row pairs with equal keys: rows of the change, rows of the table.
    fn pairs(&self, plan: &LookupPlan, change: &ChangeBatch) -> Result<(Vec<u32>, Vec<Option<u32>>), ViewsError> {
        let columns = evaluate_all(&plan.input_keys, &change.rows)?;
        let keys = plan.codec.encode(&columns, change.len())?;
        let hashes = keys.hashes();
        let (mut left, mut right) = (Vec::with_capacity(change.len()), Vec::with_capacity(change.len()));
        for (row, hash) in hashes.iter().enumerate() {
            if columns.iter().any(|column| column.is_null(row)) {
                continue;
            }
            if let Some(slot) = self.keys.find(&keys, row, *hash) {
                for found in &self.matches[slot as usize] {
                    left.push(row as u32);
                    right.push(Some(*found));
                }
            }
        }
        Ok((left, right))
    }
}

/// Key fields that are all nullable: either side of a join may be.
pub(crate) fn key_fields(columns: &[ArrayRef]) -> Vec<arrow_schema::Field> {
    columns.iter().map(|column| arrow_schema::Field::new("key", column.data_type().clone(), true)).collect()
}

impl Node for Lookup {
    fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes = self.input.step(tick)?;
        let plan = &self.plan;
        let index = self.index.as_ref().ok_or_else(|| ViewsError::Invariant("a lookup was not bound".to_owned()))?;
        let results = tick.workers.map(rows_in(&changes), changes, |change| plan.join(index, &change))?;
        Ok(results.into_iter().flatten().collect())
    }

    fn bind(&mut self, tables: &dyn Fn(ObjectId) -> Option<Snapshot>) -> Result<(), ViewsError> {
        self.input.bind(tables)?;
        let snapshot = tables(self.plan.table)
            .ok_or_else(|| ViewsError::Invariant(format!("no rows of table {}", self.plan.table_name)))?;
        self.index = Some(TableIndex::build(&self.plan, &snapshot)?);
        Ok(())
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.input.as_ref()]
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        vec![&mut self.input]
    }

    fn bytes(&self) -> usize {
        self.index.as_ref().map_or(0, |index| index.bytes)
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let LookupPlan { keep_unmatched, table_name, text, .. } = &self.plan;
        let kind = if *keep_unmatched { "left lookup" } else { "lookup" };
        let holds = "the table's rows, nothing of the input (a change of the table builds the view anew)";
        vec![OperatorFigures {
            operator: format!("{kind} in table {table_name} on {text}"),
            holds: Some(holds.to_owned()),
            rows: self.index.as_ref().map_or(0, |index| index.rows.num_rows()),
            bytes: self.bytes(),
            bounded_by: Some(format!("the rows of {table_name}")),
        }]
    }
}
