//! What is wrong with a calendar, collected up to a limit: every finding names line, problem and what to do.

use highwater_model::{Diagnostic, Diagnostics, Severity};

use crate::text::Property;

/// Characters of a line that a finding shows.
const SHOWN: usize = 120;

/// Characters of a message: it may quote what was written, however long that is.
const MESSAGE: usize = 300;

/// Findings so far.
#[derive(Debug)]
pub(crate) struct Findings {
    kept: Vec<Diagnostic>,
    limit: usize,
    more: usize,
}

impl Findings {
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, more: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Something that could not be used and is left out.
    pub(crate) fn error(&mut self, line: u32, source: &str, message: impl Into<String>, hint: &str) {
        self.push(Severity::Error, line, source, message.into(), hint);
    }

    /// Something that is used, but with an assumption.
    pub(crate) fn warning(&mut self, line: u32, source: &str, message: impl Into<String>, hint: &str) {
        self.push(Severity::Warning, line, source, message.into(), hint);
    }

    /// An error about a property.
    pub(crate) fn wrong(&mut self, property: &Property, message: impl Into<String>, hint: &str) {
        self.about(Severity::Error, property, message.into(), hint);
    }

    /// A warning about a property.
    pub(crate) fn doubtful(&mut self, property: &Property, message: impl Into<String>, hint: &str) {
        self.about(Severity::Warning, property, message.into(), hint);
    }

    fn about(&mut self, severity: Severity, property: &Property, message: String, hint: &str) {
        // A list of a million wrong values has one line, which is not copied for each.
        let source = if self.kept.len() < self.limit { property.shown() } else { String::new() };
        self.push(severity, property.line, &source, message, hint);
    }

    fn push(&mut self, severity: Severity, line: u32, source: &str, message: String, hint: &str) {
        if self.kept.len() >= self.limit {
            self.more += 1;
            return;
        }
        let source: String = source.chars().take(SHOWN).collect();
        let message: String = message.chars().take(MESSAGE).collect();
        let length = source.chars().count().max(1) as u32;
        let column = u32::from(line > 0);
        let hint = Some(hint.to_owned());
        self.kept.push(Diagnostic { severity, message, file: None, line, column, length, source, hint });
    }

    /// All of them, in the order they were found.
    pub(crate) fn finish(mut self) -> Diagnostics {
        if self.more > 0 {
            self.kept.push(
                Diagnostic::general(format!("{} more findings are not shown", self.more))
                    .with_hint("mend the ones above first"),
            );
        }
        Diagnostics(self.kept)
    }
}
