//! Joins of two inputs that both change. Each side keeps its rows, found by join key; a tick multiplies what changed
//! on one side with what is on the other, exactly once. Outer, semi, anti and mark joins count the matches of each row.

mod input;
mod operator;
mod shard;
mod side;

pub(crate) use operator::{Join, JoinPlan, Keep};
