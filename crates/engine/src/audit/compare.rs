//! Whether two multisets of rows are equal, in a fixed amount of memory: rows fall into buckets by their key, and every
//! bucket sums up 128-bit hashes of its rows, those of one side added and those of the other subtracted. Buckets that
//! do not come out as zero hold the rows that differ; [`super::net`] looks at those alone.

use highwater_api::ApiError;

use super::codec::{Codec, Encoded, hash};

/// How many buckets.
const BUCKETS: usize = 1 << 16;

/// Whose rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// As they are served.
    Live,
    /// As history gives them.
    Recomputed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    sums: [u64; 2],
    /// Bytes of its rows, of both sides.
    bytes: u64,
}

/// The sums of both sides.
pub(super) struct Sums {
    buckets: Vec<Bucket>,
    pub(super) live: u64,
    pub(super) recomputed: u64,
}

/// The bucket of a key.
pub(super) fn bucket(encoded: &Encoded, row: usize) -> usize {
    hash(0, encoded.key(row)) as usize % BUCKETS
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { buckets: vec![Bucket::default(); BUCKETS], live: 0, recomputed: 0 }
    }

    /// Takes in rows of one side.
    pub(super) fn add(&mut self, codec: &Codec, rows: &arrow_array::RecordBatch, side: Side) -> Result<(), ApiError> {
        let encoded = codec.encode(rows)?;
        for row in 0..encoded.len() {
            let bytes = encoded.rows.row(row);
            let bytes = bytes.data();
            let bucket = &mut self.buckets[bucket(&encoded, row)];
            bucket.bytes += bytes.len() as u64;
            for (seed, sum) in bucket.sums.iter_mut().enumerate() {
                let hash = hash(1 + seed as u8, bytes);
                *sum = match side {
                    Side::Live => sum.wrapping_add(hash),
                    Side::Recomputed => sum.wrapping_sub(hash),
                };
            }
        }
        let count = match side {
            Side::Live => &mut self.live,
            Side::Recomputed => &mut self.recomputed,
        };
        *count += encoded.len() as u64;
        Ok(())
    }

    /// The buckets that differ, in groups whose rows take about so many bytes; none when both sides are equal.
    pub(super) fn differing(&self, bytes: u64) -> Vec<Vec<bool>> {
        let mut groups: Vec<Vec<bool>> = Vec::new();
        let mut room = 0;
        for (at, bucket) in self.buckets.iter().enumerate().filter(|(_, bucket)| bucket.sums != [0, 0]) {
            if groups.is_empty() || bucket.bytes > room {
                groups.push(vec![false; BUCKETS]);
                room = bytes;
            }
            room = room.saturating_sub(bucket.bytes);
            if let Some(group) = groups.last_mut() {
                group[at] = true;
            }
        }
        groups
    }
}
