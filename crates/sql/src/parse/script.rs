//! Splits a text into statements and reads each, going on after problems so that all are reported at once.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use highwater_model::Diagnostics;

use super::command::read_statement;
use super::cursor::Cursor;
use super::query::tokens_of;
use crate::source::{Place, Problems, Source};
use crate::statement::Statement;

/// Longest text parsed at once, in bytes. An app's SQL is some kilobytes; a megabyte is `INSERT … VALUES` at its limit.
const LONGEST_TEXT_BYTES: usize = 4 << 20;

/// Reads all statements of a text, separated by `;`.
///
/// # Errors
/// Every problem of every statement, in the order of the text.
pub fn parse(text: &str) -> Result<Vec<Statement>, Diagnostics> {
    let mut problems = Problems::new(text);
    if text.len() > LONGEST_TEXT_BYTES {
        problems.error_hint(
            Place::default(),
            format!("the SQL text has {} bytes; {LONGEST_TEXT_BYTES} is the limit", text.len()),
            "send events to POST /v1/streams/{stream}/events and load tables WITH (path = 'file.csv')",
        );
        return Err(problems.into_diagnostics());
    }
    let (tokens, broken) = tokens_of(text);
    if let Some((place, message)) = &broken {
        problems.error(*place, message.as_str());
    }
    let source = Source::new(text);
    let mut statements = Vec::new();
    let mut chunks: Vec<&[TokenWithSpan]> = tokens.split(|t| t.token == Token::SemiColon).collect();
    if broken.is_some() {
        // The statement with the broken token was reported; its remains would only give misleading problems.
        chunks.pop();
    }
    for chunk in chunks.into_iter().filter(|chunk| !chunk.is_empty()) {
        let mut cursor = Cursor { tokens: chunk, at: 0, source: &source, text, problems: &mut problems };
        if let Ok(statement) = read_statement(&mut cursor) {
            statements.push(statement);
        }
    }
    if problems.count() == 0 { Ok(statements) } else { Err(problems.into_diagnostics()) }
}

/// Reads any text as statements; for fuzz targets. Every refusal has a message and a place in the text.
#[cfg(feature = "fuzzing")]
pub fn fuzz_parse(text: &str) {
    let Err(problems) = parse(text) else { return };
    let lines = text.split('\n').count();
    assert!(problems.has_errors(), "refused without a reason");
    for problem in &problems.0 {
        assert!(problem.line as usize <= lines, "a place beyond the text: {problem}");
        assert!(!problem.message.is_empty(), "a problem without a message");
    }
}
