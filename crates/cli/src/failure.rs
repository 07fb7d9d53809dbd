//! How a command fails: what is said on stderr, and the exit code scripts see.

use std::path::{Path, PathBuf};

use highwater_api::ApiError;
use highwater_client::ClientError;
use highwater_model::Diagnostics;
use thiserror::Error;

/// Exit code when a command was carried out but some records were rejected.
pub const EXIT_REJECTS: u8 = 3;

/// Why a command ended early.
#[derive(Debug, Error)]
pub enum Failure {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A settings, app or SQL file is wrong.
    #[error("{0}")]
    Diagnosed(Diagnostics),
    /// The engine refused.
    #[error("{0}")]
    Engine(#[from] ApiError),
    /// The server refused or could not be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A simulator cannot be set up as asked.
    #[error(transparent)]
    Simulate(#[from] highwater_simulate::SimulateError),
    /// A measurement could not be taken.
    #[error(transparent)]
    Bench(#[from] highwater_bench::BenchError),
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file of events is damaged.
    #[error("{}: {reason}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was done.
        reason: String,
    },
    /// An answer is not what the server documents.
    #[error("the server's answer cannot be read: {0}")]
    Answer(String),
    /// Everything was done, but some records were rejected; the summary was printed already.
    #[error("{0} records were rejected; they are kept raw, with the reason, in {1}_rejects")]
    Rejected(u64, String),
    /// Views differ from their history; the findings were printed already.
    #[error("{0}")]
    Different(String),
    /// Whether views differ from their history could not be found out.
    #[error("{0}")]
    Unaudited(String),
    /// Checks found damage; the findings were printed already.
    #[error("{0}")]
    Unsound(String),
}

impl Failure {
    /// An I/O failure with what was tried.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// An I/O failure on a file.
    pub fn file(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Self::io(format!("cannot {doing} {}", path.display()), source)
    }

    /// What scripts see: 1 failure, 2 usage (arguments, settings), 3 some records rejected.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Diagnosed(_) | Self::Unaudited(_) => 2,
            Self::Rejected(..) => EXIT_REJECTS,
            _ => 1,
        }
    }

    /// What the user reads.
    pub fn report(&self) -> String {
        match self {
            Self::Diagnosed(diagnostics) => diagnostics.to_string().trim_end().to_owned(),
            Self::Engine(error) if !error.diagnostics.0.is_empty() => error.to_string().trim_end().to_owned(),
            // A refusal with findings begins with "error:" itself.
            Self::Client(ClientError::Refused(problem)) if !problem.diagnostics.0.is_empty() => problem.to_string(),
            other => format!("error: {other}"),
        }
    }
}
