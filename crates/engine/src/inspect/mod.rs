//! A data folder that nobody serves: what is in it, whether it is sound, and repairs that delete nothing. For
//! `highwater doctor`; an engine that serves goes through `open`.

mod catalog;
mod folder;
mod log;
mod report;
mod state;

pub use folder::{DataFolder, FolderAccess};
pub use report::{
    CheckpointInspection, Covered, FolderFinding, FolderPart, Inspection, Lost, PartitionInspection, Remedy,
    StreamInspection,
};
