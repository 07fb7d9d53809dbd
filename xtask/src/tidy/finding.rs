//! What a rule has to say about a place.

use std::fmt;

/// Whether a finding fails the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be mended soon; does not fail.
    Warning,
    /// Fails.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, as exceptions write it.
    pub rule: &'static str,
    /// File, relative to the repository's root.
    pub path: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether it fails the check.
    pub severity: Severity,
    /// The number that passed a limit, for rules about sizes: an exception allows at most so much.
    pub measure: Option<usize>,
}

impl Finding {
    /// An error at a line (0: the whole file).
    #[must_use]
    pub fn error(rule: &'static str, path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { rule, path: path.to_owned(), line, message: message.into(), severity: Severity::Error, measure: None }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with the number that passed a limit.
    #[must_use]
    pub fn measuring(mut self, measure: usize) -> Self {
        self.measure = Some(measure);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}] {}", self.rule, self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}
