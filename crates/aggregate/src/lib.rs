//! Aggregates over many groups at once, each correct under retraction: update, retract, merge, finish, encode.
//! The live path (`views`) and the batch path (`sql`'s DataFusion functions) run this same code, so they agree
//! bit for bit.

mod aggregate;
mod bag;
mod boolean;
mod build;
mod codec;
mod count;
mod distinct;
mod entries;
mod extremes;
mod float;
mod multiset;
mod physical;
mod rows;
mod state;
mod sum;
#[cfg(test)]
mod tests;
mod word;

pub use aggregate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, Input};
