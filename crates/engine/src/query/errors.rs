//! DataFusion's errors while a query is optimized or runs, as doors show them.

use std::error::Error;
use std::io;

use arrow_schema::ArrowError;
use highwater_api::{ApiError, ErrorKind, SqlLimits};
use highwater_sql::datafusion::error::DataFusionError;

use crate::error::EngineError;

/// Longest message passed on; DataFusion prints whole plans into some.
const LONGEST_MESSAGE: usize = 400;

/// What went wrong with a query that ran under these limits.
pub(super) fn query_error(error: DataFusionError, limits: &SqlLimits) -> ApiError {
    match error {
        // An error on its way through DataFusion that is ours already.
        DataFusionError::External(inner) => match inner.downcast::<EngineError>() {
            Ok(ours) => (*ours).into(),
            Err(inner) => rooted(&DataFusionError::External(inner), limits),
        },
        other => rooted(&other, limits),
    }
}

fn rooted(error: &DataFusionError, limits: &SqlLimits) -> ApiError {
    if let Some(ours) = ours(error) {
        return ours;
    }
    let root = error.find_root();
    let message = clean(&root.message());
    match root {
        DataFusionError::ResourcesExhausted(_) => out_of_memory(limits),
        DataFusionError::NotImplemented(_) => {
            ApiError::new(ErrorKind::Unsupported, format!("not supported: {message}"))
        }
        DataFusionError::ArrowError(error, _) => arrow_error(error, message, limits),
        DataFusionError::IoError(error) if error.kind() == io::ErrorKind::StorageFull => {
            ApiError::new(ErrorKind::StorageFull, message)
        }
        DataFusionError::IoError(_) | DataFusionError::ExecutionJoin(_) | DataFusionError::Internal(_) => {
            tracing::error!(%error, "a query failed by a defect");
            ApiError::internal(message)
        }
        // What the query's own text or the values it met made fail.
        _ => ApiError::new(ErrorKind::InvalidInput, message),
    }
}

/// Our own error, wherever in the chain it is.
fn ours(error: &DataFusionError) -> Option<ApiError> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(ours) = error.downcast_ref::<ApiError>() {
            return Some(ours.clone());
        }
        if let Some(ours) = error.downcast_ref::<EngineError>() {
            return Some(ApiError::internal(ours.to_string()));
        }
        next = error.source();
    }
    None
}

fn arrow_error(error: &ArrowError, message: String, limits: &SqlLimits) -> ApiError {
    match error {
        ArrowError::MemoryError(_) => out_of_memory(limits),
        ArrowError::OffsetOverflowError(_) | ArrowError::DictionaryKeyOverflowError => {
            ApiError::new(ErrorKind::TooLarge, message).with_hint("narrow the query to fewer or smaller rows")
        }
        ArrowError::IoError(_, _) | ArrowError::CDataInterface(_) | ArrowError::IpcError(_) => {
            ApiError::internal(message)
        }
        _ => ApiError::new(ErrorKind::InvalidInput, message),
    }
}

/// The query wanted more memory than it may hold.
pub(super) fn out_of_memory(limits: &SqlLimits) -> ApiError {
    let message = format!("the query needs more than {} bytes of memory", limits.max_memory_bytes);
    ApiError::new(ErrorKind::TooLarge, message).with_hint("narrow it by WHERE or LIMIT, or raise max_memory_bytes")
}

/// One line, no backtrace, no advice to report bugs elsewhere, not too long, first letter small.
fn clean(message: &str) -> String {
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    let message = message.split(".\nThis issue was likely caused by").next().unwrap_or(message);
    let one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut letters = one_line.trim_end_matches('.').chars().take(LONGEST_MESSAGE);
    let first = letters.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(letters).collect()
}
