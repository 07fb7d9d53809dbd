//! Queries that ranked indexes answer: window functions over one relation of which only some rows are wanted. The plan is
//! recognised after optimization; binding then puts rows with their ranks in the place of scan and windows. The filters
//! stay where they are, so that what is found here need not be exact, only enough.

mod calls;
mod candidate;
mod chain;
mod point;
mod wanted;

pub(super) use candidate::{Candidate, Found, candidate, put_ranked};
pub(crate) use point::RankedViews;
