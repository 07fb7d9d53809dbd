//! One shard of a join: all rows of both sides whose join keys hash into it.

use arrow_array::builder::BooleanBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use highwater_model::{ChangeBatch, Weights};

use super::input::Prepared;
use super::operator::{JoinPlan, Keep};
use super::side::Side;
use crate::ViewsError;

/// Pairs of rows that are put together at a time.
const PAIRS: usize = 8_192;

/// Which side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
}

/// The rows of a shard.
pub(super) struct Shard {
    index: usize,
    pub(super) left: Side,
    pub(super) right: Side,
}

/// A left row and a right row with equal keys, of which at least one changed.
#[derive(Clone, Copy)]
struct Pair {
    left: u32,
    right: u32,
    /// The change of the pair's own weight.
    weight: i64,
    /// The change of the left row's matches, and of the right row's.
    left_matches: i64,
    right_matches: i64,
}

impl Shard {
    pub(super) fn new(index: usize, left: Side, right: Side) -> Self {
        Self { index, left, right }
    }

    /// Takes one tick's rows of both sides and gives the changes of the result.
    pub(super) fn step(
        &mut self,
        plan: &JoinPlan,
        left: &[Prepared],
        right: &[Prepared],
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        self.left.apply(left, self.index);
        self.right.apply(right, self.index);
        let (changed_left, changed_right) = (self.left.touched().to_vec(), self.right.touched().to_vec());
        let mut changes = Vec::new();
        let mut pairs = Vec::new();
        for touched in &changed_left {
            let (before, now) = (touched.count, self.left.count(touched.slot));
            let Some((batch, row)) = touched.at.filter(|_| now != before) else { continue };
            for other in self.right.under_key(&left[batch as usize], row) {
                let (other_before, other_now) = (self.right.count_before(other), self.right.count(other));
                pairs.push(Pair {
                    left: touched.slot,
                    right: other,
                    weight: now * other_now - before * other_before,
                    // A row that is new counts all its matches, one that was there those that came or went.
                    left_matches: if before == 0 { other_now } else { other_now - other_before },
                    right_matches: if other_before == 0 { now } else { now - before },
                });
            }
            if pairs.len() >= PAIRS {
                self.flush(plan, &mut pairs, &mut changes)?;
            }
        }
        for touched in &changed_right {
            let (before, now) = (touched.count, self.right.count(touched.slot));
            let Some((batch, row)) = touched.at.filter(|_| now != before) else { continue };
            // Pairs whose left row changed too were dealt with above.
            for other in self.left.under_key(&right[batch as usize], row).filter(|other| !self.left.is_changed(*other))
            {
                let count = self.left.count(other);
                pairs.push(Pair {
                    left: other,
                    right: touched.slot,
                    weight: count * (now - before),
                    left_matches: now - before,
                    right_matches: if before == 0 { count } else { 0 },
                });
            }
            if pairs.len() >= PAIRS {
                self.flush(plan, &mut pairs, &mut changes)?;
            }
        }
        self.flush(plan, &mut pairs, &mut changes)?;
        self.emit_kept(plan, Which::Left, &mut changes)?;
        self.emit_kept(plan, Which::Right, &mut changes)?;
        self.left.end_tick(left)?;
        self.right.end_tick(right)?;
        Ok(changes)
    }

    /// Checks the condition on pairs, counts matches, and gives the pairs that are part of the result.
    fn flush(
        &mut self,
        plan: &JoinPlan,
        pairs: &mut Vec<Pair>,
        changes: &mut Vec<ChangeBatch>,
    ) -> Result<(), ViewsError> {
        let mut all = std::mem::take(pairs);
        let mut rest = all.as_mut_slice();
        while !rest.is_empty() {
            let (some, later) = rest.split_at_mut(rest.len().min(PAIRS));
            rest = later;
            let mut some = some.to_vec();
            if let Some(condition) = &plan.condition {
                let passes = condition.passes(&self.joined(plan, &some)?)?;
                let mut index = 0..some.len();
                some.retain(|_| index.next().is_some_and(|pair| passes.value(pair)));
            }
            for pair in &some {
                if plan.left_keep.counts_matches() {
                    self.left.add_matches(pair.left, pair.left_matches);
                }
                if plan.right_keep.counts_matches() {
                    self.right.add_matches(pair.right, pair.right_matches);
                }
            }
            some.retain(|pair| pair.weight != 0);
            if plan.gives_pairs && !some.is_empty() {
                let rows = self.joined(plan, &some)?.columns().to_vec();
                changes.push(change(plan, rows, some.iter().map(|pair| pair.weight).collect())?);
            }
        }
        Ok(())
    }

