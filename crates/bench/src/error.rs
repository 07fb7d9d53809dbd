//! Why a measurement could not be taken.

use highwater_client::ClientError;
use highwater_simulate::SimulateError;
use thiserror::Error;

/// A measurement that failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The server refused or could not be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The events could not be made as asked.
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    /// The server process could not be started, watched or stopped.
    #[error("{what}: {source}")]
    Process {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The server did not come up, or did not give the right answer in time.
    #[error("{0}")]
    Gave(String),
    /// The measurement needs a server of its own.
    #[error("`bench {0}` starts and kills its own server; leave out --to")]
    NeedsOwnServer(&'static str),
}

impl BenchError {
    pub(crate) fn process(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Process { what: what.into(), source }
    }
}
