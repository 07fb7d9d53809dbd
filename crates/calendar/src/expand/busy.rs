//! Instances merged into the times a person is busy.

use chrono::{DateTime, Utc};

use super::{Horizon, Instance};

/// A span of time in which a person is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusyInterval {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it ends, that instant excluded.
    pub end: DateTime<Utc>,
}

/// The union of the busy instances, which are in order of their starts.
pub(super) fn merge(instances: &[Instance], horizon: &Horizon) -> Vec<BusyInterval> {
    let mut merged: Vec<BusyInterval> = Vec::new();
    for instance in instances.iter().filter(|instance| instance.busy) {
        let (start, end) = (instance.start.max(horizon.from), instance.end.min(horizon.to));
        match merged.last_mut() {
            _ if start >= end => {}
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => merged.push(BusyInterval { start, end }),
        }
    }
    merged
}
