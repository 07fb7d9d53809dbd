//! What an inspection tells, as plain data for whoever prints it.

use std::path::PathBuf;

use highwater_model::ObjectId;

/// A data folder as it was found.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// What is declared: `2 streams`, `1 table`, …; empty when the catalog cannot be read.
    pub declared: Vec<String>,
    /// The logs, by id.
    pub streams: Vec<StreamInspection>,
    /// The checkpoints, oldest first.
    pub checkpoints: Vec<CheckpointInspection>,
    /// What is wrong.
    pub findings: Vec<FolderFinding>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
}

/// The log of a stream or table.
#[derive(Clone, Debug)]
pub struct StreamInspection {
    /// Its id, which names its folder.
    pub id: ObjectId,
    /// Its name, when the catalog tells.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Segments read.
    pub segments: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// Its partitions, the hidden one of rejects last when there are any.
    pub partitions: Vec<PartitionInspection>,
}

/// A partition of a log.
#[derive(Clone, Debug)]
pub struct PartitionInspection {
    /// Its number, or `rejects`.
    pub name: String,
    /// The oldest offset held.
    pub first: u64,
    /// The offset after the newest.
    pub next: u64,
    /// Records whose checksums match.
    pub records: u64,
    /// Bytes these take on disk.
    pub bytes: u64,
    /// Offsets that cannot be read because bytes are damaged, as far as what is left tells.
    pub lost: u64,
    /// Offsets given up earlier.
    pub given_up: u64,
    /// Whether more may be lost than `lost` says.
    pub in_doubt: bool,
}

/// A checkpoint file.
#[derive(Clone, Debug)]
pub struct CheckpointInspection {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The version of its format, if its first bytes name one.
    pub format: Option<u32>,
    /// Whether it is whole or adds to those before; unknown when it is damaged.
    pub full: Option<bool>,
    /// The keyed streams, tables and views in it.
    pub objects: usize,
    /// The events it covers.
    pub covers: Vec<Covered>,
    /// What a start would do with it: `loaded`, `replaced by a newer one`, or why it cannot be used.
    pub verdict: String,
}

/// How far a checkpoint covers a partition.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The stream.
    pub stream: String,
    /// The partition.
    pub partition: String,
    /// The offset after the last one covered.
    pub next: u64,
}

/// A part of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderPart {
    /// What was declared.
    Catalog,
    /// The records.
    Log,
    /// The saved state, a cache of the log.
    State,
}

/// Something wrong.
#[derive(Clone, Debug)]
pub struct FolderFinding {
    /// Where.
    pub part: FolderPart,
    /// The file or folder.
    pub file: PathBuf,
    /// The first byte of it that is wrong, when it is bytes that are.
    pub position: Option<u64>,
    /// What was found.
    pub what: String,
    /// The records that cannot be read any more because of it.
    pub lost: Vec<Lost>,
    /// Partitions (`stream partition`) that may have lost more records at their end, and nothing tells how many.
    pub in_doubt: Vec<String>,
    /// What to do next.
    pub advice: String,
    /// What a repair would do.
    pub remedy: Remedy,
}

/// A run of records lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The stream.
    pub stream: String,
    /// The partition.
    pub partition: String,
    /// The first offset.
    pub first: u64,
    /// The offset after the last.
    pub next: u64,
}

/// What a repair does about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: it needs a person.
    None,
    /// The file is set aside; what it held is computed again from the log.
    SetAside,
    /// The damaged bytes of this log are given up: copied aside, and replaced by a hole that readers leave out.
    GiveUp(ObjectId),
}
