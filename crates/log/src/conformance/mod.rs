//! What every implementation of `Log` must do, as functions that panic when it does not. Run by the tests of each
//! implementation: every case gets an opener of its own place; opening again, after all handles of the log before are
//! dropped, must find what was acknowledged. Crashes and damage are not here: they need a hand on the storage.

mod append;
pub(crate) mod build;
mod cases;
mod read;
mod retention;
mod stamps;

pub use build::{append, batch, records, stamped};
pub use cases::{Case, Opener, cases};
