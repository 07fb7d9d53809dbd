//! DataFusion's errors as findings in the user's text: a clean sentence, a place, a hint.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::tokenizer::Token;
use highwater_model::{Diagnostic, Diagnostics};

use crate::catalog::CatalogError;
use crate::parse::{lower_first, tokens_of};
use crate::source::Place;
use crate::suggest;

/// Longest message passed on; DataFusion prints whole syntax trees into some.
const LONGEST_MESSAGE: usize = 400;

/// Our own refusal on its way through DataFusion.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    message: String,
    hint: Option<String>,
    word: Option<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), word: None }
    }

    /// The same, about this word of the text.
    pub(super) fn about(self, word: impl Into<String>) -> Self {
        Self { word: Some(word.into()), ..self }
    }
}

impl From<CatalogError> for Refusal {
    fn from(error: CatalogError) -> Self {
        Self { message: error.to_string(), hint: error.hint(), word: None }
    }
}

/// What one error says, before it is placed.
struct Finding {
    message: String,
    hint: Option<String>,
    /// The word in the text it is about.
    word: Option<String>,
}

/// All findings of an error, in `text`.
pub(super) fn diagnose(error: &DataFusionError, text: &str) -> Diagnostics {
    let mut found = Diagnostics::default();
    collect(error, None, text, &mut found);
    found
}

fn collect(error: &DataFusionError, span: Option<Place>, text: &str, found: &mut Diagnostics) {
    match error {
        DataFusionError::Collection(errors) => errors.iter().for_each(|error| collect(error, None, text, found)),
        DataFusionError::Context(_, inner) => collect(inner, span, text, found),
        DataFusionError::Shared(inner) => collect(inner, span, text, found),
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            let here = diagnostic.span.map(|span| Place {
                line: narrow(span.start.line),
                column: narrow(span.start.column),
                length: if span.start.line == span.end.line {
                    narrow(span.end.column.saturating_sub(span.start.column)).max(1)
                } else {
                    1
                },
            });
            collect(inner, here.or(span), text, found);
        }
        other => {
            let finding = read(other);
            let place = span.or_else(|| finding.word.as_deref().and_then(|word| place_of_word(text, word)));
            let diagnostic = place.map_or_else(
                || Diagnostic::general(finding.message.clone()),
                |place| place.error(finding.message.clone(), text),
            );
            found.push(match finding.hint {
                Some(hint) => diagnostic.with_hint(hint),
                None => diagnostic,
            });
        }
    }
}

fn read(error: &DataFusionError) -> Finding {
    match error {
        DataFusionError::External(inner) => match inner.downcast_ref::<Refusal>() {
            Some(refusal) => {
                Finding { message: refusal.message.clone(), hint: refusal.hint.clone(), word: refusal.word.clone() }
            }
            None => Finding { message: clean(&inner.to_string()), hint: None, word: None },
        },
        DataFusionError::SchemaError(error, _) => schema_finding(error),
        DataFusionError::NotImplemented(message) => {
            Finding { message: format!("not supported: {}", clean(message)), hint: None, word: None }
        }
        DataFusionError::Plan(message) => plan_finding(message),
        other => Finding { message: clean(&other.strip_backtrace()), hint: None, word: None },
    }
}

fn schema_finding(error: &SchemaError) -> Finding {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => Finding {
            message: format!("column \"{}\" is ambiguous: more than one relation has it", field.name),
            hint: Some(format!("write relation.{}", field.name)),
            word: Some(field.name.clone()),
        },
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Finding {
                message: format!("two columns are called \"{name}\""),
                hint: Some("name one of them with AS".to_owned()),
                word: Some(name.clone()),
            }
        }
    }
}

fn unknown_column(field: &Column, valid: &[Column]) -> Finding {
    let same_relation = |column: &&Column| match &field.relation {
        Some(relation) => column.relation.as_ref().is_none_or(|other| other.table() == relation.table()),
        None => true,
    };
    let mut names: Vec<&str> = valid.iter().filter(same_relation).map(|column| column.name.as_str()).collect();
    names.dedup();
    let exact_case = names.iter().find(|name| name.to_lowercase() == field.name.to_lowercase());
    let hint = match (exact_case, suggest::nearest(&field.name, names.iter().copied())) {
        (Some(name), _) if name.chars().any(char::is_uppercase) => {
            Some(format!("write it with its capitals, in double quotes: \"{name}\""))
        }
        (Some(name), _) => Some(format!("write it without quotes: {name}")),
        (None, Some(name)) => Some(format!("did you mean {name}?")),
        (None, None) if names.is_empty() => None,
        (None, None) => Some(format!("columns: {}", names.join(", "))),
    };
    Finding { message: format!("no column \"{}\"", field.name), hint, word: Some(field.name.clone()) }
}

