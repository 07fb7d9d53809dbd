//! Rewriting: every file through a function of the caller's, and the columns changed with it, in one commit. Readers see
//! the table before or after. Appends go on until the end; what they added is rewritten while they wait.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use object_store::path::Path;

use super::append::write_files;
use super::compact::exchange;
use super::handle::{Table, schema_lines};
use crate::delta::{Lines, State};
use crate::files::{BATCH_ROWS, Effort, FileReader};
use crate::place::Place;
use crate::stored::from_stored;
use crate::{ArchiveError, DataFile, TableSnapshot, TableSpec};

/// Rows of a file are rewritten in parts of about so many bytes in memory, each ordered by itself and made a file:
/// the next compaction merges them.
const PART_BYTES: usize = 256 << 20;

type Transform<'a> = &'a (dyn Fn(RecordBatch) -> Result<RecordBatch, ArchiveError> + Send + Sync);
type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Files and what became of them.
#[derive(Default)]
struct Rewritten {
    old: Vec<Arc<DataFile>>,
    paths: HashSet<Path>,
    new: Vec<Arc<DataFile>>,
    rows: u64,
}

impl Table {
    /// Writes every file anew: `transform` is given rows with the columns of the table's spec and returns as many with
    /// those of `spec`. The table then is as `spec` says. `progress` is told the rows done and the rows in all.
    ///
    /// Runs on the task that calls it, which should not be one that others wait for. Memory: a file, and a part of its
    /// rows. When it fails or is stopped, nothing was changed.
    ///
    /// # Errors
    /// Of `transform` and the store, and [`ArchiveError::Conflict`] when another writer removed one of the files.
    pub async fn rewrite(
        &self,
        spec: TableSpec,
        transform: &(dyn Fn(RecordBatch) -> Result<RecordBatch, ArchiveError> + Send + Sync),
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<(), ArchiveError> {
        spec.check()?;
        if spec.folder != self.spec().folder {
            return Err(ArchiveError::Table {
                folder: spec.folder,
                problem: format!("this is the table {}", self.spec().folder),
                hint: "a rewrite moves no table".into(),
            });
        }
        let _alone = self.shared.maintenance.lock().await;
        let mut done = Rewritten::default();
        self.rewrite_new(&mut done, &spec, transform, progress).await?;
        let mut writer = self.writer().await?;
        self.rewrite_new(&mut done, &spec, transform, progress).await?;
        let place = &self.shared.place;
        self.commit(&mut writer, |state| replace_all(place, state, &done, &spec)).await?;
        self.set_spec(spec);
        Ok(())
    }

    /// Rewrites the files that were not yet.
    async fn rewrite_new(
        &self,
        done: &mut Rewritten,
        spec: &TableSpec,
        transform: Transform<'_>,
        progress: Progress<'_>,
    ) -> Result<(), ArchiveError> {
        let snapshot = self.snapshot();
        for file in &snapshot.files {
            if !done.paths.insert(file.path.clone()) {
                continue;
            }
            let new = self.rewrite_file(file, &snapshot, spec, transform).await?;
            done.rows += file.rows;
            done.old.push(file.clone());
            done.new.extend(new.into_iter().map(Arc::new));
            progress(done.rows, snapshot.rows);
        }
        Ok(())
    }

    async fn rewrite_file(
        &self,
        file: &DataFile,
        snapshot: &TableSnapshot,
        spec: &TableSpec,
        transform: Transform<'_>,
    ) -> Result<Vec<DataFile>, ArchiveError> {
        let place = &self.shared.place;
        let before = self.spec();
        let mut reader = FileReader::open(place, &file.path, snapshot.schema.clone(), BATCH_ROWS).await?;
        let mut written = Vec::new();
        let mut part = Vec::new();
        let mut bytes = 0;
        while let Some(rows) = reader.next()? {
            let rows = from_stored(&rows, &before.schema)?;
            let given = rows.num_rows();
            let rows = transform(rows)?;
            if rows.num_rows() != given || rows.schema().fields() != spec.schema.fields() {
                return Err(ArchiveError::Rows {
                    folder: spec.folder.clone(),
                    problem: format!("a rewrite made {} rows of {given}, with {:?}", rows.num_rows(), rows.schema()),
                });
            }
            bytes += rows.get_array_memory_size();
            part.push(rows);
            if bytes >= PART_BYTES {
                written.extend(write_files(place, &std::mem::take(&mut part), spec, Effort::Thorough).await?);
                bytes = 0;
            }
            tokio::task::yield_now().await;
        }
        written.extend(write_files(place, &part, spec, Effort::Thorough).await?);
        let rows: u64 = written.iter().map(|file| file.rows).sum();
        if rows != file.rows {
            return Err(place.damaged(&file.path, format!("it holds {rows} rows and should hold {}", file.rows)));
        }
        Ok(written)
    }
}

fn replace_all(
    place: &Place,
    state: &State,
    done: &Rewritten,
    spec: &TableSpec,
) -> Result<(Lines, State), ArchiveError> {
    let files = exchange(place, &state.snapshot, &done.old, &done.new)?;
    if let Some(left) = files[..files.len() - done.new.len()].first() {
        // Another writer added it since; its rows are of the old columns.
        return Err(ArchiveError::Conflict { folder: place.folder.to_string(), path: left.path.clone() });
    }
    let stored = spec.stored();
    let (mut lines, metadata) = schema_lines(place, state, &stored, "REPLACE COLUMNS")?;
    done.old.iter().for_each(|file| lines.remove(file));
    done.new.iter().for_each(|file| lines.add(file, false));
    let snapshot = TableSnapshot {
        version: state.snapshot.version + 1,
        schema: Arc::new(stored),
        committed_at_micros: lines.committed_at_micros(),
        ..state.snapshot.with_files(files)
    };
    Ok((lines, State { snapshot: Arc::new(snapshot), metadata }))
}
