//! Long work beside everything else: audits and recomputations, one at a time, on threads that give way to all others.

mod recompute;
mod relations;
mod run;
mod schedule;
mod tasks;
mod unfinished;

pub(crate) use run::{await_job, cancel, start};
pub use schedule::Schedule;
pub(crate) use schedule::keep;
pub(crate) use tasks::Tasks;
pub(crate) use unfinished::{Unfinished, resume};
