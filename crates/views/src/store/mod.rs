//! The view store: the current rows of a view, table or keyed stream in copy-on-write column chunks, found by key,
//! read as consistent snapshots while ticks go on.

mod cells;
mod chunk;
mod parts;
mod ranks;
mod rows;
mod save;
mod snapshot;

pub(crate) use rows::Ready;
pub use rows::Store;
pub use snapshot::Snapshot;
