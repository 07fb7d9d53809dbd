//! What can stop a task. Every message says what to do next.

use std::path::PathBuf;

use thiserror::Error;

/// Why a task failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The command line is not understood.
    #[error("{0}")]
    Usage(String),
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program cannot be started.
    #[error("cannot start {program}: {source}; is it installed?")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A step ended with a failure; its output is above.
    #[error("failed: {step}\n  again, alone: {again}")]
    Step {
        /// The step.
        step: String,
        /// The command that repeats it.
        again: String,
    },
    /// A file of the checks themselves is wrong.
    #[error("{file}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// What is wrong and what to write.
        reason: String,
    },
    /// Tidy found something.
    #[error("tidy: {errors} to mend (listed above); what cannot be mended now is listed in xtask/exceptions.toml")]
    Untidy {
        /// How many findings are errors.
        errors: usize,
    },
}
