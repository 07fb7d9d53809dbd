//! Tests only: runs SQL corpus files (`.slt`) through any door of the engine, and kills the real binary under load to see
//! whether it keeps its promises. Used by `tests/` here and by the tests of other crates; no product code depends on it.

pub mod crash;
mod error;
mod process;
pub mod slt;

pub use error::TestkitError;
pub use process::{ServerProcess, ServerSettings, server_binary};
