//! Compaction: small files of a day into files near the target size, merged in order, in one commit a group. What is in
//! memory is bounded: the compressed bytes of a group (at most the target size) and a page of each of its columns.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::handle::Table;
use crate::delta::{Lines, State};
use crate::files::{Effort, FileReader, FileWriter, Merge};
use crate::place::Place;
use crate::{ArchiveError, DataFile, TableSnapshot};

/// Most files merged at once.
const MOST_FILES: usize = 256;
/// Rows of each file held at a time.
const INPUT_ROWS: usize = 1024;
/// A file is not merged with others that are together less than this part of it, so that no row is rewritten often.
const SHARE: u64 = 4;
/// Files up to this size are merged with any others.
const ALWAYS_BYTES: u64 = 1 << 20;

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that are no longer in the table.
    pub files_removed: u64,
    /// Files that hold their rows now.
    pub files_added: u64,
    /// Bytes of the files removed.
    pub bytes_removed: u64,
    /// Bytes of the files added.
    pub bytes_added: u64,
}

impl Table {
    /// Merges small files of a day into files near the target size. Appends go on meanwhile. Each group of files is a
    /// commit of its own, so what was done stays done when a later one fails.
    ///
    /// # Errors
    /// Of the store, and [`ArchiveError::Conflict`] when another writer removed one of the files.
    pub async fn compact(&self) -> Result<Compacted, ArchiveError> {
        let _alone = self.shared.maintenance.lock().await;
        let snapshot = self.snapshot();
        let mut done = Compacted::default();
        for group in groups(&snapshot, self.shared.place.settings.target_file_bytes) {
            let merged: Vec<_> = self.merge(&group).await?.into_iter().map(Arc::new).collect();
            if rows_of(&merged) != rows_of(&group) {
                let problem = format!("merging {} rows gave {}", rows_of(&group), rows_of(&merged));
                return Err(self.shared.place.damaged(&group[0].path, problem));
            }
            let mut writer = self.writer().await?;
            let place = &self.shared.place;
            self.commit(&mut writer, |state| replace(place, state, &group, &merged)).await?;
            done.files_removed += group.len() as u64;
            done.files_added += merged.len() as u64;
            done.bytes_removed += bytes_of(&group);
            done.bytes_added += bytes_of(&merged);
        }
        metrics::counter!("highwater_archive_compacted_files_total").increment(done.files_removed);
        Ok(done)
    }

    async fn merge(&self, group: &[Arc<DataFile>]) -> Result<Vec<DataFile>, ArchiveError> {
        let place = self.shared.place.clone();
        let mut inputs = Vec::with_capacity(group.len());
        for file in group {
            inputs.push((file.path.clone(), place.read(&file.path).await?));
        }
        let (schema, spec) = (self.snapshot().schema.clone(), self.spec());
        let date = group.first().and_then(|file| file.date);
        let handle = Handle::current();
        let work = move || handle.block_on(merge(&place, inputs, schema, &spec.sort_by, date));
        tokio::task::spawn_blocking(work).await.map_err(|_| self.stopped())?
    }
}

async fn merge(
    place: &Place,
    inputs: Vec<(Path, Bytes)>,
    schema: arrow_schema::SchemaRef,
    sort_by: &[String],
    date: Option<NaiveDate>,
) -> Result<Vec<DataFile>, ArchiveError> {
    let readers = inputs.into_iter().map(|(path, bytes)| FileReader::new(path, bytes, schema.clone(), INPUT_ROWS));
    let mut merge = Merge::new(readers.collect::<Result<_, _>>()?, sort_by)?;
    // The inputs are at most the target together; a little more must not become a small file again.
    let roll_at_bytes = place.settings.target_file_bytes.saturating_mul(2);
    let mut writer = FileWriter::new(place, schema, roll_at_bytes, Effort::Thorough)?;
    while let Some(rows) = merge.next()? {
        writer.write(date, &rows).await?;
    }
    writer.finish().await
}

fn rows_of(files: &[Arc<DataFile>]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}

fn bytes_of(files: &[Arc<DataFile>]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// Files to be merged: of one day, less than half the target each, from the smallest on.
fn groups(snapshot: &TableSnapshot, target_bytes: u64) -> Vec<Vec<Arc<DataFile>>> {
    let mut days: BTreeMap<Option<NaiveDate>, Vec<Arc<DataFile>>> = BTreeMap::new();
    for file in snapshot.files.iter().filter(|file| file.bytes < target_bytes / 2) {
        days.entry(file.date).or_default().push(file.clone());
    }
    let mut groups = Vec::new();
    for mut files in days.into_values() {
        files.sort_by_key(|file| file.bytes);
        let mut group: Vec<Arc<DataFile>> = Vec::new();
        let mut bytes = 0;
        for file in files {
            let too_big = file.bytes > ALWAYS_BYTES.max(bytes * SHARE);
            if too_big || bytes + file.bytes > target_bytes || group.len() == MOST_FILES {
                groups.push(std::mem::take(&mut group));
                bytes = 0;
            }
            bytes += file.bytes;
            group.push(file);
        }
        groups.push(group);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// The state with some files in the place of others that hold the same rows.
fn replace(
    place: &Place,
    state: &State,
    old: &[Arc<DataFile>],
    new: &[Arc<DataFile>],
) -> Result<(Lines, State), ArchiveError> {
    let files = exchange(place, &state.snapshot, old, new)?;
    let mut lines = Lines::new(place, "OPTIMIZE");
    old.iter().for_each(|file| lines.remove(file));
    new.iter().for_each(|file| lines.add(file, false));
    let snapshot = TableSnapshot {
        version: state.snapshot.version + 1,
        committed_at_micros: lines.committed_at_micros(),
        ..state.snapshot.with_files(files)
    };
    let next = state.next(snapshot);
    Ok((lines, next))
}

/// The files of a snapshot without the old ones and with the new ones.
pub(super) fn exchange(
    place: &Place,
    snapshot: &TableSnapshot,
    old: &[Arc<DataFile>],
    new: &[Arc<DataFile>],
) -> Result<Vec<Arc<DataFile>>, ArchiveError> {
    let there: HashSet<&Path> = snapshot.files.iter().map(|file| &file.path).collect();
    if let Some(gone) = old.iter().find(|file| !there.contains(&file.path)) {
        return Err(ArchiveError::Conflict { folder: place.folder.to_string(), path: gone.path.clone() });
    }
    let gone: HashSet<&Path> = old.iter().map(|file| &file.path).collect();
    let kept = snapshot.files.iter().filter(|file| !gone.contains(&file.path));
    Ok(kept.chain(new).cloned().collect())
}
