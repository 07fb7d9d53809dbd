//! What ends a test run early. A promise that is not kept is [`TestkitError::Broken`].

use std::path::PathBuf;

use highwater_client::ClientError;
use thiserror::Error;

/// Why a test run failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// The binary under test is not there.
    #[error("{} is missing: build it with `cargo build --workspace --all-targets`, or name another in HIGHWATER_BIN",
        path.display())]
    NoBinary {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file or process could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The server did not come up, or ended by itself.
    #[error("the server {what}; its last words:\n{log}")]
    Server {
        /// What it did.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// A request failed that must not.
    #[error("{what}: {source}")]
    Request {
        /// What was asked.
        what: String,
        /// The failure.
        source: ClientError,
    },
    /// The answer has not the expected form.
    #[error("{what}: {reason}")]
    Answer {
        /// What was asked.
        what: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A promise was broken.
    #[error("broken: {invariant}: {detail}")]
    Broken {
        /// The invariant's name.
        invariant: &'static str,
        /// What was seen.
        detail: String,
    },
}

impl TestkitError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn request(what: impl Into<String>) -> impl FnOnce(ClientError) -> Self {
        let what = what.into();
        move |source| Self::Request { what, source }
    }

    pub(crate) fn answer(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Answer { what: what.into(), reason: reason.to_string() }
    }
}
