//! Which columns of its rows a panel names, and what to say when they are not there.

use highwater_model::Diagnostic;
use serde_json::Value;

use crate::dashboard::{Dashboard, Panel, Source};
use crate::nearest;
use crate::places::error_at;

/// Options that name columns.
const NAMING: &[&str] = &[
    "compare", "day", "group", "hull", "key", "label", "lat", "lon", "mark", "rank", "region", "series", "shape",
    "size", "time", "value", "x", "y",
];
/// Options whose texts hold columns in braces.
const TEMPLATES: &[&str] = &["caption", "link", "text"];

impl Panel {
    /// The columns that its options name: option and column.
    fn named_columns(&self) -> Vec<(&str, String)> {
        let mut named = Vec::new();
        for (key, value) in &self.options {
            let texts = || value.as_array().map_or_else(|| vec![value], |many| many.iter().collect());
            let texts = texts().into_iter().filter_map(Value::as_str);
            if NAMING.contains(&key.as_str()) {
                named.extend(texts.map(|name| (key.as_str(), name.to_owned())));
            } else if TEMPLATES.contains(&key.as_str()) {
                named.extend(texts.flat_map(braced).map(|name| (key.as_str(), name)));
            }
        }
        for column in self.options.get("columns").and_then(Value::as_array).into_iter().flatten() {
            let field = |key: &str| column.get(key).and_then(Value::as_str);
            named.extend(field("name").map(|name| ("columns", name.to_owned())));
            named.extend(field("link").into_iter().flat_map(braced).map(|name| ("columns", name)));
        }
        named
    }
}

impl Dashboard {
    /// What a panel names and its rows do not have, given the columns that they have.
    #[must_use]
    pub fn missing_columns(&self, panel: &Panel, columns: &[String]) -> Vec<Diagnostic> {
        let known: Vec<&str> = columns.iter().map(String::as_str).collect();
        let missing = panel.named_columns().into_iter().filter(|(_, name)| !known.contains(&name.as_str()));
        let finding = |(option, name): (&str, String)| {
            let message = format!("\"{option}\" names the column \"{name}\", which the rows do not have");
            error_at(message, &self.text, self.place_of(panel, option, &name))
                .with_hint(nearest::hint(&name, &known))
                .in_file(self.file.clone())
        };
        missing.map(finding).collect()
    }

    /// An error of a panel that has no place in its SQL.
    #[must_use]
    pub fn panel_error(&self, panel: &Panel, message: &str) -> Diagnostic {
        let option = if matches!(panel.source, Source::View { .. }) { "view" } else { "sql" };
        error_at(message, &self.text, self.place_of(panel, option, "")).in_file(self.file.clone())
    }

    /// Where an option of a panel says something: the word in its lines, or the line itself, or the panel's first line.
    fn place_of(&self, panel: &Panel, option: &str, word: &str) -> std::ops::Range<usize> {
        let number = self.panels.iter().position(|one| one.id == panel.id).unwrap_or_default();
        let starts: Vec<usize> = self.text.match_indices("[[panels]]").map(|(at, _)| at).collect();
        let start = starts.get(number).copied().unwrap_or_default();
        let end = starts.get(number + 1).copied().unwrap_or(self.text.len());
        let block = &self.text[start..end];
        let mut at = 0;
        for line in block.split_inclusive('\n') {
            let is_option =
                line.trim_start().strip_prefix(option).is_some_and(|rest| rest.trim_start().starts_with('='));
            if is_option {
                let quoted = format!("\"{word}\"");
                let found = block[at..].find(&quoted).map(|found| (start + at + found + 1, word.len()));
                let (from, length) = found.filter(|_| !word.is_empty()).unwrap_or((start + at, option.len()));
                return from..from + length;
            }
            at += line.len();
        }
        start..start + "[[panels]]".len()
    }
}

/// The words in braces of a text.
fn braced(text: &str) -> Vec<String> {
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    parts.map(|(name, _)| name.to_owned()).collect()
}
