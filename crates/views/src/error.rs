//! What can go wrong while views are planned and maintained.

use std::sync::Arc;

use arrow_schema::ArrowError;
use highwater_aggregate::AggregateError;
use highwater_sql::datafusion::error::DataFusionError;

/// An error of the incremental engine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ViewsError {
    /// The query cannot be maintained: which clause, why, and what to write instead.
    #[error("{clause} cannot be kept up to date: {reason}")]
    Refused {
        /// The clause of the query.
        clause: String,
        /// Why not.
        reason: String,
        /// What to write instead.
        instead: String,
    },
    /// An expression failed on some row (a cast, a division, …).
    #[error("evaluating a row failed: {0}")]
    Evaluation(Arc<DataFusionError>),
    /// An aggregate failed.
    #[error(transparent)]
    Aggregate(Arc<AggregateError>),
    /// Arrow refused.
    #[error(transparent)]
    Arrow(Arc<ArrowError>),
    /// Saved state that this version cannot use; it is rebuilt from the log.
    #[error("saved state cannot be used: {0}")]
    BadState(String),
    /// The source of events failed while a view was built from history.
    #[error("reading history failed: {0}")]
    History(String),
    /// A file of the checkpoint folder could not be read or written.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Something that cannot be: a defect of ours.
    #[error("internal: {0}")]
    Invariant(String),
}

impl From<DataFusionError> for ViewsError {
    fn from(error: DataFusionError) -> Self {
        Self::Evaluation(Arc::new(error))
    }
}

impl From<ArrowError> for ViewsError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(Arc::new(error))
    }
}

impl From<AggregateError> for ViewsError {
    fn from(error: AggregateError) -> Self {
        Self::Aggregate(Arc::new(error))
    }
}

impl ViewsError {
    /// A refusal to maintain a clause.
    pub(crate) fn refused(clause: impl Into<String>, reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Refused { clause: clause.into(), reason: reason.into(), instead: instead.into() }
    }
}
