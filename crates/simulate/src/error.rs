//! What can be wrong with the settings of a simulator; each message says what to do instead.

use thiserror::Error;

/// A simulator that cannot be set up as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// No simulator goes by this app's name.
    #[error("app \"{app}\" has no simulator; there is one for: {known}")]
    UnknownApp {
        /// The name asked for.
        app: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// Fewer users than a round needs.
    #[error("{users} users are too few for rounds of distinct users; give at least {least}")]
    TooFewUsers {
        /// The number asked for.
        users: u64,
        /// The smallest number that works.
        least: u64,
    },
    /// A rate or speed that is not a positive number.
    #[error("{what} must be above 0 and at most {most}, not {value}")]
    OutOfRange {
        /// Which setting.
        what: &'static str,
        /// Its value as given.
        value: String,
        /// The largest value allowed.
        most: String,
    },
}
