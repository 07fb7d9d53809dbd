//! What the catalog refuses, each with what to do about it.

use highwater_model::{Diagnostic, ObjectName};

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Nothing has this name.
    #[error("there is no {what} \"{name}\"")]
    Unknown {
        /// The kind looked for: `stream`, `table`, `relation`, ….
        what: &'static str,
        /// As written.
        name: String,
        /// A name that is nearly the same.
        near: Option<String>,
    },
    /// An unqualified name fits objects of several schemas.
    #[error("\"{name}\" is ambiguous: {}", join(candidates))]
    Ambiguous {
        /// As written.
        name: String,
        /// What it could be.
        candidates: Vec<ObjectName>,
    },
    /// The name is taken.
    #[error("{noun} \"{name}\" already exists")]
    Exists {
        /// What has it.
        noun: &'static str,
        /// The name.
        name: ObjectName,
    },
    /// The name belongs to an object of another kind.
    #[error("\"{name}\" is a {is}, not a {wanted}")]
    WrongKind {
        /// The name.
        name: ObjectName,
        /// What it is.
        is: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Others are made from it.
    #[error("{noun} \"{name}\" is used by {}", join(dependents))]
    HasDependents {
        /// What it is.
        noun: &'static str,
        /// Its name.
        name: ObjectName,
        /// What would be orphaned, in dependency order.
        dependents: Vec<ObjectName>,
        /// Whether it was to be replaced with other columns, rather than dropped.
        replacing: bool,
    },
    /// A query would read itself.
    #[error("\"{name}\" would depend on itself")]
    Cycle {
        /// The object.
        name: ObjectName,
    },
    /// No such schema.
    #[error("there is no schema \"{schema}\"")]
    UnknownSchema {
        /// As written.
        schema: String,
        /// A schema that is nearly the same.
        near: Option<String>,
    },
    /// The schema is there already.
    #[error("schema \"{0}\" already exists")]
    SchemaExists(String),
    /// The schema still holds objects.
    #[error("schema \"{schema}\" holds {}", join(holds))]
    SchemaNotEmpty {
        /// Its name.
        schema: String,
        /// What is in it.
        holds: Vec<ObjectName>,
    },
    /// The schema is the system's.
    #[error("schema \"{0}\" belongs to the system")]
    SystemSchema(String),
    /// The saved catalog is of another version of Highwater.
    #[error("the catalog has format version {found}; this version reads {supported}")]
    FormatVersion {
        /// As saved.
        found: u32,
        /// What can be read.
        supported: u32,
    },
    /// The saved catalog contradicts itself.
    #[error("the catalog is damaged: {0}")]
    Damaged(String),
    /// The saved catalog is no JSON of the right shape.
    #[error("the catalog cannot be read")]
    Json(#[from] serde_json::Error),
    /// No more ids.
    #[error("no object ids are left")]
    Exhausted,
}

impl CatalogError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { near: Some(near), .. } | Self::UnknownSchema { near: Some(near), .. } => {
                format!("did you mean {near}?")
            }
            Self::Unknown { .. } => {
                "SHOW STREAMS, SHOW TABLES, SHOW MATERIALIZED VIEWS and SHOW VIEWS list what there is".to_owned()
            }
            Self::UnknownSchema { schema, .. } => format!("CREATE SCHEMA {schema}"),
            Self::Ambiguous { .. } => "write schema.name".to_owned(),
            Self::Exists { .. } => "use OR REPLACE to change it, or IF NOT EXISTS to keep it".to_owned(),
            Self::WrongKind { is, .. } => {
                format!("name a different object, or write {} in the statement", is.to_uppercase())
            }
            Self::HasDependents { replacing: true, .. } => {
                "drop the dependents first, or keep names and types of all columns".to_owned()
            }
            Self::HasDependents { .. } => "drop those first, or add CASCADE to drop them too".to_owned(),
            Self::SchemaNotEmpty { .. } => "drop what is in it first, or add CASCADE".to_owned(),
            Self::SchemaExists(_) => "add IF NOT EXISTS".to_owned(),
            Self::SystemSchema(_) => "choose another schema; public is always there".to_owned(),
            Self::Cycle { .. } => "a view cannot read itself".to_owned(),
            Self::FormatVersion { .. } => {
                "open the data folder with the version that wrote it, or a newer one".to_owned()
            }
            Self::Damaged(_) | Self::Json(_) => "restore the catalog file from a backup".to_owned(),
            Self::Exhausted => return None,
        })
    }

    /// The same as a finding without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::general(self.to_string());
        match self.hint() {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }

    /// Whether something named was not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::UnknownSchema { .. })
    }
}

fn join(names: &[ObjectName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
