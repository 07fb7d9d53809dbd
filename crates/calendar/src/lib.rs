//! Calendars as busy times: reads iCalendar files (RFC 5545) and expands what repeats within a horizon. Whatever the bytes
//! are, the answer is what could be read and findings about the rest; limits bound memory and time. Fetches nothing and
//! knows neither users nor streams: whoever turns calendars into availability calls it.

mod calendar;
mod event;
mod expand;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod limits;
mod rule;
mod text;
mod value;
mod zone;

pub use calendar::Calendar;
pub use expand::{BusyInterval, Expansion, Horizon, Instance};
pub use limits::Limits;
pub use rule::Rule;
