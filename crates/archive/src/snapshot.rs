//! A table at one version, in memory: its files with what is known of them, and the offsets it covers. Made by loading
//! or by a commit; readers keep it as long as they like, and vacuum keeps its files for as long as it was told.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use chrono::NaiveDate;
use highwater_model::{Offset, PartitionId};
use object_store::path::Path;

use crate::ColumnRange;

/// A table at one version.
#[derive(Clone, Debug)]
pub struct TableSnapshot {
    /// The version of the Delta table.
    pub version: u64,
    /// Its files, in the order in which they were committed.
    pub files: Vec<Arc<DataFile>>,
    /// For every log partition the next offset: all records below it are here, unless an acknowledged hole lies there.
    pub covered: BTreeMap<PartitionId, Offset>,
    /// The columns of the table in their stored form, without `_date`, which no file holds. Files written before a
    /// column was added lack it: read it as NULL.
    pub schema: SchemaRef,
    /// Rows of all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// When this version was committed, microseconds since the epoch, to the millisecond.
    pub committed_at_micros: i64,
}

impl TableSnapshot {
    /// The next offset wanted of a partition; 0 when nothing of it is here.
    #[must_use]
    pub fn covered_of(&self, partition: PartitionId) -> Offset {
        self.covered.get(&partition).copied().unwrap_or(0)
    }

    /// The same with other files; the sums follow.
    pub(crate) fn with_files(&self, files: Vec<Arc<DataFile>>) -> Self {
        let rows = files.iter().map(|file| file.rows).sum();
        let bytes = files.iter().map(|file| file.bytes).sum();
        Self { files, rows, bytes, ..self.clone() }
    }
}

/// One Parquet file of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    /// Where it is in `Archive::store`.
    pub path: Path,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// The UTC day of all its rows by the table's `date_from` column; `None` when that is NULL or outside the years 1 to
    /// 9999, so that a reader who skips files by day must not skip this one unless NULLs cannot match either.
    pub date: Option<NaiveDate>,
    /// What is known of each column, in the order of the schema it was loaded or written with.
    pub columns: Vec<ColumnRange>,
}

impl DataFile {
    /// What is known of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnRange> {
        self.columns.iter().find(|column| column.name == name)
    }
}
