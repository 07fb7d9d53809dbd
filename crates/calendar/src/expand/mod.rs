//! From events to instances within a horizon, and from those to busy intervals.

mod busy;
mod calendar;
mod instance;
mod series;

pub use busy::BusyInterval;
pub use instance::{Expansion, Horizon, Instance};
