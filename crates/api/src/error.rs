//! Errors at the boundary: a kind that tells the caller what to do, a sentence, a hint, and where it was.

use std::fmt;
use std::time::Duration;

use highwater_model::Diagnostics;
use serde::{Deserialize, Serialize};

/// What the caller should do about an error. Doors map kinds to HTTP status, SQLSTATE or exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The input is wrong; repeating it will not help. (HTTP 400)
    InvalidInput,
    /// No such stream, view, table or path. (404)
    NotFound,
    /// It contradicts what is there: a name in use, a sequence gap, dependents, a duplicate key. (409)
    Conflict,
    /// A limit was passed: body, record, rows, memory. (413)
    TooLarge,
    /// Understood but not supported, with the reason and an alternative. (422)
    Unsupported,
    /// Try again later: the log or the views are behind. (429, `Retry-After`)
    Overloaded,
    /// Took longer than allowed, or the caller went away. (408)
    Timeout,
    /// The disk is full or refuses writes; nothing acknowledged is lost. (507)
    StorageFull,
    /// Not ready: starting, stopping, or the log refuses writes after a failed fsync. (503)
    Unavailable,
    /// A defect of ours. (500)
    Internal,
}

/// An error as every door shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// What the caller should do.
    pub kind: ErrorKind,
    /// What went wrong, with its context, in one or two sentences.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Findings in the text the user wrote, all at once.
    pub diagnostics: Diagnostics,
    /// When to try again, for [`ErrorKind::Overloaded`].
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, diagnostics: Diagnostics::default(), retry_after: None }
    }

    /// A defect of ours, with its context.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a time to wait.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl From<Diagnostics> for ApiError {
    fn from(diagnostics: Diagnostics) -> Self {
        let message = match diagnostics.0.as_slice() {
            [one] => one.message.clone(),
            many => format!("{} problems in the statement", many.len()),
        };
        Self { diagnostics, ..Self::new(ErrorKind::InvalidInput, message) }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diagnostics.0.is_empty() {
            f.write_str(&self.message)?;
        } else {
            write!(f, "{}", self.diagnostics)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}
