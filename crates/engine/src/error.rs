//! What can go wrong inside the engine, and how doors are told.

use std::time::Duration;

use highwater_api::{ApiError, ErrorKind};
use highwater_archive::ArchiveError;
use highwater_decode::DecodeError;
use highwater_log::LogError;
use highwater_model::{Offset, PartitionId};
use highwater_sql::CatalogError;
use highwater_views::ViewsError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The log refused.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The incremental engine refused.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The archive refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// What is archived of a stream could not be read.
    #[error("what is archived of {stream} cannot be read: {reason}")]
    ReadArchive {
        /// The stream.
        stream: String,
        /// What went wrong.
        reason: String,
    },
    /// The catalog refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A stream's declaration cannot be decoded by.
    #[error("the declaration of {stream} cannot be used: {source}")]
    Declaration {
        /// The stream.
        stream: String,
        /// What is wrong.
        source: DecodeError,
    },
    /// A stored record does not decode any more.
    #[error("replay of {stream}, partition {partition}, stopped at offset {offset}: {source}")]
    Replay {
        /// The stream.
        stream: String,
        /// The partition.
        partition: PartitionId,
        /// First offset of the block.
        offset: Offset,
        /// What the decoder said.
        source: DecodeError,
    },
    /// A file of the data folder could not be read or written.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the data folder is not what was written.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// There is no room left in memory; says who holds it and what to do.
    #[error("{}", .0.message)]
    NoRoom(Box<ApiError>),
    /// Something was refused, in the words for whoever asked.
    #[error("{}", .0.message)]
    Refused(Box<ApiError>),
    /// A build was wanted no more: it was cancelled, its view was dropped, or another build took its place.
    #[error("the build was cancelled, or another took its place")]
    Cancelled,
    /// The tick thread is gone: a defect, or the engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Log(error) => log_error(&error, message),
            EngineError::Views(error) => views_error(error, message),
            EngineError::Catalog(error) => catalog_error(&error),
            EngineError::Declaration { .. } => Self::new(ErrorKind::InvalidInput, message),
            EngineError::Cancelled => Self::new(ErrorKind::Conflict, message),
            EngineError::Stopping => Self::new(ErrorKind::Unavailable, message),
            EngineError::Archive(_) | EngineError::ReadArchive { .. } => Self::new(ErrorKind::Unavailable, message)
                .with_hint("check the folder or object store that the setting `archive` names"),
            EngineError::NoRoom(error) | EngineError::Refused(error) => *error,
            EngineError::Replay { .. } | EngineError::Io { .. } | EngineError::Damaged { .. } => {
                Self::internal(message)
            }
        }
    }
}

fn log_error(error: &LogError, message: String) -> ApiError {
    match error {
        LogError::StorageFull { .. } => ApiError::new(ErrorKind::StorageFull, message)
            .with_hint("free space on the data folder's disk; what was acknowledged is safe"),
        LogError::Overloaded { .. } => {
            ApiError::new(ErrorKind::Overloaded, message).with_retry_after(Duration::from_secs(1))
        }
        LogError::SequenceGap { .. } => ApiError::new(ErrorKind::Conflict, message),
        LogError::Poisoned { .. } => ApiError::new(ErrorKind::Unavailable, message),
        LogError::Invalid(_) => ApiError::new(ErrorKind::InvalidInput, message),
        LogError::UnknownStream(_) | LogError::UnknownPartition { .. } => ApiError::new(ErrorKind::NotFound, message),
        LogError::Damaged { .. } => ApiError::internal(message).with_hint(
            "stop the server and run `highwater doctor` on its data folder: it says what is lost and what to do",
        ),
        _ => ApiError::internal(message),
    }
}

fn views_error(error: ViewsError, message: String) -> ApiError {
    match error {
        ViewsError::Refused { instead, .. } => ApiError::new(ErrorKind::Unsupported, message).with_hint(instead),
        ViewsError::Evaluation(_) | ViewsError::Aggregate(_) => ApiError::new(ErrorKind::InvalidInput, message),
        _ => ApiError::internal(message),
    }
}

/// A catalog error as doors show it.
pub(crate) fn catalog_error(error: &CatalogError) -> ApiError {
    let kind = if error.is_not_found() { ErrorKind::NotFound } else { ErrorKind::Conflict };
    let api = ApiError::new(kind, error.to_string());
    match error.hint() {
        Some(hint) => api.with_hint(hint),
        None => api,
    }
}
