//! From a file's text to a dashboard, or to everything that is wrong with it.

use highwater_model::Diagnostics;
use serde_json::{Map, Value};
use toml::de::DeTable;

use crate::checks::{Findings, tables};
use crate::dashboard::Dashboard;
use crate::nearest;
use crate::options::{ICONS, Key, Shape};
use crate::{panels, parameters};

const PAGE: &[Key] = &[
    Key { name: "title", shape: Shape::Text, required: true },
    Key { name: "description", shape: Shape::Text, required: false },
    Key { name: "order", shape: Shape::Count(1_000_000), required: false },
    Key { name: "icon", shape: Shape::OneOf(ICONS), required: false },
];

/// Reads the text of `dashboards/<name>.toml`; `file` is what messages call it.
///
/// # Errors
/// Everything that is wrong, each with its line and what to write instead.
pub fn read_dashboard(name: &str, file: &str, text: &str) -> Result<Dashboard, Diagnostics> {
    let mut findings = Findings { text, found: Vec::new() };
    let (root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        for error in broken {
            let span = error.span().unwrap_or(0..0);
            findings.error(error.message().replace('\n', "; "), span, "see the TOML syntax at https://toml.io");
        }
        return Err(findings.into_diagnostics(file));
    }
    check_name(name, &mut findings);
    let root = root.get_ref();
    let page = findings.table("the page", root, 0..0, &[PAGE], &["parameters", "panels"]);
    let mut lists = [Vec::new(), Vec::new()];
    for (list, key) in lists.iter_mut().zip(["parameters", "panels"]) {
        let Some(node) = root.get(key) else { continue };
        match tables(node) {
            Some(found) => *list = found,
            None => findings.error(
                format!("\"{key}\" must be a list of tables"),
                node.span(),
                format!("begin each with a line [[{key}]]"),
            ),
        }
    }
    let [parameter_tables, panel_tables] = lists;
    let parameters = parameters::read(&parameter_tables, &mut findings);
    if panel_tables.is_empty() && root.get("panels").is_none() {
        findings.error(
            "the page has no panels",
            0..0,
            "add one: a line [[panels]], then kind = \"table\" and sql = \"…\"",
        );
    }
    let panels = panels::read(&panel_tables, &parameters, &mut findings);
    if !findings.found.is_empty() {
        return Err(findings.into_diagnostics(file));
    }
    let order = page.get("order").and_then(Value::as_i64).unwrap_or(1000);
    Ok(Dashboard {
        name: name.to_owned(),
        title: word(&page, "title"),
        description: word(&page, "description"),
        order,
        icon: Some(word(&page, "icon")).filter(|icon| !icon.is_empty()).unwrap_or_else(|| "chart".to_owned()),
        parameters,
        panels,
        text: text.to_owned(),
        file: file.to_owned(),
    })
}

/// The name is part of the page's address.
fn check_name(name: &str, findings: &mut Findings<'_>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("\"{name}\" cannot be a page's name");
        findings.error(message, 0..0, "name the file with lower-case letters, digits, - and _, such as my-page.toml");
    }
}

/// A text of a checked table; empty when it is not there.
pub(crate) fn word(table: &Map<String, Value>, key: &str) -> String {
    table.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Notes a word that is none of those known.
pub(crate) fn unknown(
    findings: &mut Findings<'_>,
    what: &str,
    word: &str,
    span: std::ops::Range<usize>,
    known: &[&str],
) {
    findings.error(format!("there is no {what} \"{word}\""), span, nearest::hint(word, known));
}
