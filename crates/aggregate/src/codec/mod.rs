//! Values as ordered, hashable keys: how all aggregates that keep values hold and compare them.
//! Numbers are held as they are (floats as integers in total order, so NaN is the greatest and −0.0 lies below 0.0),
//! strings as bytes, everything else and combinations of columns in Arrow's row format. State is never encoded as keys
//! but as Arrow columns, so damaged state cannot produce keys that do not parse.

mod bytes;
mod order;
mod primitive;
mod rounded;
mod row;

pub(crate) use bytes::Bytes;
pub(crate) use order::{Codec, Ordered};
pub(crate) use primitive::Primitive;
pub(crate) use rounded::Rounded;
pub(crate) use row::RowFormat;
