//! Checkpoints: the state of the dataflow as files, each tied to the offsets it covers. A cache of the log: any
//! checkpoint that is damaged or of another format is set aside and what it held is computed again.

mod chain;
mod file;
mod inspect;
mod save;
mod spool;

pub use chain::{Checkpoints, Restored};
pub use inspect::{CheckpointContent, CheckpointReport, CheckpointUse};
pub use save::{ObjectSave, Saved};
pub use spool::Spool;
