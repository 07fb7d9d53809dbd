//! `$name` in SQL: where they stand, and putting literals in their places, so that a message about the result can be
//! led back to the file.

use std::collections::BTreeMap;
use std::ops::Range;

use highwater_model::Diagnostic;

use crate::dashboard::{Choices, Dashboard, Panel, Parameter, ParameterKind, Source};
use crate::literal::literals;
use crate::places::{byte_at, error_at};

/// Chosen values by parameter; those left out have their defaults.
pub type Values = BTreeMap<String, String>;

/// SQL with literals in the places of its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The SQL.
    pub sql: String,
    /// For each piece taken over: where it starts in the result and where in what was written.
    pieces: Vec<(usize, usize)>,
}

impl Rendered {
    /// The byte of what was written that a byte of the result comes from.
    fn source_byte(&self, byte: usize) -> usize {
        let at = self.pieces.partition_point(|(start, _)| *start <= byte).saturating_sub(1);
        self.pieces.get(at).map_or(byte, |(start, from)| from + (byte - start))
    }
}

/// The variables of a SQL text with their places; what stands in quotes or comments is none.
pub(crate) fn variables(sql: &str) -> Vec<(String, Range<usize>)> {
    let bytes = sql.as_bytes();
    let find = |from: usize, end: &str| {
        sql.get(from..).and_then(|rest| rest.find(end)).map_or(sql.len(), |at| from + at + end.len())
    };
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        at = match (bytes[at], bytes.get(at + 1)) {
            (b'\'', _) => find(at + 1, "'"),
            (b'"', _) => find(at + 1, "\""),
            (b'-', Some(b'-')) => find(at + 2, "\n"),
            (b'/', Some(b'*')) => find(at + 2, "*/"),
            (b'$', Some(first)) if first.is_ascii_lowercase() => {
                let name = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'_';
                let end = at + 1 + bytes[at + 1..].iter().take_while(name).count();
                found.push((sql[at + 1..end].to_owned(), at..end));
                end
            }
            _ => at + 1,
        };
    }
    found
}

/// The variables that parameters give.
pub(crate) fn names(parameters: &[Parameter]) -> Vec<String> {
    let of = |parameter: &Parameter| match parameter.kind {
        ParameterKind::Range => vec![format!("{}_from", parameter.name), format!("{}_to", parameter.name)],
        _ => vec![parameter.name.clone()],
    };
    parameters.iter().flat_map(of).collect()
}

impl Dashboard {
    /// The SQL of a panel with the values chosen; `None` for a panel without SQL.
    ///
    /// # Errors
    /// When a value does not fit its parameter, or there is no such parameter.
    pub fn panel_sql(&self, panel: &Panel, values: &Values) -> Result<Option<Rendered>, String> {
        match &panel.source {
            Source::Sql { sql, .. } => self.render(sql, values).map(Some),
            Source::View { .. } | Source::Text { .. } => Ok(None),
        }
    }

    /// The query that gives a parameter's choices; `None` when they are fixed.
    ///
    /// # Errors
    /// As for [`Dashboard::panel_sql`].
    pub fn choices_sql(&self, parameter: &Parameter, values: &Values) -> Result<Option<Rendered>, String> {
        match &parameter.choices {
            Some(Choices::Sql(sql)) => self.render(sql, values).map(Some),
            _ => Ok(None),
        }
    }

    /// A SQL text with the values chosen.
    ///
    /// # Errors
    /// As for [`Dashboard::panel_sql`].
    pub fn render(&self, sql: &str, values: &Values) -> Result<Rendered, String> {
        if let Some(unknown) = values.keys().find(|name| self.parameter(name).is_none()) {
            return Err(format!("the page has no parameter \"{unknown}\""));
        }
        let mut all = BTreeMap::new();
        for parameter in &self.parameters {
            let value = values.get(&parameter.name).unwrap_or(&parameter.default);
            let found = literals(parameter, value).map_err(|reason| format!("{}: {reason}", parameter.label))?;
            all.extend(found);
        }
        let mut rendered = Rendered { sql: String::new(), pieces: Vec::new() };
        let mut done = 0;
        for (name, span) in variables(sql) {
            let literal = all.get(&name).ok_or_else(|| format!("the page has no parameter \"{name}\""))?;
            rendered.pieces.push((rendered.sql.len(), done));
            rendered.sql.push_str(&sql[done..span.start]);
            rendered.pieces.push((rendered.sql.len(), span.start));
            rendered.sql.push_str(literal);
            done = span.end;
        }
        rendered.pieces.push((rendered.sql.len(), done));
        rendered.sql.push_str(&sql[done..]);
        Ok(rendered)
    }

    /// A finding about a panel's rendered SQL as one about the file.
    #[must_use]
    pub fn locate(&self, panel: &Panel, rendered: &Rendered, finding: &Diagnostic) -> Diagnostic {
        let Source::Sql { at, quoted_at, .. } = &panel.source else { return finding.clone() };
        let byte = match at {
            Some(at) if finding.line > 0 => {
                at + rendered.source_byte(byte_at(&rendered.sql, finding.line, finding.column))
            }
            _ => *quoted_at,
        };
        let length = finding.length as usize;
        let end = self
            .text
            .get(byte..)
            .map_or(byte, |rest| byte + rest.chars().take(length).map(char::len_utf8).sum::<usize>());
        let mut located = error_at(finding.message.clone(), &self.text, byte..end).in_file(self.file.clone());
        located.severity = finding.severity;
        located.hint.clone_from(&finding.hint);
        located
    }
}
