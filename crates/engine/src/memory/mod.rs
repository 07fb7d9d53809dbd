//! Known memory: how much state may be held, how much is, by whom, and what is refused when there is no more room.

mod budget;
mod limit;
mod report;

pub(crate) use budget::{Held, Memory, Room};
pub use limit::MemoryLimit;
pub(crate) use report::{full, size_text, status};
