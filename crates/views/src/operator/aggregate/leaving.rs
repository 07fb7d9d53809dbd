//! Groups that leave by the clock: when the time among their keys is long enough ago, they are let go with all they hold, and
//! what comes for them later is dropped. A group needs no more for that than its place in an order of times.

use std::collections::BTreeSet;

use arrow_array::{Array, ArrayRef, BooleanArray};

use crate::ViewsError;
use crate::operator::{Due, micros};

/// When groups leave.
pub(crate) struct Leaving {
    /// Which of the grouping columns is their time.
    pub(crate) column: usize,
    /// Microseconds from that time to the moment when they leave.
    pub(crate) after_micros: i64,
    /// When the next ones do.
    pub(crate) due: Due,
    /// How long after which time, in words.
    pub(crate) text: String,
}

impl Leaving {
    /// As it is at a moment.
    pub(super) fn at(&self, now: i64) -> Horizon {
        Horizon { column: self.column, after_micros: self.after_micros, now }
    }
}

/// Which groups have left at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    column: usize,
    after_micros: i64,
    pub(super) now: i64,
}

impl Horizon {
    /// When each group leaves; those without a time are never there.
    fn leaves(self, keys: &[ArrayRef]) -> Result<Vec<i64>, ViewsError> {
        let times = micros(&keys[self.column])?;
        let leaves =
            |row| if times.is_null(row) { i64::MIN } else { times.value(row).saturating_add(self.after_micros) };
        Ok((0..times.len()).map(leaves).collect())
    }

    /// Which rows are of groups that have not left.
    pub(super) fn in_time(self, keys: &[ArrayRef]) -> Result<BooleanArray, ViewsError> {
        Ok(self.leaves(keys)?.into_iter().map(|leaves| Some(leaves > self.now)).collect())
    }
}

/// The groups of a shard in the order in which they leave.
#[derive(Default)]
pub(super) struct Departures(BTreeSet<(i64, u32)>);

impl Departures {
    /// Adds groups, given with their keys.
    pub(super) fn add(&mut self, horizon: Horizon, keys: &[ArrayRef], slots: &[u32]) -> Result<(), ViewsError> {
        self.0.extend(horizon.leaves(keys)?.into_iter().zip(slots.iter().copied()));
        Ok(())
    }

    /// Removes groups, given with their keys.
    pub(super) fn remove(&mut self, horizon: Horizon, keys: &[ArrayRef], slots: &[u32]) -> Result<(), ViewsError> {
        for departure in horizon.leaves(keys)?.into_iter().zip(slots.iter().copied()) {
            self.0.remove(&departure);
        }
        Ok(())
    }

    /// The groups that have left by now.
    pub(super) fn left(&self, now: i64) -> Vec<u32> {
        self.0.iter().take_while(|(leaves, _)| *leaves <= now).map(|(_, slot)| *slot).collect()
    }

    /// When the next group leaves.
    pub(super) fn next(&self) -> Option<i64> {
        self.0.first().map(|(leaves, _)| *leaves)
    }

    /// Bytes held, in a B-tree whose nodes are about two thirds full.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * size_of::<(i64, u32)>() * 3 / 2
    }
}
