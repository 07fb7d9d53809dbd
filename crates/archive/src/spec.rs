//! What a table is to be: its rows, how they are divided into files and ordered in them. Written by the engine for each
//! stream, checked here before anything is stored.

use arrow_schema::{DataType, Schema, SchemaRef};

use crate::ArchiveError;
use crate::stored::{stored_schema, unstorable};

/// The column by which files are divided. It is told by the table's log, not stored in the files.
pub const DATE_COLUMN: &str = "_date";

/// What a table is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSpec {
    /// Where in the archive, such as `rankmysteps/steps`.
    pub folder: String,
    /// Rows given to `append`: the declared columns, then `_partition`, `_offset`, `_ingested_at` and perhaps `_raw`.
    pub schema: SchemaRef,
    /// The timestamp or date column whose UTC day divides the files.
    pub date_from: String,
    /// Rows of a file are in the order of these columns.
    pub sort_by: Vec<String>,
    /// The column that tells the log partition; `None` for rejects, which are all of `PartitionId::REJECTS`.
    pub partition_from: Option<String>,
}

impl TableSpec {
    /// The form in which the rows are stored.
    pub(crate) fn stored(&self) -> Schema {
        stored_schema(&self.schema)
    }

    /// # Errors
    /// What cannot be, with what to write instead.
    pub(crate) fn check(&self) -> Result<(), ArchiveError> {
        self.check_folder()?;
        self.check_columns()?;
        for column in self.sort_by.iter().chain(&self.partition_from).chain([&self.date_from]) {
            if self.schema.index_of(column).is_err() {
                return Err(self.wrong(format!("there is no column {column}"), "name a column of the rows"));
            }
        }
        match self.schema.field_with_name(&self.date_from).map(|field| field.data_type()) {
            Ok(DataType::Date32 | DataType::Timestamp(..)) => Ok(()),
            _ => {
                Err(self
                    .wrong(format!("{} is neither a timestamp nor a date", self.date_from), "divide by _ingested_at"))
            }
        }
    }

    fn check_folder(&self) -> Result<(), ArchiveError> {
        let right = |part: &str| {
            !part.is_empty() && !part.starts_with(['.', '_']) && !part.contains(['%', '#', '\\', '?', '*'])
        };
        let parsed = object_store::path::Path::parse(&self.folder);
        if self.folder.split('/').all(right) && parsed.is_ok_and(|path| path.as_ref() == self.folder) {
            return Ok(());
        }
        Err(self.wrong(
            "this is no name of a folder".into(),
            "write parts that are not empty, with / between them, none starting with . or _, without % # \\ ? *",
        ))
    }

    fn check_columns(&self) -> Result<(), ArchiveError> {
        let names: Vec<String> = self.schema.fields().iter().map(|field| field.name().to_lowercase()).collect();
        if let Some(name) = names.iter().find(|name| *name == DATE_COLUMN) {
            return Err(self.wrong(format!("column {name} is the archive's own"), "give the column another name"));
        }
        if let Some((at, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            let other = self.schema.field(at).name();
            return Err(self.wrong(
                format!(
                    "two columns are called {name} ({other} is one of them), and Delta tables do not tell case apart"
                ),
                "rename one of them",
            ));
        }
        match unstorable(self.stored().fields()) {
            Some((column, data_type)) => Err(ArchiveError::Type { folder: self.folder.clone(), column, data_type }),
            None => Ok(()),
        }
    }

    fn wrong(&self, problem: String, hint: &str) -> ArchiveError {
        ArchiveError::Table { folder: self.folder.clone(), problem, hint: hint.into() }
    }
}
