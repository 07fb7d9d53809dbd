//! What a corpus file talks to. Implemented for an engine in this process and for a server over HTTP.

use std::fmt;

use arrow_array::RecordBatch;
use async_trait::async_trait;

use super::IngestText;

/// What a statement gives.
#[derive(Debug)]
pub enum Outcome {
    /// A query's rows.
    Rows(Vec<RecordBatch>),
    /// A command was carried out; so many rows were changed.
    Done(u64),
}

/// A refusal, as the user would read it: message, findings and hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorError(pub String);

impl fmt::Display for DoorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DoorError {}

impl DoorError {
    pub(super) fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Runs SQL and takes events.
#[async_trait]
pub trait Door: Send {
    /// Runs statements; gives the last one's outcome.
    async fn sql(&mut self, sql: &str) -> Result<Outcome, DoorError>;

    /// Sends events and waits until they are visible; gives how many were accepted.
    async fn ingest(&mut self, ingest: IngestText) -> Result<u64, DoorError>;
}
