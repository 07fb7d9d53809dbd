//! A change batch of one side made ready for the shards: rows and join keys encoded and hashed, rows listed by shard.

use arrow_array::{Array, ArrayRef};
use highwater_model::ChangeBatch;

use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};
use crate::keys::{EncodedKeys, KeyCodec};
use crate::workers::shard_of;

/// One batch of one side, ready.
pub(super) struct Prepared {
    /// Whole rows.
    pub(super) rows: EncodedKeys,
    pub(super) row_hashes: Vec<u64>,
    /// Join keys.
    pub(super) keys: EncodedKeys,
    pub(super) key_hashes: Vec<u64>,
    /// Rows of each shard.
    shards: Vec<Vec<u32>>,
    /// Rows whose key has a NULL: they match nothing.
    pub(super) unkeyed: Vec<u32>,
    /// The batch itself, for its weights and the rows that match nothing.
    pub(super) change: ChangeBatch,
}

impl Prepared {
    /// `null_matches` says that NULL keys are equal to each other, as in set operations.
    pub(super) fn new(
        change: ChangeBatch,
        row_codec: &KeyCodec,
        keys: &[Expression],
        key_codec: &KeyCodec,
        null_matches: bool,
        shards: usize,
    ) -> Result<Self, ViewsError> {
        let len = change.len();
        let columns: Vec<ArrayRef> = evaluate_all(keys, &change.rows)?;
        let rows = row_codec.encode(change.rows.columns(), len)?;
        let keys = key_codec.encode(&columns, len)?;
        let (row_hashes, key_hashes) = (rows.hashes(), keys.hashes());
        let nullable: Vec<&ArrayRef> =
            columns.iter().filter(|column| !null_matches && column.null_count() > 0).collect();
        let mut lists = vec![Vec::with_capacity(len / shards + 8); shards];
        let mut unkeyed = Vec::new();
        for row in 0..len {
            if nullable.iter().any(|column| column.is_null(row)) {
                unkeyed.push(row as u32);
            } else {
                lists[shard_of(key_hashes[row], shards)].push(row as u32);
            }
        }
        Ok(Self { rows, row_hashes, keys, key_hashes, shards: lists, unkeyed, change })
    }

    /// The rows of a shard.
    pub(super) fn rows_of(&self, shard: usize) -> &[u32] {
        &self.shards[shard]
    }
}
