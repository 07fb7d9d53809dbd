//! What every implementation of `Log` must do, as functions that panic when it does not. Run by the tests of each
//! implementation: every case gets an opener of its own place; opening again, after all handles of the log before are
//! dropped, must find what was acknowledged. Crashes and damage are not here: they need a hand on the storage.

mod append;
pub(crate) mod build;
mod read;
mod retention;
mod stamps;

use std::sync::Arc;

pub use build::{append, batch, records, stamped};

use crate::Log;

/// Opens the log of one place, again and again.
pub type Opener<'a> = &'a dyn Fn() -> Arc<dyn Log>;

/// A named case.
pub type Case = (&'static str, fn(Opener<'_>));

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    [append::CASES, read::CASES, stamps::CASES, retention::CASES].concat()
}
