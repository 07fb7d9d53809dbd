//! What can go wrong in the archive, worded for the person who must act on it. Every error names the table or the path.

use std::path::PathBuf;

use arrow_schema::{ArrowError, DataType};
use deltalake_core::DeltaTableError;
use highwater_model::{Offset, PartitionId};
use object_store::path::Path;
use parquet::errors::ParquetError;

/// An error of the archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A setting is wrong.
    #[error("archive setting {setting}: {problem}; {hint}")]
    Setting {
        /// Which one.
        setting: String,
        /// What is wrong with it.
        problem: String,
        /// What to write.
        hint: String,
    },
    /// A table was asked for that cannot be.
    #[error("archive table {folder}: {problem}; {hint}")]
    Table {
        /// The table.
        folder: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: String,
    },
    /// A column's type has no place in a Delta table.
    #[error(
        "archive table {folder}: column {column} is {data_type}, which a Delta table cannot hold; leave it out of the archive"
    )]
    Type {
        /// The table.
        folder: String,
        /// The column, with its way into nested types.
        column: String,
        /// Its type.
        data_type: DataType,
    },
    /// The rows given do not follow what the table holds already.
    #[error(
        "archive table {folder}: partition {partition} is held up to offset {covered}, so rows from {first} on cannot follow; append from {covered}"
    )]
    NotNext {
        /// The table.
        folder: String,
        /// The partition.
        partition: PartitionId,
        /// The next offset the table wants.
        covered: Offset,
        /// The first offset given.
        first: Offset,
    },
    /// The rows given are not those of the ranges given.
    #[error("archive table {folder}: {problem}; nothing was written")]
    Rows {
        /// The table.
        folder: String,
        /// What is wrong with them.
        problem: String,
    },
    /// Other writers kept taking the next version.
    #[error(
        "archive table {folder}: version {version} was taken by another writer, and so were those after it; try again"
    )]
    Busy {
        /// The table.
        folder: String,
        /// The version last tried.
        version: u64,
    },
    /// Another writer removed files that were being rewritten. Nothing was changed.
    #[error("archive table {folder}: another writer removed {path} meanwhile; run it again")]
    Conflict {
        /// The table.
        folder: String,
        /// The file that is gone.
        path: Path,
    },
    /// What is stored is not what was written.
    #[error(
        "archive table {folder}: {path}: {problem}; restore the folder from a backup, or drop the table to build it anew from the log"
    )]
    Damaged {
        /// The table.
        folder: String,
        /// The object.
        path: String,
        /// What was found.
        problem: String,
    },
    /// The table's log cannot be read or written.
    #[error("archive table {folder}: cannot {doing}: {source}")]
    Delta {
        /// The table.
        folder: String,
        /// What was tried, with the version.
        doing: String,
        /// Why not.
        source: Box<DeltaTableError>,
    },
    /// The store did not do what it was asked.
    #[error("archive: {path}: {source}")]
    Store {
        /// The object or folder.
        path: String,
        /// Why not.
        source: Box<object_store::Error>,
    },
    /// A data file cannot be read or written.
    #[error("archive: {path}: {source}")]
    Parquet {
        /// The file.
        path: Path,
        /// Why not.
        source: Box<ParquetError>,
    },
    /// Columns cannot be brought into or out of the stored form.
    #[error("archive: {source}")]
    Columns {
        /// Why not.
        #[from]
        source: ArrowError,
    },
    /// A folder of the machine cannot be used.
    #[error("archive: {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The function given to a rewrite refused rows.
    #[error("archive: the rows cannot be rewritten: {0}")]
    Transform(Box<dyn std::error::Error + Send + Sync>),
    /// Work in the background was stopped, as when the process ends.
    #[error("archive table {folder}: work in the background was stopped; open the table again")]
    Stopped {
        /// The table.
        folder: String,
    },
}

impl ArchiveError {
    pub(crate) fn store(path: impl ToString, source: object_store::Error) -> Self {
        Self::Store { path: path.to_string(), source: Box::new(source) }
    }

    pub(crate) fn delta(folder: &str, doing: impl Into<String>, source: impl Into<DeltaTableError>) -> Self {
        Self::Delta { folder: folder.into(), doing: doing.into(), source: Box::new(source.into()) }
    }

    pub(crate) fn parquet(path: &Path, source: ParquetError) -> Self {
        Self::Parquet { path: path.clone(), source: Box::new(source) }
    }
}
