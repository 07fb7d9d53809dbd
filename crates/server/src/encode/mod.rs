//! Answers as bytes: the form is negotiated, rows are encoded batch by batch. Called by `sql`, `views` and `changes`.

mod arrow;
mod csv;
mod json;
mod negotiate;
mod types;
mod write;

pub(crate) use json::columns;
pub(crate) use json::rows_json;
pub use json::{ColumnDocument, RowsDocument};
pub(crate) use negotiate::negotiate;
pub(crate) use write::{VERSION, respond};
