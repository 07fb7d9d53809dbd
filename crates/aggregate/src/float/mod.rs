//! Exact, order-independent, retractable aggregates of floats: sum, average, variance, standard deviation.
//! A plain `f64` sum depends on the order of its terms and leaves residue after a retraction; here the exact sum is kept
//! and rounded once, when read, so any order, split, merge or history of retractions gives the same bits.

mod moments;
mod power_sums;
mod rounding;
mod special;
mod sum;
mod superaccumulator;

pub(crate) use moments::{Moments, Spread};
pub(crate) use sum::FloatSum;
