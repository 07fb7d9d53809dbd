//! What an expansion is asked and what it gives.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use highwater_model::Diagnostics;

use super::BusyInterval;

/// From when to when instances are wanted, and whose calendar it is.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Instances that end before or at this are left out, unless they begin at it.
    pub from: DateTime<Utc>,
    /// Instances that begin at this or later are left out.
    pub to: DateTime<Utc>,
    /// The zone of days, and of times that name none.
    pub zone: Tz,
}

/// One time that an event takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The event's `UID`; empty if it has none.
    pub uid: Arc<str>,
    /// What the event is called.
    pub summary: Arc<str>,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it ends, that instant excluded; the start for an event that takes no time.
    pub end: DateTime<Utc>,
    /// Whether it is whole days of the horizon's zone.
    pub all_day: bool,
    /// Whether it takes the person's time (`TRANSP`).
    pub busy: bool,
}

/// What a calendar holds within a horizon.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// All instances that are not cancelled, by start, end and `UID`.
    pub instances: Vec<Instance>,
    /// When the person is busy: in order, without overlap or touch, cut to the horizon.
    pub busy: Vec<BusyInterval>,
    /// What could not be expanded.
    pub diagnostics: Diagnostics,
}
