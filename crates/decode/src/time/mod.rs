//! Reading points in time: one compiled reader per time column, by its declared encoding. Used by the column builders.
//!
//! Digits finer than the column's unit are dropped towards the past (a `TIMESTAMPTZ` keeps microseconds); everything
//! else is exact or refused. The common layouts are read by hand; [`pattern`] falls back to chrono for the others.

mod civil;
mod epoch;
mod pattern;
mod reader;
mod rfc3339;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use civil::parse_date;
pub(crate) use pattern::DatePattern;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use pattern::compare;
pub(crate) use reader::{TimePlan, TimeReader};

/// A moment as seconds since 1970-01-01T00:00:00 (on some clock: UTC or local) and nanoseconds after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}
