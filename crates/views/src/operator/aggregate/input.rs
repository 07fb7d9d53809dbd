//! A change batch made ready for the shards: group keys encoded and hashed, what the rows bring to the aggregates, rows
//! listed by shard.

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_select::take::take;
use highwater_aggregate::{Aggregate, Input};
use highwater_model::{ChangeBatch, Weights};

use super::leaving::Horizon;
use super::operator::{AggregateCall, Grouping};
use crate::ViewsError;
use crate::expression::evaluate_all;
use crate::keys::{EncodedKeys, KeyCodec};
use crate::workers::shard_of;

/// One batch, ready.
pub(super) struct Prepared {
    pub(super) keys: EncodedKeys,
    pub(super) hashes: Vec<u64>,
    pub(super) weights: Weights,
    pub(super) brought: Brought,
    /// Rows that came when their group had left.
    pub(super) late: u64,
    /// Rows of each shard; empty when there is one shard only, which takes all.
    shards: Vec<Vec<u32>>,
}

/// What rows bring to the aggregates of their groups.
pub(super) enum Brought {
    /// Their own values.
    Values(Values),
    /// States, into which rows of the same windows were put together before: that of a row is at the number given for it.
    States { states: Vec<ArrayRef>, of: Vec<u32> },
}

/// The values of rows.
pub(super) struct Values {
    /// Arguments of each aggregate call.
    arguments: Vec<Vec<ArrayRef>>,
    /// `FILTER (WHERE …)` of each aggregate call.
    filters: Vec<Option<BooleanArray>>,
}

/// How batches are made ready.
#[derive(Clone, Copy)]
pub(super) struct Preparation<'a> {
    /// Codec of the group keys.
    pub(super) codec: &'a KeyCodec,
    /// Number of shards.
    pub(super) shards: usize,
    /// Which groups have left, if groups leave.
    pub(super) horizon: Option<Horizon>,
}

impl Prepared {
    /// Makes a batch ready; `None` when nothing is left of it.
    pub(super) fn new(change: ChangeBatch, what: &Grouping, how: Preparation<'_>) -> Result<Option<Self>, ViewsError> {
        if let Some(panes) = &what.panes {
            return panes.prepare(change, what, how);
        }
        let values = Values::of(&what.calls, &change.rows)?;
        let groups = evaluate_all(&what.groups, &change.rows)?;
        let weights = change.weights;
        let arrived = |row: usize| u64::from(weights.at(row) > 0);
        Self::of(&groups, change.rows.num_rows(), weights.clone(), arrived, Brought::Values(values), how).map(Some)
    }

    /// So many rows of these groups, one weight each; `arrived` tells how many new rows one stands for.
    pub(super) fn of(
        groups: &[ArrayRef],
        rows: usize,
        weights: Weights,
        arrived: impl Fn(usize) -> u64,
        brought: Brought,
        how: Preparation<'_>,
    ) -> Result<Self, ViewsError> {
        let in_time = how.horizon.map(|horizon| horizon.in_time(groups)).transpose()?;
        let is_in_time = |row: usize| in_time.as_ref().is_none_or(|in_time| in_time.value(row));
        let late = match &in_time {
            Some(in_time) => (0..rows).filter(|row| !in_time.value(*row)).map(arrived).sum(),
            None => 0,
        };
        let keys = how.codec.encode(groups, rows)?;
        let hashes = keys.hashes();
        let mut lists = Vec::new();
        if how.shards > 1 {
            let expected = hashes.len() / how.shards + hashes.len() / (4 * how.shards) + 8;
            lists.resize_with(how.shards, || Vec::with_capacity(expected));
            for (row, hash) in hashes.iter().enumerate().filter(|(row, _)| is_in_time(*row)) {
                lists[shard_of(*hash, how.shards)].push(row as u32);
            }
        }
        Ok(Self { keys, hashes, weights, brought, late, shards: lists })
    }

    /// The rows of a shard; `None` means all.
    pub(super) fn rows(&self, shard: usize) -> Option<&[u32]> {
        self.shards.get(shard).map(Vec::as_slice)
    }
}

impl Brought {
    /// Gives the aggregates what selected rows bring (all when `None`), each to its slot.
    pub(super) fn give(
        &self,
        aggregates: &mut [Box<dyn Aggregate>],
        rows: Option<&[u32]>,
        slots: &[u32],
        weights: &Weights,
    ) -> Result<(), ViewsError> {
        match self {
            Self::Values(values) => values.give(aggregates, rows, slots, weights),
            Self::States { states, of } => {
                let of: UInt32Array = match rows {
                    Some(rows) => rows.iter().map(|row| of[*row as usize]).collect(),
                    None => UInt32Array::from(of.clone()),
                };
                for (aggregate, states) in aggregates.iter_mut().zip(states) {
                    aggregate.merge(&take(states, &of, None)?, slots)?;
                }
                Ok(())
            }
        }
    }
}

impl Values {
    /// The values of a batch's rows.
    pub(super) fn of(calls: &[AggregateCall], rows: &RecordBatch) -> Result<Self, ViewsError> {
        let filter = |call: &AggregateCall| call.filter.as_ref().map(|filter| filter.passes(rows)).transpose();
        Ok(Self {
            arguments: calls.iter().map(|call| evaluate_all(&call.arguments, rows)).collect::<Result<_, _>>()?,
            filters: calls.iter().map(filter).collect::<Result<_, _>>()?,
        })
    }

    /// The values of some of these rows, in another order and perhaps several times.
    pub(super) fn take(&self, rows: &UInt32Array) -> Result<Self, ViewsError> {
        let taken = |columns: &Vec<ArrayRef>| {
            columns.iter().map(|column| take(column, rows, None)).collect::<Result<Vec<_>, _>>()
        };
        let passes = |mask: &BooleanArray| -> BooleanArray {
            rows.values().iter().map(|row| Some(mask.value(*row as usize))).collect()
        };
        Ok(Self {
            arguments: self.arguments.iter().map(taken).collect::<Result<_, _>>()?,
            filters: self.filters.iter().map(|mask| mask.as_ref().map(passes)).collect(),
        })
    }

    /// Gives the aggregates the values of selected rows (all when `None`), each to its slot.
    pub(super) fn give(
        &self,
        aggregates: &mut [Box<dyn Aggregate>],
        rows: Option<&[u32]>,
        slots: &[u32],
        weights: &Weights,
    ) -> Result<(), ViewsError> {
        let row_at = |position: usize| rows.map_or(position, |rows| rows[position] as usize);
        for ((aggregate, arguments), filter) in aggregates.iter_mut().zip(&self.arguments).zip(&self.filters) {
            match filter {
                None => aggregate.update(arguments, Input { rows, slots, weights })?,
                Some(mask) => {
                    let passing = (0..slots.len()).filter(|position| mask.value(row_at(*position)));
                    let (rows, slots): (Vec<u32>, Vec<u32>) =
                        passing.map(|position| (row_at(position) as u32, slots[position])).unzip();
                    aggregate.update(arguments, Input { rows: Some(&rows), slots: &slots, weights })?;
                }
            }
        }
        Ok(())
    }
}
