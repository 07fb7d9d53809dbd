//! One object of the catalog.

use std::borrow::Cow;
use std::collections::BTreeMap;

use highwater_model::{Column, ObjectId, ObjectName, StreamSchema};
use serde::{Deserialize, Serialize};

use crate::statement::TableLoad;

/// A stream, table or view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: ObjectId,
    /// Its name.
    pub name: ObjectName,
    /// The statement that made it.
    pub sql: String,
    /// What it is.
    pub kind: EntryKind,
    /// The objects its query reads; empty for streams and tables.
    pub depends_on: Vec<ObjectId>,
    /// Streams that got columns since its query was written, with how many they had then: it sees those, so that names
    /// and `*` go on to mean the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sees: BTreeMap<ObjectId, usize>,
}

impl Entry {
    /// An object whose query sees all columns of what it reads.
    #[must_use]
    pub fn new(id: ObjectId, name: ObjectName, sql: String, kind: EntryKind, depends_on: Vec<ObjectId>) -> Self {
        Self { id, name, sql, kind, depends_on, sees: BTreeMap::new() }
    }

    /// A stream as one sees it who knows so many of its columns.
    #[must_use]
    pub fn with_columns(&self, columns: Option<usize>) -> Cow<'_, Self> {
        match (&self.kind, columns) {
            (EntryKind::Stream { schema }, Some(columns)) if columns < schema.columns.len() => {
                let mut schema = schema.clone();
                schema.columns.truncate(columns);
                Cow::Owned(Self { kind: EntryKind::Stream { schema }, ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryKind {
    /// A stream.
    Stream {
        /// Everything declared.
        schema: StreamSchema,
    },
    /// A table: a keyed stream of row versions whose last, hidden column is `_deleted`.
    Table {
        /// Declared columns and the hidden one.
        schema: StreamSchema,
        /// The file it is loaded from.
        load: Option<TableLoad>,
    },
    /// A query kept current.
    MaterializedView {
        /// The query's text.
        query_sql: String,
        /// Its columns, as planned when it was created.
        columns: Vec<Column>,
        /// Indexes of columns that identify a row; empty when none are known to.
        key: Vec<usize>,
        /// How long rows are kept, microseconds.
        retain_micros: Option<i64>,
    },
    /// A query run when read.
    View {
        /// The query's text.
        query_sql: String,
        /// Its columns, as planned when it was created; they name the query's columns by position.
        columns: Vec<Column>,
    },
    /// A ranked index of the one object that it depends on.
    Index {
        /// Columns whose equal values are ranked among themselves; empty: all rows together.
        partition: Vec<String>,
        /// The order in a partition.
        order: Vec<IndexColumn>,
    },
}

/// A column that a ranked index orders by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// Its name.
    pub name: String,
    /// Greatest first.
    pub descending: bool,
    /// Whether NULL stands before everything else.
    pub nulls_first: bool,
}

impl IndexColumn {
    /// As `ORDER BY` writes it.
    #[must_use]
    pub fn sql(&self) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        let nulls = match (self.descending, self.nulls_first) {
            (true, false) => " NULLS LAST",
            (false, true) => " NULLS FIRST",
            _ => "",
        };
        format!("{}{direction}{nulls}", self.name)
    }
}

impl EntryKind {
    /// What it is called in messages.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Stream { .. } => "stream",
            Self::Table { .. } => "table",
            Self::MaterializedView { .. } => "materialized view",
            Self::View { .. } => "view",
            Self::Index { .. } => "ranked index",
        }
    }

    /// The columns a user sees (for streams without the system columns, for tables without the hidden one, for indexes
    /// none).
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        match self {
            Self::Stream { schema } => &schema.columns,
            Self::Table { schema, .. } => {
                let hidden = schema.columns.last().is_some_and(|c| c.name == super::DELETED_COLUMN);
                &schema.columns[..schema.columns.len() - usize::from(hidden)]
            }
            Self::MaterializedView { columns, .. } | Self::View { columns, .. } => columns,
            Self::Index { .. } => &[],
        }
    }

    /// The stream schema of a stream or table: how its log is read.
    #[must_use]
    pub fn stream_schema(&self) -> Option<&StreamSchema> {
        match self {
            Self::Stream { schema } | Self::Table { schema, .. } => Some(schema),
            Self::MaterializedView { .. } | Self::View { .. } | Self::Index { .. } => None,
        }
    }

    /// Whether it has a log: streams and tables.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.stream_schema().is_some()
    }
}
