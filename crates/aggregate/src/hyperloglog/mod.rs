//! `approx_distinct`: how many different values there are, within 1 % or so, in at most 16 KiB a group.

mod aggregate;
mod estimate;
mod hash;
mod sketch;

pub(crate) use aggregate::DistinctEstimate;
