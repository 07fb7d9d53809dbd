//! A change batch made ready for the shards: group keys encoded and hashed, arguments and filters evaluated,
//! rows listed by shard.

use arrow_array::{ArrayRef, BooleanArray};
use highwater_model::{ChangeBatch, Weights};

use super::leaving::Horizon;
use super::operator::AggregateCall;
use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};
use crate::keys::{EncodedKeys, KeyCodec};
use crate::workers::shard_of;

/// One batch, ready.
pub(super) struct Prepared {
    pub(super) keys: EncodedKeys,
    pub(super) hashes: Vec<u64>,
    pub(super) weights: Weights,
    /// Arguments of each aggregate call.
    pub(super) arguments: Vec<Vec<ArrayRef>>,
    /// `FILTER (WHERE …)` of each aggregate call.
    pub(super) filters: Vec<Option<BooleanArray>>,
    /// Rows that came when their group had left.
    pub(super) late: u64,
    /// Rows of each shard; empty when there is one shard only, which takes all.
    shards: Vec<Vec<u32>>,
}

impl Prepared {
    pub(super) fn new(
        change: &ChangeBatch,
        codec: &KeyCodec,
        groups: &[Expression],
        calls: &[AggregateCall],
        shards: usize,
        horizon: Option<Horizon>,
    ) -> Result<Self, ViewsError> {
        let columns = evaluate_all(groups, &change.rows)?;
        let in_time = horizon.map(|horizon| horizon.in_time(&columns)).transpose()?;
        let is_in_time = |row: usize| in_time.as_ref().is_none_or(|in_time| in_time.value(row));
        let is_late = |row: &usize| !is_in_time(*row) && change.weights.at(*row) > 0;
        let late = if in_time.is_some() { (0..change.len()).filter(is_late).count() as u64 } else { 0 };
        let keys = codec.encode(&columns, change.len())?;
        let hashes = keys.hashes();
        let mut arguments = Vec::with_capacity(calls.len());
        let mut filters = Vec::with_capacity(calls.len());
        for call in calls {
            arguments.push(evaluate_all(&call.arguments, &change.rows)?);
            filters.push(call.filter.as_ref().map(|filter| filter.passes(&change.rows)).transpose()?);
        }
        let mut lists = Vec::new();
        if shards > 1 {
            let expected = hashes.len() / shards + hashes.len() / (4 * shards) + 8;
            lists.resize_with(shards, || Vec::with_capacity(expected));
            for (row, hash) in hashes.iter().enumerate().filter(|(row, _)| is_in_time(*row)) {
                lists[shard_of(*hash, shards)].push(row as u32);
            }
        }
        Ok(Self { keys, hashes, weights: change.weights.clone(), arguments, filters, late, shards: lists })
    }

    /// The rows of a shard; `None` means all.
    pub(super) fn rows(&self, shard: usize) -> Option<&[u32]> {
        self.shards.get(shard).map(Vec::as_slice)
    }
}
