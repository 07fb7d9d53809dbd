//! All events as Delta Lake tables on an object store: a table a stream, divided by day, appended to exactly once.
//!
//! The engine opens an [`Archive`], gets a [`Table`] for each stream, appends what is durable in the log, reads the
//! files of a [`TableSnapshot`], and lets the log go only below what a snapshot covers. Other programs (DuckDB, Polars,
//! Spark, Trino) open the folders as they stand. This crate owns `deltalake-core` and `parquet`; it knows no SQL.

mod archive;
mod delta;
mod error;
mod files;
mod place;
mod settings;
mod snapshot;
mod spec;
mod store;
mod stored;
mod table;

pub use archive::Archive;
pub use error::ArchiveError;
pub use settings::ArchiveSettings;
pub use snapshot::{DataFile, TableSnapshot};
pub use spec::{DATE_COLUMN, TableSpec};
pub use stored::{ColumnRange, array_from_stored, from_stored, stored_schema, to_stored};
pub use table::{Compacted, Holes, Table, Vacuumed};
