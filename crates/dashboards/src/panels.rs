//! Reading and checking the panels of a page.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::DeTable;

use crate::checks::{Findings, first_key};
use crate::dashboard::{Panel, Parameter, Source};
use crate::maps;
use crate::nearest;
use crate::options::{KINDS, Kind, PANEL};
use crate::read::{unknown, word};
use crate::template;

/// Rows asked for unless a panel says otherwise.
const MAX_ROWS: u64 = 1000;
/// Time between two answers unless a panel says otherwise.
const REFRESH_MS: u64 = 500;

/// The panels of the tables; what is wrong is noted.
pub(crate) fn read(
    tables: &[(&DeTable<'_>, Range<usize>)],
    parameters: &[Parameter],
    findings: &mut Findings<'_>,
) -> Vec<Panel> {
    let mut ids = BTreeSet::new();
    let mut panels = Vec::new();
    for (number, (table, span)) in tables.iter().enumerate() {
        let Some(kind) = kind_of(table, span, findings) else { continue };
        let what = format!("a panel of kind {}", kind.name);
        let mut values = findings.table(&what, table, span.clone(), &[PANEL, kind.keys], &[]);
        if kind.name == "map" {
            maps::check(table, span, &values, findings);
        }
        let Some(source) = source(kind, table, span, &mut values, findings) else { continue };
        let place = |key: &str| table.get(key).map_or(span.clone(), |node| node.span());
        check_parameters(&source, &place, parameters, findings);
        let title = word(&values, "title");
        let id = Some(word(&values, "id")).filter(|id| !id.is_empty()).unwrap_or_else(|| slug(&title, number));
        if !ids.insert(id.clone()) {
            let hint = "give one of them an id of its own: id = \"…\"";
            let place = if table.contains_key("id") { place("id") } else { place("title") };
            findings.error(format!("there are two panels \"{id}\""), place, hint);
        }
        let count = |key: &str, default: u64| values.get(key).and_then(Value::as_u64).unwrap_or(default);
        panels.push(Panel {
            id,
            title,
            description: word(&values, "description"),
            kind: kind.name.to_owned(),
            width: count("width", kind.width.into()) as u8,
            height: count("height", kind.height.into()) as u8,
            home: values.get("home").and_then(Value::as_bool).unwrap_or_default(),
            max_rows: count("max_rows", MAX_ROWS) as u32,
            refresh_ms: count("refresh_ms", REFRESH_MS) as u32,
            source,
            options: values.into_iter().filter(|(key, _)| kind.keys.iter().any(|known| known.name == key)).collect(),
        });
    }
    panels
}

fn kind_of(table: &DeTable<'_>, span: &Range<usize>, findings: &mut Findings<'_>) -> Option<&'static Kind> {
    let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let Some(node) = table.get("kind") else {
        let is_key = |name: &str| {
            PANEL.iter().chain(KINDS.iter().flat_map(|kind| kind.keys)).any(|key| key.name == name) || name == "sql"
        };
        let misspelt = table.iter().find_map(|(key, _)| {
            let name = key.get_ref().as_ref();
            let hint = nearest::hint(name, &["kind"]);
            (!is_key(name) && hint.starts_with("did you mean")).then(|| (name.to_owned(), key.span(), hint))
        });
        match misspelt {
            Some((name, place, hint)) => findings.error(format!("a panel has no key \"{name}\""), place, hint),
            None => {
                let hint = format!("add a line kind = \"…\": one of {}", known.join(", "));
                findings.error("a panel lacks \"kind\"", first_key(table, span), hint);
            }
        }
        return None;
    };
    let word = node.get_ref().as_str().unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.name == word);
    if kind.is_none() {
        unknown(findings, "kind of panel", word, node.span(), &known);
    }
    kind
}

/// Where the rows come from: exactly one of `sql` and `view`, or the text of a text panel.
fn source(
    kind: &Kind,
    table: &DeTable<'_>,
    span: &Range<usize>,
    values: &mut Map<String, Value>,
    findings: &mut Findings<'_>,
) -> Option<Source> {
    let place = first_key(table, span);
    if kind.name == "text" {
        for key in ["sql", "view", "where"] {
            if let Some(node) = table.get(key) {
                findings.error(format!("a text panel has no \"{key}\""), node.span(), "leave it out");
            }
        }
        return Some(Source::Text { text: word(values, "text") });
    }
    match (table.get("sql"), table.get("view")) {
        (Some(sql), None) => {
            if let Some(filter) = table.get("where") {
                findings.error("\"where\" goes with \"view\" only", filter.span(), "put the condition into the SQL");
            }
            let text = sql.get_ref().as_str()?;
            if text.trim().is_empty() {
                findings.error("the SQL is empty", sql.span(), "write one SELECT");
                return None;
            }
            let at = findings.text.get(sql.span()).and_then(|quoted| quoted.find(text)).map(|at| sql.span().start + at);
            Some(Source::Sql { sql: text.to_owned(), at, quoted_at: sql.span().start })
        }
        (None, Some(_)) => {
            let filter = Some(word(values, "where")).filter(|filter| !filter.is_empty());
            Some(Source::View { view: word(values, "view"), filter })
        }
        (Some(_), Some(view)) => {
            findings.error("a panel has either \"sql\" or \"view\"", view.span(), "leave one of them out");
            None
        }
        (None, None) => {
            findings.error(
                format!("a panel of kind {} lacks \"sql\"", kind.name),
                place,
                "add sql = \"SELECT …\", or view = \"…\" to follow a view row by row",
            );
            None
        }
    }
}

/// Every `$name` must be a parameter of the page.
fn check_parameters(
    source: &Source,
    place: &dyn Fn(&str) -> Range<usize>,
    parameters: &[Parameter],
    findings: &mut Findings<'_>,
) {
    let (text, start, whole) = match source {
        Source::Sql { sql, at, .. } => (sql.as_str(), *at, place("sql")),
        Source::View { filter: Some(filter), .. } => (filter.as_str(), None, place("where")),
        _ => return,
    };
    let known = template::names(parameters);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for (name, span) in template::variables(text) {
        if !known.contains(&name.as_str()) {
            let span = start.map_or(whole.clone(), |start| start + span.start..start + span.end);
            unknown(findings, "parameter", &name, span, &known);
        }
    }
}

fn slug(title: &str, number: usize) -> String {
    let words: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    if words.is_empty() { format!("panel-{}", number + 1) } else { words.join("-") }
}
