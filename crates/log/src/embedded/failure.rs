//! From what the operating system says to `LogError`. Used by everything in `embedded` that touches files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::LogError;

/// An error of the operating system while doing `what` to `path`.
pub(crate) fn io_error(what: &str, path: &Path, error: io::Error) -> LogError {
    if is_full(&error) {
        return LogError::StorageFull { path: path.to_owned() };
    }
    LogError::Io { context: format!("{what} {}", path.display()), source: Arc::new(error) }
}

/// Bytes that are not what was written.
pub(crate) fn damaged(path: &Path, position: u64, reason: impl Into<String>) -> LogError {
    LogError::Damaged { path: path.to_owned(), position, reason: reason.into() }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
