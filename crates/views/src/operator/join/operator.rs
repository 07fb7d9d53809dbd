//! The join operator: prepares the batches of both sides, runs the shards, gathers their changes.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::{Field, SchemaRef};
use arrow_select::take::take;
use highwater_model::ChangeBatch;

use super::input::Prepared;
use super::shard::{Shard, Which, change, kept_row};
use super::side::{Side, row_fields};
use crate::ViewsError;
use crate::expression::Expression;
use crate::keys::KeyCodec;
use crate::operator::{Node, OperatorFigures, Part, State, Tick, rows_in};
use crate::workers::SHARDS;

/// Which rows of a side are in the result by themselves, besides pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// None.
    Nothing,
    /// Those without a match, NULLs in place of the other side (outer joins).
    Unmatched,
    /// Those with a match, once (semi joins).
    Matched,
    /// Those without a match, as they are (anti joins).
    Missing,
    /// All, with a column that says whether there is a match (mark joins).
    Marked,
}

impl Keep {
    pub(super) fn counts_matches(self) -> bool {
        self != Self::Nothing
    }

    /// The marks for which rows are given separately.
    pub(super) fn marks(self) -> &'static [bool] {
        if self == Self::Marked { &[true, false] } else { &[true] }
    }

    /// Whether a row with or without matches is among the kept ones (of those marked so).
    pub(super) fn shows(self, has_matches: bool, mark: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Matched => has_matches,
            Self::Unmatched | Self::Missing => !has_matches,
            Self::Marked => has_matches == mark,
        }
    }
}

/// How two inputs are joined.
pub(crate) struct JoinPlan {
    /// Join keys over the left columns, and over the right ones, of the same types.
    pub(crate) left_keys: Vec<Expression>,
    pub(crate) right_keys: Vec<Expression>,
    /// Fields of the join keys, all nullable.
    pub(crate) key_fields: Vec<Field>,
    /// Whether NULL equals NULL, as in set operations.
    pub(crate) null_matches: bool,
    /// Further condition over left columns, then right ones.
    pub(crate) condition: Option<Expression>,
    /// Whether pairs are in the result.
    pub(crate) gives_pairs: bool,
    /// Which rows of the left, and of the right, are in the result by themselves.
    pub(crate) left_keep: Keep,
    pub(crate) right_keep: Keep,
    /// Left columns, then right ones.
    pub(crate) pair_schema: SchemaRef,
    /// Columns of the result.
    pub(crate) schema: SchemaRef,
    /// The kind of join and its condition as SQL.
    pub(crate) text: String,
}

/// A join of two inputs that both change.
pub(crate) struct Join {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    plan: JoinPlan,
    /// Codecs of whole rows and of join keys.
    left_rows: KeyCodec,
    right_rows: KeyCodec,
    keys: KeyCodec,
    shards: Vec<Shard>,
}

impl Join {
    /// Joins two inputs as planned.
    pub(crate) fn new(left: Box<dyn Node>, right: Box<dyn Node>, plan: JoinPlan) -> Result<Self, ViewsError> {
        let side =
            |schema: &SchemaRef, keep: Keep| Side::new(schema, KeyCodec::new(&plan.key_fields)?, keep.counts_matches());
        // Without keys everything meets everything: one shard takes it all.
        let count = if plan.key_fields.is_empty() { 1 } else { SHARDS };
        let shards = (0..count)
            .map(|index| {
                let (left, right) = (side(left.schema(), plan.left_keep)?, side(right.schema(), plan.right_keep)?);
                Ok(Shard::new(index, left, right))
            })
            .collect::<Result<_, ViewsError>>()?;
        let left_rows = KeyCodec::new(&row_fields(left.schema()))?;
        let right_rows = KeyCodec::new(&row_fields(right.schema()))?;
        let keys = KeyCodec::new(&plan.key_fields)?;
        Ok(Self { left, right, plan, left_rows, right_rows, keys, shards })
    }

