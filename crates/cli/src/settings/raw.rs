//! Settings as they were written, each with its origin. Unknown keys are refused here, naming the nearest right one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use highwater_model::{Diagnostic, Diagnostics};
use toml::de::{DeTable, DeValue};

use super::key::{CONFIG_VARIABLE, KEYS, Key, PREFIX};
use super::nearest;
use crate::failure::Failure;

/// The settings file looked for when none is named.
const DEFAULT_FILE: &str = "highwater.toml";

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the settings file.
    File(PathBuf),
    /// In the environment.
    Variable(String),
    /// On the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value as written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Where it was given.
    pub origin: Origin,
}

/// What the command line says of settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Settings given as flags.
    pub values: Vec<(&'static str, String)>,
}

/// One value for every key.
#[derive(Clone, Debug)]
pub struct RawSettings(BTreeMap<&'static str, Given>);

impl RawSettings {
    /// Reads all places in order of rank.
    ///
    /// # Errors
    /// With every unknown key at once, or when the settings file cannot be read.
    pub fn gather(flags: &Flags, variables: &[(String, String)]) -> Result<Self, Failure> {
        let mut values: BTreeMap<_, _> = KEYS
            .iter()
            .map(|key| (key.name, Given { text: key.default.to_owned(), origin: Origin::Default }))
            .collect();
        let mut problems = Diagnostics::default();
        if let Some((path, text)) = settings_file(flags, variables)? {
            for (key, text) in file_values(&path, &text, &mut problems) {
                values.insert(key, Given { text, origin: Origin::File(path.clone()) });
            }
        }
        for (name, text) in variables {
            match variable_key(name, &mut problems) {
                Some(key) => {
                    values.insert(key, Given { text: text.clone(), origin: Origin::Variable(name.clone()) });
                }
                None => continue,
            }
        }
        for (key, text) in &flags.values {
            values.insert(key, Given { text: text.clone(), origin: Origin::Flag });
        }
        if problems.has_errors() { Err(Failure::Diagnosed(problems)) } else { Ok(Self(values)) }
    }

    /// The value of a key of [`KEYS`], and where it was given.
    pub fn get(&self, key: &'static str) -> Given {
        self.0.get(key).cloned().unwrap_or(Given { text: String::new(), origin: Origin::Default })
    }
}

fn settings_file(flags: &Flags, variables: &[(String, String)]) -> Result<Option<(PathBuf, String)>, Failure> {
    let named = flags
        .config
        .clone()
        .or_else(|| variables.iter().find(|(name, _)| name == CONFIG_VARIABLE).map(|(_, value)| PathBuf::from(value)));
    let path = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read the settings in", &path, error)),
    }
}

fn file_values(path: &Path, text: &str, problems: &mut Diagnostics) -> Vec<(&'static str, String)> {
    let file = path.display().to_string();
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or_default();
            let found = at(text, span, error.message());
            problems.push(found.with_hint("each line is `name = value`; texts are quoted").in_file(file));
            return Vec::new();
        }
    };
    let mut values = Vec::new();
    for (name, value) in table.get_ref() {
        let span = name.span();
        let Some(key) = Key::named(name.get_ref()) else {
            let found = at(text, span, format!("no setting is called \"{}\"", name.get_ref()));
            problems.push(found.with_hint(known(name.get_ref())).in_file(file.clone()));
            continue;
        };
        match value.get_ref() {
            DeValue::String(text) => values.push((key.name, text.to_string())),
            DeValue::Integer(number) => values.push((key.name, number.as_str().to_owned())),
            DeValue::Boolean(truth) => values.push((key.name, truth.to_string())),
            _ => {
                let found = at(text, value.span(), format!("\"{}\" takes one text, number or truth value", key.name));
                problems.push(found.with_hint(format!("{} = \"{}\"", key.name, key.default)).in_file(file.clone()));
            }
        }
    }
    values
}

/// The setting a variable is for. Variables that resemble none belong to somebody else and are left alone; one that
/// nearly names a setting is taken for a typing error.
fn variable_key(name: &str, problems: &mut Diagnostics) -> Option<&'static str> {
    let written = name.strip_prefix(PREFIX)?.to_lowercase();
    if let Some(key) = Key::named(&written) {
        return Some(key.name);
    }
    if name != CONFIG_VARIABLE
        && let Some(near) = nearest(&written, KEYS.iter().map(|key| key.name))
    {
        let right = Key::named(near).map(Key::variable).unwrap_or_default();
        problems.push(
            Diagnostic::general(format!("the environment variable {name} is no setting"))
                .with_hint(format!("did you mean {right}? `highwater settings` lists them all")),
        );
    }
    None
}

fn known(written: &str) -> String {
    match nearest(written, KEYS.iter().map(|key| key.name)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => {
            let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            format!("there are: {}", names.join(", "))
        }
    }
}

/// A finding at a byte range of a text.
fn at(text: &str, span: std::ops::Range<usize>, message: impl Into<String>) -> Diagnostic {
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    let length = text.get(span).map_or(1, |marked| marked.lines().next().unwrap_or_default().chars().count());
    Diagnostic::error(message, text, line, column, u32::try_from(length).unwrap_or(1))
}
