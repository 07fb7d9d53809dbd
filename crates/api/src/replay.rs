//! Replaying rejected records: what is asked for, and what came of it.

use serde::{Deserialize, Serialize};

/// Rejected records to be read again by the stream's present declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The stream, `name` or `schema.name`.
    pub stream: String,
    /// Which of them: a condition over the columns of `<stream>_rejects`; `None`: all.
    pub filter: Option<String>,
}

/// What came of a replay. All of it is durable when the report is given; a reject becomes events at most once, however
/// often it is replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// The stream, qualified.
    pub stream: String,
    /// Rejects that became events now.
    pub replayed: u64,
    /// The events stored for them.
    pub events: u64,
    /// Rejects that are still refused; they stay as they are.
    pub refused: u64,
    /// Rejects that had become events before.
    pub replayed_before: u64,
    /// The first ones that are still refused, at most [`ReplayReport::MAX_LISTED`].
    pub refusals: Vec<Refusal>,
}

impl ReplayReport {
    /// How many refusals a report lists.
    pub const MAX_LISTED: usize = 20;
}

/// Why a reject is still refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its `_offset` in `<stream>_rejects`.
    pub offset: u64,
    /// What is wrong now.
    pub reason: String,
}
