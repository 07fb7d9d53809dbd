//! Tokens, and queries within statements: the parts `sqlparser` reads, with its errors made places and hints.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, Spanned, Visit, visit_expressions};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use highwater_model::Diagnostic;

use super::cursor::{Cursor, Read, Reported};
use super::dialect::HighwaterDialect;
use crate::source::Place;
use crate::suggest;

/// The dialect queries are written in.
pub(crate) static DIALECT: HighwaterDialect = HighwaterDialect;

/// Words that begin a clause: what a stray word in a query is most often a misspelling of.
const CLAUSES: &[&str] = &[
    "SELECT",
    "DISTINCT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "JOIN",
    "LEFT",
    "RIGHT",
    "INNER",
    "OUTER",
    "CROSS",
    "USING",
    "VALUES",
    "BETWEEN",
    "WITH",
];

/// The tokens of a text without whitespace and comments, and the place and nature of the first one that is broken.
pub(crate) fn tokens_of(text: &str) -> (Vec<TokenWithSpan>, Option<(Place, String)>) {
    let mut tokens = Vec::new();
    let outcome = Tokenizer::new(&DIALECT, text).tokenize_with_location_into_buf(&mut tokens);
    tokens.retain(|t| !matches!(t.token, Token::Whitespace(_)));
    let broken = outcome.err().map(|error| {
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let place = Place { line: narrow(error.location.line), column: narrow(error.location.column), length: 1 };
        (place, lower_first(&error.message))
    });
    (tokens, broken)
}

impl<'a> Cursor<'a, '_> {
    /// A query that is the rest of the statement, with its text.
    pub(super) fn query(&mut self) -> Read<(Box<Query>, String)> {
        let from = self.at;
        if self.done() {
            return self.expected("a query (SELECT …)");
        }
        let query = self.parsed(|parser| parser.parse_query())?;
        Ok((query, self.text_since(from)))
    }

    /// Something `sqlparser` reads that is the rest of the statement.
    pub(super) fn parsed<T: Visit>(&mut self, read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>) -> Read<T> {
        let rest = &self.tokens[self.at.min(self.tokens.len())..];
        let mut parser = Parser::new(&DIALECT).with_tokens_with_locations(rest.to_vec());
        let outcome = read(&mut parser).and_then(|parsed| match parser.peek_token_ref().token {
            Token::EOF => Ok(parsed),
            _ => parser.expected_ref("end of statement", parser.peek_token_ref()),
        });
        let parsed = outcome
            .map_err(|error| {
                self.at = self.tokens.len();
                let end = self.place();
                let diagnostic = parser_problem(&error, rest, end, self.text);
                let place = Place { line: diagnostic.line, column: diagnostic.column, length: diagnostic.length };
                match diagnostic.hint {
                    Some(hint) => self.problems.error_hint(place, diagnostic.message, hint),
                    None => self.problems.error(place, diagnostic.message),
                }
                Reported
            })
            .inspect(|_| self.at = self.tokens.len())?;
        let misleading = misleading_distinct(&parsed);
        for (place, message, hint) in &misleading {
            self.problems.error_hint(*place, message, hint);
        }
        if misleading.is_empty() { Ok(parsed) } else { Err(Reported) }
    }
}

/// Comparisons by `IS [NOT] DISTINCT FROM` that were read otherwise than they look. `sqlparser` takes everything behind
/// the words for the right side, so `a IS DISTINCT FROM b OR c` becomes `a IS DISTINCT FROM (b OR c)`, where SQL says
/// `(a IS DISTINCT FROM b) OR c`. The place, what is wrong and what to write instead.
fn misleading_distinct(parsed: &impl Visit) -> Vec<(Place, String, String)> {
    let mut found = Vec::new();
    let _ = visit_expressions(parsed, |expr| {
        let (left, words, right) = match expr {
            Expr::IsDistinctFrom(left, right) => (left, "IS DISTINCT FROM", right),
            Expr::IsNotDistinctFrom(left, right) => (left, "IS NOT DISTINCT FROM", right),
            _ => return ControlFlow::<()>::Continue(()),
        };
        if let Some(mut operand) = loose_operand(right) {
            while let Some(inner) = loose_operand(operand) {
                operand = inner;
            }
            let message = format!("what {words} compares with is not clear: {right}");
            let hint = format!("write ({left} {words} {operand}) …, or put the whole right side in parentheses");
            found.push((Place::of(right.span()), message, hint));
        }
        ControlFlow::Continue(())
    });
    found
}

/// The first operand of an operator that binds no closer than `IS DISTINCT FROM` does, or may seem so.
fn loose_operand(expr: &Expr) -> Option<&Expr> {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or, Spaceship, Xor};
    match expr {
        Expr::BinaryOp { left, op: And | Or | Xor | Eq | NotEq | Lt | LtEq | Gt | GtEq | Spaceship, .. }
        | Expr::IsDistinctFrom(left, _)
        | Expr::IsNotDistinctFrom(left, _)
        | Expr::IsNull(left)
        | Expr::IsNotNull(left)
        | Expr::IsTrue(left)
        | Expr::IsNotTrue(left)
        | Expr::IsFalse(left)
        | Expr::IsNotFalse(left)
        | Expr::IsUnknown(left)
        | Expr::IsNotUnknown(left) => Some(left),
        _ => None,
    }
}

/// A parser error as a finding: its place cut out of the message, and a hint when a keyword is nearly right.
pub(crate) fn parser_problem(error: &ParserError, tokens: &[TokenWithSpan], end: Place, text: &str) -> Diagnostic {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.clone(),
        ParserError::RecursionLimitExceeded => {
            return end.error("the statement is nested too deeply", text).with_hint("split it with WITH or a VIEW");
        }
    };
    let (message, location) = match message.rsplit_once(" at Line: ") {
        Some((message, location)) => (message.to_owned(), parse_location(location)),
        None => (message, None),
    };
    let at = location.and_then(|(line, column)| {
        tokens.iter().position(|t| Place::of(t.span).line == line && Place::of(t.span).column == column)
    });
    let place = match (at, location) {
        (Some(at), _) => Place::of(tokens[at].span),
        (None, Some((line, column))) => Place { line, column, length: 1 },
        (None, None) => end,
    };
    let message =
        lower_first(&message).replacen("expected: ", "expected ", 1).replacen("found: EOF", "found the end", 1);
    let diagnostic = place.error(message.replacen("found: ", "found ", 1), text);
    match misspelt_clause(tokens, at.unwrap_or(tokens.len())) {
        Some((wrong, right)) => diagnostic.with_hint(format!("did you mean {right} instead of {wrong}?")),
        None => diagnostic,
    }
}

/// A word at the error or just before it that is nearly a clause's keyword.
fn misspelt_clause(tokens: &[TokenWithSpan], at: usize) -> Option<(String, &'static str)> {
    [Some(at), at.checked_sub(1), at.checked_sub(2)].into_iter().flatten().find_map(|at| match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.len() > 2 => {
            let exact = CLAUSES.iter().any(|clause| clause.eq_ignore_ascii_case(&word.value));
            let near = suggest::nearest(&word.value, CLAUSES.iter().copied()).filter(|_| !exact)?;
            Some((word.value.clone(), near))
        }
        _ => None,
    })
}

/// `3, Column: 7`.
fn parse_location(text: &str) -> Option<(u32, u32)> {
    let (line, column) = text.split_once(", Column: ")?;
    Some((line.trim().parse().ok()?, column.trim().parse().ok()?))
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.as_str().starts_with(|c: char| c.is_uppercase()) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