    fn prepare(&self, which: Which, changes: Vec<ChangeBatch>, tick: &Tick<'_>) -> Result<Vec<Prepared>, ViewsError> {
        let (rows, expressions) = match which {
            Which::Left => (&self.left_rows, &self.plan.left_keys),
            Which::Right => (&self.right_rows, &self.plan.right_keys),
        };
        let (null_matches, keys, shards) = (self.plan.null_matches, &self.keys, self.shards.len());
        let changes: Vec<ChangeBatch> = changes.into_iter().filter(|change| !change.is_empty()).collect();
        tick.workers.map(rows_in(&changes), changes, |change| {
            Prepared::new(change, rows, expressions, keys, null_matches, shards)
        })
    }

    /// Rows with a NULL in their key: without a match for good.
    fn unkeyed(&self, which: Which, inputs: &[Prepared]) -> Result<Vec<ChangeBatch>, ViewsError> {
        let keep = if which == Which::Left { self.plan.left_keep } else { self.plan.right_keep };
        let mut changes = Vec::new();
        for input in inputs.iter().filter(|input| !input.unkeyed.is_empty() && keep.shows(false, false)) {
            let rows = UInt32Array::from(input.unkeyed.clone());
            let columns = input.change.rows.columns().iter().map(|column| take(column, &rows, None));
            let columns = kept_row(&self.plan, which, columns.collect::<Result<_, _>>()?, rows.len(), false);
            let weights = input.unkeyed.iter().map(|row| input.change.weights.at(*row as usize)).collect();
            changes.push(change(&self.plan, columns, weights)?);
        }
        Ok(changes)
    }
}

impl Node for Join {
    fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let (left, right) = (self.left.step(tick)?, self.right.step(tick)?);
        let rows = rows_in(&left) + rows_in(&right);
        if rows == 0 {
            return Ok(Vec::new());
        }
        let (left, right) = (self.prepare(Which::Left, left, tick)?, self.prepare(Which::Right, right, tick)?);
        let mut changes = self.unkeyed(Which::Left, &left)?;
        changes.extend(self.unkeyed(Which::Right, &right)?);
        let plan = &self.plan;
        let results = tick.workers.map(rows, &mut self.shards, |shard| shard.step(plan, &left, &right))?;
        changes.extend(results.into_iter().flatten());
        Ok(changes)
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.left.as_ref(), self.right.as_ref()]
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        vec![&mut self.left, &mut self.right]
    }

    fn state(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }

    fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.left.bytes() + shard.right.bytes()).sum()
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let left: usize = self.shards.iter().map(|shard| shard.left.len()).sum();
        let right: usize = self.shards.iter().map(|shard| shard.right.len()).sum();
        vec![OperatorFigures {
            operator: self.plan.text.clone(),
            holds: Some(format!("the rows of both sides, {left} and {right}")),
            rows: left + right,
            bytes: self.bytes(),
            bounded_by: Some("the rows of both sides".to_owned()),
        }]
    }
}

impl State for Join {
    fn begin_save(&mut self, full: bool) {
        for shard in &mut self.shards {
            shard.left.begin_save(full);
            shard.right.begin_save(full);
        }
    }

    fn unsaved(&self) -> usize {
        self.shards.iter().map(|shard| shard.left.unsaved() + shard.right.unsaved()).sum()
    }

    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        let mut saved = Vec::new();
        for shard in &mut self.shards {
            saved.extend(shard.left.save(part)?);
            saved.extend(shard.right.save(part)?);
        }
        Ok(saved)
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        if saved.len() != self.shards.len() * 4 {
            return Err(ViewsError::BadState("a join with another number of shards".to_owned()));
        }
        for (shard, saved) in self.shards.iter_mut().zip(saved.chunks(4)) {
            shard.left.load(&saved[..2], &self.plan.left_keys)?;
            shard.right.load(&saved[2..], &self.plan.right_keys)?;
        }
        Ok(())
    }
}
