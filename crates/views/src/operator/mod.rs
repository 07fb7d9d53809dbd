//! Operators: each takes the changes of its inputs in one tick and gives the changes of its result.
//! `lower` builds them from a SQL plan; a pipeline runs them; checkpoints save what they remember.

mod aggregate;
mod expand;
mod gone;
mod join;
mod linear;
mod lookup;
mod node;
mod ordered;
mod source;
mod temporal;
mod union;
mod unnest;

pub(crate) use aggregate::{Aggregate, AggregateCall, Grouping, Leaving, Panes};
pub(crate) use expand::{Expand, GroupingSet};
pub(crate) use gone::Gone;
pub(crate) use join::{Join, JoinPlan, Keep};
pub(crate) use linear::{Linear, Stage};
pub(crate) use lookup::{Lookup, LookupPlan};
pub use node::OperatorFigures;
pub(crate) use node::{
    Node, Part, State, Tick, bytes_of, explain, figures_of, hash_table_bytes, late_of, marked, rows_in,
};
pub(crate) use ordered::{Numbering, Order, Top, TopPlan, Window, WindowPlan};
pub(crate) use source::{EventSource, RowSource};
pub(crate) use temporal::{ALWAYS, Bound, Due, Temporal, micros};
pub(crate) use union::Union;
pub(crate) use unnest::Unnest;
