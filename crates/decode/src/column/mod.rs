//! Column builders: one per declared column, filled value by value, rolled back exactly when a record is refused.
//!
//! [`ColumnPlan`] is compiled once per schema; [`ColumnBuilder`] lives for one body. A builder may be one value ahead
//! of the row being read; that is how a repeated key is noticed and how missing columns are found.

mod base64;
mod builder;
mod list;
mod map;
mod number;
mod object;
mod plan;
mod scalar;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use builder::ColumnBuilder;
pub(crate) use plan::{ColumnPlan, Kind};
