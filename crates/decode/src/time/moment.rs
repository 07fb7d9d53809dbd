//! A point on a clock, the common currency of the time readers.

/// A moment as seconds since 1970-01-01T00:00:00 (on some clock: UTC or local) and nanoseconds after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}
