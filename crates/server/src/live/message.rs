//! What a page may ask over the live connection.

use highwater_dashboards::Values;
use serde::Deserialize;

/// One message of a page.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Message {
    /// Follow a view change by change.
    View {
        id: u64,
        view: String,
        #[serde(default, rename = "where")]
        filter: Option<String>,
        #[serde(default)]
        resume_from: Option<String>,
    },
    /// Be sent the answer of a query, and again when it has changed.
    Query {
        id: u64,
        sql: String,
        #[serde(default)]
        schema: Option<String>,
        #[serde(default)]
        max_rows: Option<u32>,
        #[serde(default)]
        every_ms: Option<u32>,
    },
    /// The same for a panel of a dashboard, with values for its parameters.
    Panel {
        id: u64,
        app: String,
        dashboard: String,
        panel: String,
        #[serde(default)]
        values: Values,
        #[serde(default)]
        resume_from: Option<String>,
    },
    /// The same for a panel of a dashboard that is being written.
    Preview {
        id: u64,
        app: String,
        /// The text of the file.
        text: String,
        panel: String,
        #[serde(default)]
        values: Values,
        #[serde(default)]
        resume_from: Option<String>,
    },
    /// The same for the choices of a parameter.
    Choices {
        id: u64,
        app: String,
        dashboard: String,
        parameter: String,
        #[serde(default)]
        values: Values,
    },
    /// No more of it.
    Close { id: u64 },
}

impl Message {
    /// The id under which it is asked.
    pub(super) fn id(&self) -> u64 {
        match self {
            Self::View { id, .. }
            | Self::Query { id, .. }
            | Self::Panel { id, .. }
            | Self::Preview { id, .. }
            | Self::Choices { id, .. }
            | Self::Close { id } => *id,
        }
    }
}

/// A JSON object under an id: `data` begins with `{` and has at least one member.
pub(super) fn addressed(id: u64, event: &str, data: &str) -> String {
    format!("{{\"id\":{id},\"event\":\"{event}\",{}", data.strip_prefix('{').unwrap_or(data))
}
