//! Bytes to typed Arrow rows, raw records and rejects: the one reader of event bodies, used by ingest and by replay.
//!
//! Called by the engine (a [`Decoder`] is built once per stream schema). It does no input or output, knows no log and
//! no SQL, and decides nothing about offsets. One body becomes columns in one pass without allocating per record;
//! a record that cannot be read becomes a [`Reject`] and leaves its neighbours alone.

mod body;
mod column;
mod decimal;
mod decoded;
mod decoder;
mod error;
mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gunzip;
mod json;
mod partition;
mod record;
mod reject;
mod rows;
mod time;

pub use body::BodyFormat;
pub use decoded::Decoded;
pub use decoder::Decoder;
pub use error::DecodeError;
pub use gunzip::gunzip;
pub use partition::{partition_of, split_by_partition};
pub use reject::Reject;
