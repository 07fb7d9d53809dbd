//! Aggregates: the kernels of `highwater-aggregate` as DataFusion functions, so that batch execution and live views run
//! the same code, and the way from a planned call to its kernel, for the views engine.

mod accumulator;
mod call;
mod constant;
mod declared;
mod function;
mod groups;
mod registry;
mod spec;
#[cfg(test)]
mod tests;

pub use registry::{exact_aggregates, register_aggregates};
pub use spec::spec_for;
