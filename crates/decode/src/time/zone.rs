//! Local time to UTC in an IANA zone, remembering the offset of the hours seen last.

use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::Moment;
use crate::fault::{Fault, Outcome};

/// Hours remembered at once: a direct-mapped table, so neighbouring hours never push each other out.
const HOURS: usize = 64;

/// A zone with a memory.
#[derive(Debug)]
pub(super) struct Zone {
    zone: Tz,
    /// (local hour since the epoch, offset in seconds) at `hour % HOURS`. Empty until first used.
    hours: Vec<(i64, i32)>,
}

impl Zone {
    pub(super) fn new(zone: Tz) -> Self {
        Self { zone, hours: Vec::new() }
    }

    /// The UTC moment of a local one. A local time the zone skips or repeats is refused.
    pub(super) fn utc(&mut self, local: Moment) -> Outcome<Moment> {
        let hour = local.seconds.div_euclid(3600);
        let slot = hour.rem_euclid(HOURS as i64) as usize;
        let offset = match self.hours.get(slot) {
            Some((known, offset)) if *known == hour => *offset,
            _ => self.look_up(local.seconds, hour, slot)?,
        };
        Ok(Moment { seconds: local.seconds - i64::from(offset), nanos: local.nanos })
    }

    fn look_up(&mut self, seconds: i64, hour: i64, slot: usize) -> Outcome<i32> {
        let offset = self.offset_at(seconds)?;
        // The zone database has no two transitions within one hour, so equal unambiguous ends mean a constant hour.
        let ends = [hour * 3600, hour * 3600 + 3599];
        if ends.iter().all(|end| self.offset_at(*end).is_ok_and(|at_end| at_end == offset)) {
            if self.hours.is_empty() {
                self.hours = vec![(i64::MIN, 0); HOURS];
            }
            self.hours[slot] = (hour, offset);
        }
        Ok(offset)
    }

    fn offset_at(&self, seconds: i64) -> Outcome<i32> {
        let Some(local) = DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc()) else {
            return Fault::value("the time is outside the calendar");
        };
        match self.zone.offset_from_local_datetime(&local) {
            MappedLocalTime::Single(offset) => Ok(offset.fix().local_minus_utc()),
            MappedLocalTime::Ambiguous(first, second) => Fault::value(format!(
                "local time {local} is ambiguous in zone {}: occurs twice (offset {} and {}); send the offset or UTC",
                self.zone,
                first.fix(),
                second.fix()
            )),
            MappedLocalTime::None => Fault::value(format!(
                "local time {local} does not exist in zone {}: the clocks skip it; send the offset or UTC",
                self.zone
            )),
        }
    }
}
