//! What a dashboard is: plain data, as the browser gets it.

use serde::Serialize;
use serde_json::{Map, Value};

/// A page of panels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dashboard {
    /// The file's name without `.toml`; part of the page's address.
    pub name: String,
    /// The page's title.
    pub title: String,
    /// One sentence below the title.
    pub description: String,
    /// Its place in the menu: smaller numbers first, then by title.
    pub order: i64,
    /// The sign in the menu.
    pub icon: String,
    /// What a reader may choose.
    pub parameters: Vec<Parameter>,
    /// The panels in reading order.
    pub panels: Vec<Panel>,
    /// The file's text, for messages that point into it.
    #[serde(skip)]
    pub text: String,
    /// The file, for messages.
    #[serde(skip)]
    pub file: String,
}

/// Something a reader may choose; `$name` in the SQL of panels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name in the SQL and in the page's address.
    pub name: String,
    /// What stands beside the control.
    pub label: String,
    /// What may be chosen.
    pub kind: ParameterKind,
    /// The value when the address names none; empty: none, which is NULL in the SQL (an empty text for `text`).
    pub default: String,
    /// What the control says when nothing is chosen.
    pub placeholder: String,
    /// The values offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Choices>,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// A day.
    Date,
    /// The days from `$name_from` to `$name_to`.
    Range,
    /// One of the choices, as text.
    Choice,
    /// Any text.
    Text,
    /// A number.
    Number,
}

impl ParameterKind {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("date", Self::Date),
        ("range", Self::Range),
        ("choice", Self::Choice),
        ("text", Self::Text),
        ("number", Self::Number),
    ];
}

/// Where the values offered come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Choices {
    /// The first column of a query's rows; a second one, when there is one, is what is shown.
    Sql(String),
    /// These.
    Fixed(Vec<Choice>),
}

/// A value offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What goes into the SQL.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// One part of a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Names it within the page.
    pub id: String,
    /// What stands above it.
    pub title: String,
    /// A sentence shown on demand.
    pub description: String,
    /// How rows are shown.
    pub kind: String,
    /// Columns of the twelve it takes.
    pub width: u8,
    /// Rows of the grid it takes.
    pub height: u8,
    /// Whether the overview of all apps shows it too.
    pub home: bool,
    /// Where its rows come from.
    pub source: Source,
    /// Rows asked for at most.
    pub max_rows: u32,
    /// It is asked again at most this often, in milliseconds.
    pub refresh_ms: u32,
    /// What its kind wants to know besides.
    pub options: Map<String, Value>,
}

/// Where a panel's rows come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A query, with parameters.
    Sql {
        /// As written.
        sql: String,
        /// Byte of the file where it starts, when it stands there letter by letter.
        #[serde(skip)]
        at: Option<usize>,
        /// Byte of the file where the quoted text starts.
        #[serde(skip)]
        quoted_at: usize,
    },
    /// Every row of a materialized view, table or keyed stream, followed change by change.
    View {
        /// Its name.
        view: String,
        /// A SQL condition, with parameters.
        filter: Option<String>,
    },
    /// No rows: a text.
    Text {
        /// Paragraphs, with `#` headings, `-` lists, `**bold**`, `` `code` `` and `[links](…)`.
        text: String,
    },
}

impl Dashboard {
    /// A panel.
    #[must_use]
    pub fn panel(&self, id: &str) -> Option<&Panel> {
        self.panels.iter().find(|panel| panel.id == id)
    }

    /// A parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}
