//! The offsets of one zone over time.

/// A change of offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// When.
    pub(super) instant: i64,
    /// Seconds east of UTC before and from then on.
    pub(super) before: i64,
    pub(super) after: i64,
}

/// Offsets as a sorted list of changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transitions {
    initial: i64,
    changes: Vec<Change>,
}

impl Transitions {
    /// From onsets: instants with the offsets from and to. Each change begins with the offset that the one before it left.
    pub(super) fn new(mut onsets: Vec<Change>) -> Self {
        onsets.sort_by_key(|onset| onset.instant);
        let initial = onsets.first().map_or(0, |first| first.before);
        let mut offset = initial;
        let mut changes = Vec::with_capacity(onsets.len());
        for onset in onsets {
            if onset.after != offset {
                changes.push(Change { before: offset, ..onset });
                offset = onset.after;
            }
        }
        Self { initial, changes }
    }

    fn after(&self, changes_passed: usize) -> i64 {
        changes_passed.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(self.initial, |last| last.after)
    }

    /// The civil seconds of an instant.
    pub(crate) fn civil(&self, instant: i64) -> i64 {
        instant + self.after(self.changes.partition_point(|change| change.instant <= instant))
    }

    /// The instant of civil seconds. A skipped or repeated time belongs to the offset before: so a change counts only once
    /// the later of the two clocks has passed it.
    pub(crate) fn instant(&self, civil: i64) -> i64 {
        let passed = |change: &Change| change.instant + change.before.max(change.after) <= civil;
        civil - self.after(self.changes.partition_point(passed))
    }
}
