//! What `verify` tells of a stream after reading all of it: what each partition holds, what lies beside the segments,
//! and what is wrong. Plain data for `doctor`; computes nothing.

use std::path::PathBuf;

use highwater_model::{ObjectId, Offset, PartitionId, PartitionRange};

use crate::log::Bounds;

/// A stream after every byte of it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// The stream.
    pub stream: ObjectId,
    /// Its folder.
    pub folder: PathBuf,
    /// How many segments were read.
    pub segments: u64,
    /// Durable bytes of its segments.
    pub bytes: u64,
    /// What each partition holds; the one of rejects only when there ever was one.
    pub partitions: Vec<PartitionReport>,
    /// Files that hold bytes set aside earlier: torn appends and what quarantine gave up.
    pub aside: Vec<AsideFile>,
    /// What is wrong, in the order of the segments.
    pub findings: Vec<Finding>,
}

/// What was found of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// The partition.
    pub partition: PartitionId,
    /// Which offsets it should hold.
    pub bounds: Bounds,
    /// Records that are there and whose checksums match.
    pub records: u64,
    /// Bytes these take in the segments, as stored.
    pub bytes: u64,
}

/// A file beside the segments that nobody reads any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsideFile {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Something wrong with a stream's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stream.
    pub stream: ObjectId,
    /// The file.
    pub path: PathBuf,
    /// Where the broken bytes begin.
    pub position: u64,
    /// Where they end.
    pub end: u64,
    /// What was found.
    pub reason: String,
    /// The records lost, as far as what is left tells.
    pub lost: Vec<PartitionRange>,
    /// Partitions of which nothing behind the broken bytes tells whether they lost records at the end, and how many; of
    /// those that are known.
    pub untold: Vec<PartitionId>,
    /// Whether [`EmbeddedLog::quarantine`](crate::EmbeddedLog::quarantine) can give them up.
    pub repairable: bool,
    /// Whether it already has: the hole is explicit and reads across it say so.
    pub quarantined: bool,
    /// Next offsets after the lost bytes, if they still tell.
    pub(crate) ends: Option<Vec<(PartitionId, Offset)>>,
}
