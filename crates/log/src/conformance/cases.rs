//! The list of cases. Called by the tests of each implementation.

use std::sync::Arc;

use super::{append, read, retention, stamps};
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
