//! Batch results: what recomputations of views gave, as Parquet files with the offsets they cover. A view's newest one is its
//! mark; a few older ones are kept. They are results of the log and may be deleted at any time.

mod fingerprint;
mod manifest;
mod reader;
mod store;
mod writer;

pub(crate) use fingerprint::fingerprint;
pub(crate) use manifest::Manifest;
pub(crate) use reader::rows_of;
pub(crate) use store::Batches;
