//! From civil time to instants and back, in IANA zones and in those that a calendar defines itself (`VTIMEZONE`).
//!
//! RFC 5545, 3.3.5: a civil time that is skipped is read with the offset before the gap, one that comes twice is the first.

mod named;
mod observances;
mod stamp;
#[cfg(test)]
mod tests;
mod transitions;

pub(crate) use named::{instant_of, local_of, zone_named};
pub(crate) use observances::{Definition, read_definition};
pub(crate) use stamp::{Stamp, ZoneName, Zones};
pub(crate) use transitions::Transitions;
