//! Checking one table of a file against the keys it may have. Everything wrong is noted, nothing stops the check.

use std::ops::Range;

use highwater_model::{Diagnostic, Diagnostics};
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest;
use crate::options::{Key, Shape};
use crate::places::error_at;

/// A value with its place.
pub(crate) type Node<'a> = Spanned<DeValue<'a>>;

/// A file being read: its text, and what was found wrong.
pub(crate) struct Findings<'a> {
    pub(crate) text: &'a str,
    pub(crate) found: Vec<Diagnostic>,
}

impl Findings<'_> {
    pub(crate) fn error(&mut self, message: impl Into<String>, span: Range<usize>, hint: impl Into<String>) {
        self.found.push(error_at(message, self.text, span).with_hint(hint));
    }

    /// All findings in the order of the text, each naming the file.
    pub(crate) fn into_diagnostics(mut self, file: &str) -> Diagnostics {
        self.found.sort_by_key(|found| (found.line, found.column));
        Diagnostics(self.found.into_iter().map(|found| found.in_file(file)).collect())
    }

    /// The table's values whose keys are known, as JSON. Unknown keys, missing ones and wrong values are noted.
    pub(crate) fn table(
        &mut self,
        what: &str,
        table: &DeTable<'_>,
        span: Range<usize>,
        keys: &[&[Key]],
        besides: &[&str],
    ) -> Map<String, Value> {
        let known: Vec<Key> = keys.iter().flat_map(|keys| keys.iter().copied()).collect();
        let mut values = Map::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if besides.contains(&name) {
                continue;
            }
            match known.iter().find(|known| known.name == name) {
                Some(known) => {
                    if let Some(value) = self.value(what, known, value) {
                        values.insert(name.to_owned(), value);
                    }
                }
                None => {
                    let names: Vec<&str> =
                        known.iter().map(|known| known.name).chain(besides.iter().copied()).collect();
                    let message = format!("{what} has no key \"{name}\"");
                    self.error(message, key.span(), nearest::hint(name, &names));
                }
            }
        }
        for missing in known.iter().filter(|key| key.required && table.get(key.name).is_none()) {
            let place = first_key(table, &span);
            self.error(
                format!("{what} lacks \"{}\"", missing.name),
                place,
                format!("add a line {} = {}", missing.name, example(missing.shape)),
            );
        }
        values
    }

    fn value(&mut self, what: &str, key: &Key, node: &Node<'_>) -> Option<Value> {
        let value = shaped(key.shape, node.get_ref());
        if let Shape::Tables(keys) = key.shape {
            let Some(tables) = tables(node) else {
                self.wrong(what, key, node);
                return None;
            };
            let name = format!("an entry of {}", key.name);
            let rows =
                tables.into_iter().map(|(table, span)| Value::Object(self.table(&name, table, span, &[keys], &[])));
            return Some(Value::Array(rows.collect()));
        }
        if value.is_none() {
            self.wrong(what, key, node);
        }
        value
    }

    fn wrong(&mut self, what: &str, key: &Key, node: &Node<'_>) {
        let message = format!("\"{}\" of {what} must be {}", key.name, wanted(key.shape));
        let hint = match (key.shape, node.get_ref().as_str()) {
            (Shape::OneOf(words), Some(word)) => nearest::hint(word, words),
            _ => format!("write {} = {}", key.name, example(key.shape)),
        };
        self.error(message, node.span(), hint);
    }
}

/// Where a table's first line is.
pub(crate) fn first_key(table: &DeTable<'_>, whole: &Range<usize>) -> Range<usize> {
    table.iter().map(|(key, _)| key.span()).min_by_key(|span| span.start).unwrap_or_else(|| whole.clone())
}

/// The tables of a list, with their places.
pub(crate) fn tables<'a, 'i>(node: &'a Node<'i>) -> Option<Vec<(&'a DeTable<'i>, Range<usize>)>> {
    node.get_ref().as_array()?.iter().map(|item| Some((item.get_ref().as_table()?, item.span()))).collect()
}

fn shaped(shape: Shape, value: &DeValue<'_>) -> Option<Value> {
    match shape {
        Shape::Text => value.as_str().map(Value::from),
        Shape::Texts => match value.as_array() {
            None => value.as_str().map(|one| Value::from(vec![one])),
            Some(many) => many
                .iter()
                .map(|one| one.get_ref().as_str().map(Value::from))
                .collect::<Option<Vec<_>>>()
                .filter(|many| !many.is_empty())
                .map(Value::from),
        },
        Shape::Count(most) => whole(value).filter(|count| (1..=most).contains(count)).map(Value::from),
        Shape::Number => number(value).and_then(Number::from_f64).map(Value::from),
        Shape::Pair => match value.as_array().map(|pair| pair.iter().collect::<Vec<_>>()).as_deref() {
            Some([a, b]) => Some(Value::from(vec![number(a.get_ref())?, number(b.get_ref())?])),
            _ => None,
        },
        Shape::Flag => value.as_bool().map(Value::from),
        Shape::OneOf(words) => value.as_str().filter(|word| words.contains(word)).map(Value::from),
        Shape::Tables(_) => None,
    }
}

pub(crate) fn whole(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let float = || value.as_float()?.as_str().replace('_', "").parse().ok();
    whole(value).map(|whole| whole as f64).or_else(float)
}

fn wanted(shape: Shape) -> String {
    match shape {
        Shape::Text => "a text".to_owned(),
        Shape::Texts => "a text or a list of texts".to_owned(),
        Shape::Count(most) => format!("a whole number from 1 to {most}"),
        Shape::Number => "a number".to_owned(),
        Shape::Pair => "two numbers".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::OneOf(words) => format!("one of {}", words.join(", ")),
        Shape::Tables(_) => "a list of tables".to_owned(),
    }
}

fn example(shape: Shape) -> String {
    match shape {
        Shape::Text => "\"…\"".to_owned(),
        Shape::Texts => "[\"…\", \"…\"]".to_owned(),
        Shape::Count(most) => most.min(6).to_string(),
        Shape::Number => "1.5".to_owned(),
        Shape::Pair => "[-73.97, 40.75]".to_owned(),
        Shape::Flag => "true".to_owned(),
        Shape::OneOf(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
        Shape::Tables(_) => "[{ name = \"…\" }]".to_owned(),
    }
}
