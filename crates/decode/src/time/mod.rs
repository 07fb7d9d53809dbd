//! Reading points in time: one compiled reader per time column, by its declared encoding. Used by the column builders.
//!
//! Digits finer than the column's unit are dropped towards the past (a `TIMESTAMPTZ` keeps microseconds); everything
//! else is exact or refused. The common layouts are read by hand; [`pattern`] falls back to chrono for the others.

mod civil;
mod epoch;
mod moment;
mod pattern;
mod reader;
mod rfc3339;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use civil::parse_date;
pub(crate) use moment::Moment;
pub(crate) use pattern::DatePattern;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use pattern::compare;
pub(crate) use reader::{TimePlan, TimeReader};
