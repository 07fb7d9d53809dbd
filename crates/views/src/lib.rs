//! The incremental engine: SQL plans lowered to operators over weighted change batches, the stores their results
//! live in, and the checkpoints of both. It knows no log, no network and no clock; `engine` feeds it.

mod checkpoint;
mod dataflow;
mod error;
mod expression;
mod keys;
mod lower;
mod operator;
mod ranked;
mod store;
mod workers;

pub use checkpoint::{
    CheckpointContent, CheckpointReport, CheckpointUse, Checkpoints, ObjectSave, Restored, Saved, Spool,
};
pub use dataflow::{
    Build, Dataflow, EventTime, RankBuild, Reader, Relations, Saving, TickReport, ViewFigures, ViewPlan, ViewSpec,
    Widening,
};
pub use error::ViewsError;
pub use operator::OperatorFigures;
pub use ranked::{PlaceRange, RankCall, RankColumn, RankIndex, RankRows, RankSource, RankSpec};
pub use store::{Snapshot, Store};
