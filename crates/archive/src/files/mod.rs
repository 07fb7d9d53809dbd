//! Data files: rows in order, Parquet in and out, many small ones merged.

mod merge;
mod order;
mod read;
mod write;

pub(crate) use merge::Merge;
pub(crate) use order::{BATCH_ROWS, Ordered};
pub(crate) use read::FileReader;
pub(crate) use write::{Effort, FileWriter};
