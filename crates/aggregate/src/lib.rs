//! Aggregates over many groups at once, each correct under retraction: update, retract, merge, finish, encode.
//! The live path (`views`) and the batch path (`sql`'s DataFusion functions) run this same code, so they agree
//! bit for bit.

mod aggregate;
mod bag;
mod blocks;
mod boolean;
mod build;
mod codec;
mod count;
mod counted;
mod distinct;
mod entries;
mod extremes;
mod float;
mod hyperloglog;
mod kind;
mod multiset;
mod physical;
mod reading;
mod rows;
mod state;
mod sum;
#[cfg(test)]
mod tests;
mod types;
mod word;

pub use aggregate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, Constant, Input};
