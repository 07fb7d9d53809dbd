//! A time with the zone it is in, and the zones of one expansion. Used by events, rules and their expansion.

use chrono_tz::Tz;

use super::{Transitions, instant_of, local_of};
use crate::value::When;

/// Which zone a time is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZoneName {
    /// That of whoever looks at the calendar: times without a zone, and days.
    Viewer,
    Named(Tz),
    /// The calendar's definition of this number.
    Own(usize),
}

/// A date or time with its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) when: When,
    pub(crate) zone: ZoneName,
}

/// All zones of one expansion.
#[derive(Debug)]
pub(crate) struct Zones {
    viewer: Tz,
    own: Vec<Transitions>,
}

impl Zones {
    pub(crate) fn new(viewer: Tz, own: Vec<Transitions>) -> Self {
        Self { viewer, own }
    }

    /// The instant of civil seconds.
    pub(crate) fn instant(&self, zone: ZoneName, civil: i64) -> i64 {
        match zone {
            ZoneName::Viewer => instant_of(self.viewer, civil),
            ZoneName::Named(zone) => instant_of(zone, civil),
            ZoneName::Own(number) => self.own.get(number).map_or(civil, |zone| zone.instant(civil)),
        }
    }

    /// The civil seconds of an instant.
    pub(crate) fn civil(&self, zone: ZoneName, instant: i64) -> i64 {
        match zone {
            ZoneName::Viewer => local_of(self.viewer, instant),
            ZoneName::Named(zone) => local_of(zone, instant),
            ZoneName::Own(number) => self.own.get(number).map_or(instant, |zone| zone.civil(instant)),
        }
    }
}

impl Stamp {
    /// The zone in which a recurring event keeps its time of day.
    pub(crate) fn home(self) -> ZoneName {
        match self.when {
            When::Date(_) => ZoneName::Viewer,
            When::Local(_) => self.zone,
            When::Utc(_) => ZoneName::Named(Tz::UTC),
        }
    }

    /// Civil seconds in its own zone; a date is its midnight.
    pub(crate) fn civil(self) -> i64 {
        match self.when {
            When::Date(day) => day * crate::value::DAY,
            When::Local(civil) => civil,
            When::Utc(instant) => instant,
        }
    }

    pub(crate) fn instant(self, zones: &Zones) -> i64 {
        zones.instant(self.home(), self.civil())
    }

    /// Whether it is a day.
    pub(crate) fn is_day(self) -> bool {
        matches!(self.when, When::Date(_))
    }
}
