//! From a SQL plan to operators, or a refusal that names the clause, the reason and what to write instead.

mod aggregate;
mod grouping;
mod join;
mod lookup;
mod lowered;
mod ordered;
mod panes;
mod plan;
mod refuse;
mod retain;
mod temporal;

pub(crate) use lowered::{Lowered, Properties};
pub(crate) use plan::lower;
pub(crate) use retain::retained;
