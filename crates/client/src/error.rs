//! What can go wrong between a caller and a server, and which of it is worth trying again.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use highwater_model::Diagnostics;
use serde::Deserialize;
use thiserror::Error;

/// A request that gave no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is none that can be used.
    #[error("\"{address}\" is no address of a server: {reason}; write one such as http://127.0.0.1:8080")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody listens there; nothing was sent.
    #[error("no server answers at {address} ({}); start one with `highwater up` or name it with --to", deepest(.source))]
    Unreachable {
        /// The server.
        address: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The connection broke after something was sent; whether it took effect is unknown.
    #[error("the connection to {address} broke: {}", deepest(.source))]
    Broken {
        /// The server.
        address: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server answered with an error.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The server answered with something that is not what it documents.
    #[error("the answer of {address} is not understood: {reason}; are client and server of the same version?")]
    NotUnderstood {
        /// The server.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same request may succeed later. Unless it carries a producer's stamp, a request must only be
    /// repeated when [`ClientError::took_no_effect`] holds too.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Refused(problem) => matches!(problem.status, 408 | 429 | 503),
            Self::Address { .. } | Self::NotUnderstood { .. } => false,
        }
    }

    /// Whether it is certain that the request changed nothing.
    #[must_use]
    pub fn took_no_effect(&self) -> bool {
        match self {
            Self::Address { .. } | Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.status == 429,
            Self::Broken { .. } | Self::NotUnderstood { .. } => false,
        }
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }
}

/// The innermost cause: the one that says what happened rather than where.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// An error as the server tells it (`application/problem+json`, RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of error.
    pub title: Option<String>,
    /// What went wrong.
    pub detail: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Findings in the text that was sent.
    pub diagnostics: Diagnostics,
    /// When to try again.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Longest part of an answer shown when it is not a problem document, in bytes.
    const SHOWN_BYTES: usize = 300;

    pub(crate) fn from_body(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let problem = serde_json::from_slice(body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&body[..body.len().min(Self::SHOWN_BYTES)]).trim().to_owned();
            Self { detail: (!text.is_empty()).then_some(text), ..Self::default() }
        });
        Self { status, retry_after, ..problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diagnostics.0.is_empty() {
            match (&self.detail, &self.title) {
                (Some(text), _) | (None, Some(text)) => f.write_str(text)?,
                (None, None) => write!(f, "the server answered with status {}", self.status)?,
            }
        } else {
            f.write_str(self.diagnostics.to_string().trim_end())?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
