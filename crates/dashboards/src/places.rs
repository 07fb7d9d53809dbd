//! From bytes of a text to lines and columns, and to findings that draw a caret there.

use std::ops::Range;

use highwater_model::Diagnostic;

/// Line and column of a byte, both from 1, the column in characters.
pub(crate) fn place(text: &str, byte: usize) -> (u32, u32) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    (line, column)
}

/// The byte of a line and column.
pub(crate) fn byte_at(text: &str, line: u32, column: u32) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1) as usize).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    let inside: usize = rest.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8).sum();
    start + inside
}

/// An error at a span of a text.
pub(crate) fn error_at(message: impl Into<String>, text: &str, span: Range<usize>) -> Diagnostic {
    let (line, column) = place(text, span.start);
    let shown = text.get(span).unwrap_or_default();
    let length = shown.lines().next().unwrap_or_default().chars().count();
    Diagnostic::error(message, text, line, column, u32::try_from(length).unwrap_or(1))
}
