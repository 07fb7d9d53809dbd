//! Places in the text the user wrote: from token spans to lines, columns and slices. Used by parsing and planning.

use datafusion::sql::sqlparser::tokenizer::{Location, Span};
use highwater_model::{Diagnostic, Diagnostics};

/// A place in a text: where the caret goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line from 1; 0 when unknown.
    pub line: u32,
    /// Column in characters from 1; 0 when unknown.
    pub column: u32,
    /// Characters underlined; at least 1 when known.
    pub length: u32,
}

impl Place {
    /// The place of a token span. A span over several lines is underlined at its first character only.
    pub(crate) fn of(span: Span) -> Self {
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let length =
            if span.start.line == span.end.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
        Self { line: narrow(span.start.line), column: narrow(span.start.column), length: narrow(length).max(1) }
    }

    /// An error at this place of `text`.
    pub(crate) fn error(self, message: impl Into<String>, text: &str) -> Diagnostic {
        Diagnostic::error(message, text, self.line, self.column, self.length)
    }
}

/// A text with its line starts, so that spans can be cut out of it.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// Byte offset of each line's first character.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The text from the start of `first` to the end of `last`.
    pub(crate) fn slice(&self, first: Span, last: Span) -> &'a str {
        let (from, to) = (self.byte(first.start), self.byte(last.end));
        self.text.get(from..to.max(from)).unwrap_or_default().trim()
    }

    fn byte(&self, location: Location) -> usize {
        let line = usize::try_from(location.line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(&start) = self.lines.get(line) else { return self.text.len() };
        let column = usize::try_from(location.column).unwrap_or(usize::MAX).saturating_sub(1);
        let rest = &self.text[start..];
        rest.char_indices().nth(column).map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// Findings of one text as they are collected.
pub(crate) struct Problems<'a> {
    text: &'a str,
    found: Diagnostics,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, found: Diagnostics::default() }
    }

    /// Adds an error at a place.
    pub(crate) fn error(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(place.error(message, self.text));
    }

    /// Adds an error at a place, with what to do about it.
    pub(crate) fn error_hint(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.found.push(place.error(message, self.text).with_hint(hint));
    }

    /// How many so far.
    pub(crate) fn count(&self) -> usize {
        self.found.0.len()
    }

    /// All of them, in the order of the text.
    pub(crate) fn into_diagnostics(mut self) -> Diagnostics {
        self.found.0.sort_by_key(|d| (d.line, d.column));
        self.found
    }
}