fn plan_finding(message: &str) -> Finding {
    if let Some(rest) = message.strip_prefix("Invalid function '")
        && let Some((name, rest)) = rest.split_once('\'')
    {
        let near = rest.split_once("Did you mean '").and_then(|(_, near)| near.split_once('\'')).map(|(near, _)| near);
        let near = near.filter(|near| suggest::nearest(name, [*near]).is_some());
        return Finding {
            message: format!("no function {name}"),
            hint: near.map(|near| format!("did you mean {near}?")),
            word: Some(name.to_owned()),
        };
    }
    if let Some((_, rest)) = message.split_once("Column in SELECT must be in GROUP BY or an aggregate function: ") {
        let column = rest.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name.to_owned());
        let column = column.and_then(|name| name.rsplit('.').next().map(str::to_owned)).unwrap_or_default();
        return Finding {
            message: format!("column \"{column}\" must be in GROUP BY or inside an aggregate function"),
            hint: Some("add it to GROUP BY, or take first_value, min or max of it".to_owned()),
            word: Some(column),
        };
    }
    if message.starts_with("Projections require unique expression names") {
        let expr = message.split_once("the expression \"").and_then(|(_, rest)| rest.split_once("\" at position"));
        let last = expr.and_then(|(expr, _)| expr.rsplit([' ', '.']).next());
        let is_name = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let name = last.filter(is_name).map(str::to_owned);
        let called = name.as_ref().map_or_else(|| "the same".to_owned(), |name| format!("\"{name}\""));
        return Finding {
            message: format!("two columns are called {called}"),
            hint: Some("name one of them with AS".to_owned()),
            word: name,
        };
    }
    if let Some((said, candidates)) = message.split_once("You might need to add explicit type casts.")
        && let Some(candidates) = candidates.trim().strip_prefix("Candidate functions:")
    {
        let said = said.split(". No function matches").next().unwrap_or(said);
        let forms: Vec<&str> = candidates.split_whitespace().collect();
        return Finding {
            message: clean(said),
            hint: Some(format!("it is written {}", forms.join(" "))),
            word: message.split('\'').nth(1).map(str::to_owned),
        };
    }
    if let Some((_, rest)) = message.split_once("arguments to satisfy a call to '")
        && let Some((function, rest)) = rest.split_once("' function: coercion from ")
        && let Some((types, _)) = rest.split_once(" to the signature")
    {
        return wrong_types(function, types);
    }
    Finding { message: clean(message), hint: None, word: message.split('\'').nth(1).map(str::to_owned) }
}

/// A function does not take arguments of these types.
fn wrong_types(function: &str, types: &str) -> Finding {
    // TUMBLE and HOP are calls of date_bin once they are rewritten.
    if function == "date_bin" {
        return Finding {
            message: format!("date_bin, TUMBLE and HOP cut time into intervals, and cannot be given ({types})"),
            hint: Some(
                "give them a column of type TIMESTAMPTZ or TIMESTAMP; to_timestamp_micros(x) makes one of a number"
                    .to_owned(),
            ),
            word: Some(function.to_owned()),
        };
    }
    Finding {
        message: format!("{function} cannot be given ({types})"),
        hint: Some("convert the arguments: CAST(x AS BIGINT), CAST(x AS TEXT), …".to_owned()),
        word: Some(function.to_owned()),
    }
}

/// One line, no backtrace, not too long.
fn clean(message: &str) -> String {
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    if let Some((before, _)) = message.split_once("Unsupported ast node") {
        return format!("{}this SQL is not supported", lower_first(before));
    }
    let one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = one_line.chars().take(LONGEST_MESSAGE).collect();
    lower_first(cut.trim_end_matches('.'))
}

/// The first place of an identifier in a text.
pub(super) fn place_of_word(text: &str, word: &str) -> Option<Place> {
    let (tokens, _) = tokens_of(text);
    tokens
        .iter()
        .find(|token| match &token.token {
            Token::Word(found) if found.quote_style.is_some() => found.value == word,
            Token::Word(found) => found.value.eq_ignore_ascii_case(word),
            _ => false,
        })
        .map(|token| Place::of(token.span))
}
