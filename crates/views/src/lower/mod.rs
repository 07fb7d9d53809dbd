//! From a SQL plan to operators, or a refusal that names the clause, the reason and what to write instead.

mod aggregate;
mod join;
mod lowered;
mod plan;
mod refuse;

pub(crate) use lowered::{Lowered, Properties};
pub(crate) use plan::lower;
