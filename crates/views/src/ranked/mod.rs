//! Ranked indexes: the rows of a store in a declared order, counted, so that the rank of a row, the n-th row and the rows
//! around one are found in logarithmic time. Kept by every tick; computed anew from the store after a restart.

mod calls;
mod index;
mod leaf;
mod order;
mod places;
#[cfg(test)]
mod tests;
mod tree;

pub use calls::{RankCall, RankSource};
pub use index::RankIndex;
pub(crate) use index::{RankGarbage, RankPatch};
pub use order::{RankColumn, RankSpec};
pub use places::{PlaceRange, RankRows};
