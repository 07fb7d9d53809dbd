//! Snapshots of a data folder that is being served.

use serde::{Deserialize, Serialize};

/// A snapshot that was taken, or restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotReport {
    /// The folder, on the machine of the server.
    pub folder: String,
    /// How many files it holds.
    pub files: u64,
    /// Their length together.
    pub bytes: u64,
}
