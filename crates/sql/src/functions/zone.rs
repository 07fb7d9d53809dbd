//! Offsets of a time zone for many times: exact, with a small cache because neighbouring rows are near in time.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};

/// Length of a cached stretch, in seconds. No zone changed its offset twice within a quarter of an hour.
const STRETCH_SECONDS: i64 = 900;

/// Cached stretches; a power of two.
const SLOTS: usize = 64;

/// Seconds east of UTC for instants and for local times of one zone.
pub(super) struct Offsets {
    zone: Tz,
    of_instants: [Option<(i64, i32)>; SLOTS],
    of_locals: [Option<(i64, i32)>; SLOTS],
}

impl Offsets {
    pub(super) fn new(zone: Tz) -> Self {
        Self { zone, of_instants: [None; SLOTS], of_locals: [None; SLOTS] }
    }

    /// Offset at an instant, given in seconds since the epoch; `None` outside the years chrono knows (±262,000).
    pub(super) fn at_instant(&mut self, seconds: i64) -> Option<i32> {
        let stretch = seconds.div_euclid(STRETCH_SECONDS);
        let slot = slot(stretch);
        if let Some((cached, offset)) = self.of_instants[slot]
            && cached == stretch
        {
            return Some(offset);
        }
        let first = self.exact_at_instant(stretch * STRETCH_SECONDS);
        let last = self.exact_at_instant(stretch * STRETCH_SECONDS + STRETCH_SECONDS - 1);
        match (first, last) {
            (Some(first), Some(last)) if first == last => {
                self.of_instants[slot] = Some((stretch, first));
                Some(first)
            }
            _ => self.exact_at_instant(seconds),
        }
    }

    /// Offset to subtract from a local time, given in seconds since 1970-01-01T00:00 local, as PostgreSQL resolves it:
    /// a local time that comes twice (clocks set back) is the second one, in standard time; one that never comes
    /// (clocks set forward) is read with the offset from before, so it moves forward by the gap.
    pub(super) fn at_local(&mut self, seconds: i64) -> Option<i32> {
        let stretch = seconds.div_euclid(STRETCH_SECONDS);
        let slot = slot(stretch);
        if let Some((cached, offset)) = self.of_locals[slot]
            && cached == stretch
        {
            return Some(offset);
        }
        let single = |seconds: i64| match self.zone.offset_from_local_datetime(&local(seconds)?) {
            LocalResult::Single(offset) => Some(offset.fix().local_minus_utc()),
            _ => None,
        };
        let ends = (single(stretch * STRETCH_SECONDS), single(stretch * STRETCH_SECONDS + STRETCH_SECONDS - 1));
        match ends {
            (Some(first), Some(last)) if first == last => {
                self.of_locals[slot] = Some((stretch, first));
                Some(first)
            }
            _ => self.exact_at_local(seconds),
        }
    }

    fn exact_at_instant(&self, seconds: i64) -> Option<i32> {
        let utc = DateTime::from_timestamp(seconds, 0)?.naive_utc();
        Some(self.zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
    }

    fn exact_at_local(&self, seconds: i64) -> Option<i32> {
        let local = local(seconds)?;
        match self.zone.offset_from_local_datetime(&local) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => Some(offset.fix().local_minus_utc()),
            LocalResult::None => {
                let (_, before) = GapInfo::new(&local, &self.zone)?.begin?;
                Some(before.fix().local_minus_utc())
            }
        }
    }
}

fn local(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
}

fn slot(stretch: i64) -> usize {
    // A remainder below 64 fits everything.
    usize::try_from(stretch.rem_euclid(SLOTS as i64)).unwrap_or(0)
}
