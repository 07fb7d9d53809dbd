//! Broken user input as data: what is wrong, where, and what to do next. The same in CLI, REST and UI.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input is used, but probably not as meant.
    Warning,
}

/// One finding in a text the user wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// The file, or `None` for a statement typed or sent.
    pub file: Option<String>,
    /// Line of the text, from 1; 0 when no place can be named.
    pub line: u32,
    /// Column in characters, from 1; 0 when no place can be named.
    pub column: u32,
    /// How many characters the caret underlines, at least 1.
    pub length: u32,
    /// The line of the text itself.
    pub source: String,
    /// What to write or do instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place of `text` (line and column from 1, in characters).
    pub fn error(message: impl Into<String>, text: &str, line: u32, column: u32, length: u32) -> Self {
        let source = (line as usize).checked_sub(1).and_then(|n| text.lines().nth(n)).unwrap_or_default().to_owned();
        Self {
            severity: Severity::Error,
            message: message.into(),
            file: None,
            line,
            column,
            length: length.max(1),
            source,
            hint: None,
        }
    }

    /// An error that has no place in the text.
    pub fn general(message: impl Into<String>) -> Self {
        Self::error(message, "", 0, 0, 1)
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, found in a file.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{kind}: {}", self.message)?;
        if self.line > 0 {
            let gutter = self.line.to_string().len();
            let file = self.file.as_deref().unwrap_or("sql");
            writeln!(f, "{:gutter$}--> {file}:{}:{}", "", self.line, self.column)?;
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{} | {}", self.line, self.source)?;
            let before: String = self
                .source
                .chars()
                .take(self.column.saturating_sub(1) as usize)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            writeln!(f, "{:gutter$} | {before}{}", "", "^".repeat(self.length as usize))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Every finding of one text, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_a_caret_under_the_place() {
        let d = Diagnostic::error("no column \"stepz\"", "SELECT\n  stepz FROM s", 2, 3, 5)
            .with_hint("did you mean \"steps\"?");
        assert_eq!(
            d.to_string(),
            "error: no column \"stepz\"\n --> sql:2:3\n  |\n2 |   stepz FROM s\n  |   ^^^^^\n  hint: did you mean \"steps\"?\n"
        );
    }
}
