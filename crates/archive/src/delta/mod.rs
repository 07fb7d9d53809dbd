//! The log of a Delta table: reading it through `deltalake`, and writing commits ourselves, so that we know at which
//! version each one lies and what was there before it.

mod checkpoint;
mod commit;
mod lines;
mod load;
mod state;

pub(crate) use checkpoint::{CHECKPOINT_EVERY, checkpoint};
pub(crate) use commit::{Outcome, commit};
pub(crate) use lines::{Lines, delta_schema, new_metadata};
pub(crate) use load::{load, tombstones};
pub(crate) use state::State;