    /// Pairs as rows, left columns first.
    fn joined(&self, plan: &JoinPlan, pairs: &[Pair]) -> Result<RecordBatch, ViewsError> {
        let left: Vec<u32> = pairs.iter().map(|pair| pair.left).collect();
        let right: Vec<u32> = pairs.iter().map(|pair| pair.right).collect();
        let mut columns = self.left.columns(&left)?;
        columns.extend(self.right.columns(&right)?);
        let options = RecordBatchOptions::new().with_row_count(Some(pairs.len()));
        Ok(RecordBatch::try_new_with_options(plan.pair_schema.clone(), columns, &options)?)
    }

    /// The rows of one side that are in the result for having matches, or none.
    fn emit_kept(&self, plan: &JoinPlan, which: Which, changes: &mut Vec<ChangeBatch>) -> Result<(), ViewsError> {
        let (side, keep) = match which {
            Which::Left => (&self.left, plan.left_keep),
            Which::Right => (&self.right, plan.right_keep),
        };
        if !keep.counts_matches() {
            return Ok(());
        }
        for mark in keep.marks() {
            let (mut slots, mut weights) = (Vec::new(), Vec::new());
            for touched in side.touched() {
                let before = if keep.shows(touched.matches > 0, *mark) { touched.count } else { 0 };
                let shows = keep.shows(side.matches(touched.slot) > 0, *mark);
                let now = if shows { side.count(touched.slot) } else { 0 };
                if now != before {
                    slots.push(touched.slot);
                    weights.push(now - before);
                }
            }
            for (slots, weights) in slots.chunks(PAIRS).zip(weights.chunks(PAIRS)) {
                let rows = kept_row(plan, which, side.columns(slots)?, slots.len(), *mark);
                changes.push(change(plan, rows, weights.to_vec())?);
            }
        }
        Ok(())
    }
}

/// Rows of one side as rows of the result: with NULLs for the other side, or with the mark, or as they are.
pub(super) fn kept_row(
    plan: &JoinPlan,
    which: Which,
    columns: Vec<ArrayRef>,
    rows: usize,
    mark: bool,
) -> Vec<ArrayRef> {
    let keep = if which == Which::Left { plan.left_keep } else { plan.right_keep };
    let own = columns.len();
    let types = plan.pair_schema.fields();
    let nulls = |range: std::ops::Range<usize>| -> Vec<ArrayRef> {
        types[range].iter().map(|field| new_null_array(field.data_type(), rows)).collect()
    };
    match (keep, which) {
        (Keep::Unmatched, Which::Left) => columns.into_iter().chain(nulls(own..types.len())).collect(),
        (Keep::Unmatched, Which::Right) => {
            let mut all = nulls(0..types.len() - own);
            all.extend(columns);
            all
        }
        (Keep::Marked, _) => {
            let mut marks = BooleanBuilder::with_capacity(rows);
            marks.append_n(rows, mark);
            let marks: ArrayRef = std::sync::Arc::new(marks.finish());
            columns.into_iter().chain([marks]).collect()
        }
        _ => columns,
    }
}

/// Rows of the result with their weights.
pub(super) fn change(plan: &JoinPlan, columns: Vec<ArrayRef>, weights: Vec<i64>) -> Result<ChangeBatch, ViewsError> {
    let options = RecordBatchOptions::new().with_row_count(Some(weights.len()));
    let rows = RecordBatch::try_new_with_options(plan.schema.clone(), columns, &options)?;
    let all_new = weights.iter().all(|weight| *weight == 1);
    Ok(ChangeBatch { rows, weights: if all_new { Weights::AllPlusOne } else { Weights::Each(weights.into()) } })
}
