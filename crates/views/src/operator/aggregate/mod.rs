//! Group aggregation: one row a group, corrected at the end of each tick for the groups it touched.
//! `DISTINCT` is this operator without aggregates.

mod input;
mod leaving;
mod operator;
mod panes;
mod shard;

pub(crate) use leaving::Leaving;
pub(crate) use operator::{Aggregate, AggregateCall, Grouping};
pub(crate) use panes::Panes;
