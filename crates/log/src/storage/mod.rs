//! Every file operation of the embedded log goes through these two traits, so that tests can fail any of them and
//! cut the power after any of them. Called by `embedded` alone; knows nothing of segments or blocks.

mod disk;
#[cfg(any(test, feature = "testing"))]
pub mod simulated;
mod traits;

pub use disk::DiskStorage;
pub use traits::{Locked, Storage, StorageFile, read_exact_at, write_all_at};
