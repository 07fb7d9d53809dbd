//! Operators: each takes the changes of its inputs in one tick and gives the changes of its result.
//! `lower` builds them from a SQL plan; a pipeline runs them; checkpoints save what they remember.

mod aggregate;
mod linear;
mod lookup;
mod node;
mod source;
mod union;

pub(crate) use aggregate::{Aggregate, AggregateCall};
pub(crate) use linear::{Linear, Stage};
pub(crate) use lookup::{Lookup, LookupPlan};
pub(crate) use node::{Node, State, Tick, line, rows_in};
pub(crate) use source::{EventSource, RowSource};
pub(crate) use union::Union;
