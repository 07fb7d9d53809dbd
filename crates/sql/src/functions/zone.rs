//! Offsets of time zones for many times, exactly those of `chrono-tz`: the changes of a zone are looked up once per
//! process and kept as a sorted table, so that a time costs a search in it, or nothing when it lies near the last one.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, Tz};
use datafusion::common::{Result, ScalarValue, exec_err};

/// Tables cover 1900-01-01 to 2100-01-01; times outside are looked up one by one.
const FROM: i64 = -2_208_988_800;
const TO: i64 = 4_102_444_800;

/// Seconds between the instants at which a zone is probed for changes. Two changes of a zone were never nearer than six
/// days (Brazil, October 2000), so none hides between two probes.
const PROBE_SECONDS: i64 = 2 * 86_400;

/// Local times are at most this far from UTC.
const MARGIN_SECONDS: i64 = 2 * 86_400;

/// A stretch of time, `from` inclusive, `to` exclusive, with the same offset: in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: i64,
    pub(super) to: i64,
    /// East of UTC.
    pub(super) offset: i32,
}

/// All offsets of one zone.
#[derive(Debug)]
pub(super) struct ZoneTable {
    zone: Tz,
    instants: Starts,
    locals: Starts,
}

impl ZoneTable {
    /// The table of a zone by its IANA name.
    ///
    /// # Errors
    ///
    /// Names the nearest known zone if there is none of this name.
    pub(super) fn by_name(name: &str) -> Result<Arc<Self>> {
        match Tz::from_str(name) {
            Ok(zone) => Ok(Self::of(zone)),
            Err(_) => exec_err!("no time zone '{name}': {}", crate::parse::zone_hint(name)),
        }
    }

    fn of(zone: Tz) -> Arc<Self> {
        static TABLES: LazyLock<RwLock<HashMap<Tz, Arc<ZoneTable>>>> = LazyLock::new(RwLock::default);
        if let Some(known) = TABLES.read().unwrap_or_else(PoisonError::into_inner).get(&zone) {
            return Arc::clone(known);
        }
        let table = Arc::new(Self::new(zone));
        TABLES.write().unwrap_or_else(PoisonError::into_inner).insert(zone, Arc::clone(&table));
        table
    }

    fn new(zone: Tz) -> Self {
        let instants = Starts::of_instants(zone);
        let locals = instants.as_locals();
        Self { zone, instants, locals }
    }

    /// The stretch around an instant, given in seconds since the epoch; `None` outside the years chrono knows (±262,000).
    pub(super) fn at_instant(&self, seconds: i64) -> Option<Stretch> {
        self.instants.around(seconds).or_else(|| one_second(seconds, offset_at_instant(self.zone, seconds)?))
    }

    /// The stretch around a local time, given in seconds since 1970-01-01T00:00 local, with the offset to subtract as
    /// PostgreSQL resolves it: a local time that comes twice (clocks set back) is the second one, in standard time; one
    /// that never comes (clocks set forward) is read with the offset from before, so it moves forward by the gap.
    pub(super) fn at_local(&self, seconds: i64) -> Option<Stretch> {
        self.locals.around(seconds).or_else(|| one_second(seconds, offset_at_local(self.zone, seconds)?))
    }
}

/// Whether a constant zone, if it is one, exists.
pub(super) fn check_constant(zone: Option<&ScalarValue>) -> Result<()> {
    match zone.and_then(ScalarValue::try_as_str).flatten() {
        Some(name) => ZoneTable::by_name(name).map(|_| ()),
        None => Ok(()),
    }
}

/// When each offset begins, in order, up to `end`.
#[derive(Debug)]
struct Starts {
    starts: Vec<(i64, i32)>,
    end: i64,
}

impl Starts {
    fn of_instants(zone: Tz) -> Self {
        let mut starts: Vec<(i64, i32)> = Vec::new();
        let mut known = FROM;
        let mut offset = offset_at_instant(zone, known);
        starts.extend(offset.map(|offset| (known, offset)));
        while known < TO {
            let probe = TO.min(known + PROBE_SECONDS);
            known = if offset_at_instant(zone, probe) == offset {
                probe
            } else {
                let change = first_change(zone, known, probe, offset);
                offset = offset_at_instant(zone, change);
                starts.extend(offset.map(|offset| (change, offset)));
                change
            };
        }
        Self { starts, end: TO }
    }

    /// The same for local times. At a change from `before` to `after` at `t`, clocks jump from `t + before` to `t + after`.
    /// A gap belongs to the offset before it and a repeated hour to the offset after it, so both end, and the new offset
    /// begins, at `t + after`.
    fn as_locals(&self) -> Self {
        let start = |&(from, offset): &(i64, i32)| ((from + i64::from(offset)).max(FROM + MARGIN_SECONDS), offset);
        Self { starts: self.starts.iter().map(start).collect(), end: self.end - MARGIN_SECONDS }
    }

    fn around(&self, seconds: i64) -> Option<Stretch> {
        if seconds >= self.end {
            return None;
        }
        let next = self.starts.partition_point(|(from, _)| *from <= seconds);
        let (from, offset) = *self.starts.get(next.checked_sub(1)?)?;
        let to = self.starts.get(next).map_or(self.end, |(from, _)| self.end.min(*from));
        Some(Stretch { from, to, offset })
    }
}

/// The first second in `(known, probe]` whose offset is not `offset`, by bisection.
fn first_change(zone: Tz, known: i64, probe: i64, offset: Option<i32>) -> i64 {
    let (mut same, mut changed) = (known, probe);
    while changed - same > 1 {
        let middle = i64::midpoint(same, changed);
        if offset_at_instant(zone, middle) == offset {
            same = middle;
        } else {
            changed = middle;
        }
    }
    changed
}

fn one_second(seconds: i64, offset: i32) -> Option<Stretch> {
    Some(Stretch { from: seconds, to: seconds.checked_add(1)?, offset })
}

fn offset_at_instant(zone: Tz, seconds: i64) -> Option<i32> {
    Some(zone.offset_from_utc_datetime(&civil(seconds)?).fix().local_minus_utc())
}

fn offset_at_local(zone: Tz, seconds: i64) -> Option<i32> {
    let local = civil(seconds)?;
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => Some(offset.fix().local_minus_utc()),
        LocalResult::None => {
            let (_, before) = GapInfo::new(&local, &zone)?.begin?;
            Some(before.fix().local_minus_utc())
        }
    }
}

fn civil(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
}
