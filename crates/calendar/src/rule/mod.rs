//! Recurrence rules (RFC 5545, 3.3.10): reading one, and the times it gives.
//!
//! Where the specification is silent this follows libical: a year with `BYWEEKNO` is a year of weeks (so `INTERVAL` counts
//! those), and a yearly `BYMONTHDAY` alone stays in the month of `DTSTART`.

mod days;
mod occurrences;
mod parse;
#[cfg(test)]
mod tests;

pub(crate) use occurrences::{Occurrences, Window};
pub use parse::Rule;
pub(crate) use parse::Until;
