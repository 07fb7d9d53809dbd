//! Who walks: six sources, each with its own range of user ids.

use crate::SimulateError;

/// Number of sources.
pub const SOURCES: u64 = 6;

/// Distinct users in a round.
pub(super) const ROUND: usize = 9;

/// Ids between the first users of two sources in the original population.
const ORIGINAL_STRIDE: u64 = 12_000;

/// The ranges of user ids of the six sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population {
    stride: u64,
    /// Users of the sources 1 to 5, and of source 6.
    size: u64,
    last_size: u64,
}

impl Population {
    /// The original population: source `s` owns `[(s-1)·12,000, s·12,000 - 2]`, 11,999 users each.
    pub(super) fn original() -> Self {
        Self { stride: ORIGINAL_STRIDE, size: ORIGINAL_STRIDE - 1, last_size: ORIGINAL_STRIDE - 1 }
    }

    /// Users `0..users`, split evenly; the last source takes what the division leaves.
    pub(super) fn of(users: u64) -> Result<Self, SimulateError> {
        let stride = users.div_ceil(SOURCES);
        let last_size = users.saturating_sub(stride * (SOURCES - 1));
        if last_size < ROUND as u64 {
            return Err(SimulateError::TooFewUsers { users, least: ROUND as u64 * SOURCES });
        }
        Ok(Self { stride, size: stride, last_size })
    }

    /// First user and number of users of a source, counted from 0.
    #[inline]
    pub(super) fn source(self, source: u64) -> (u64, u64) {
        (source * self.stride, if source == SOURCES - 1 { self.last_size } else { self.size })
    }

    /// The source, from 0, and id of the `nth` user of all (modulo their number).
    #[inline]
    pub(super) fn nth(self, nth: u64) -> (u64, u64) {
        let nth = nth % (self.size * (SOURCES - 1) + self.last_size);
        let source = (nth / self.size).min(SOURCES - 1);
        (source, source * self.stride + nth - source * self.size)
    }
}
