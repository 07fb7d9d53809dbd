//! Appends: rows into files, then one commit with the files and the next offset of each log partition. A crash before
//! the commit leaves files that no one names; after it the rows are there, and the offsets say so. So each row is there
//! once, however often a writer crashes and starts again from what is covered.

use std::sync::Arc;

use arrow_array::RecordBatch;
use highwater_model::{PartitionId, PartitionRange};
use serde_json::json;
use tokio::runtime::Handle;

use super::check::check;
use super::handle::Table;
use crate::delta::{Lines, State};
use crate::files::{Effort, FileWriter, Ordered};
use crate::place::Place;
use crate::stored::stored_schema;
use crate::{ArchiveError, DataFile, TableSnapshot, TableSpec};

/// What to do when rows begin above what the table covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holes {
    /// Refuse them.
    Refused,
    /// The records between are lost, and whoever calls has said so: go on above them. The commit notes the hole.
    Acknowledged,
}

impl Table {
    /// Adds rows: those of `ranges`, each of which begins where the table ends. Durable when it returns.
    ///
    /// # Errors
    /// [`ArchiveError::NotNext`] when a range does not begin at `covered`, [`ArchiveError::Rows`] when rows lie in no
    /// range or come twice: nothing was written. After an error of the store the commit may be there all the same:
    /// [`Table::refresh`] tells, and the next append looks by itself.
    pub async fn append(
        &self,
        rows: Vec<RecordBatch>,
        ranges: &[PartitionRange],
    ) -> Result<Arc<TableSnapshot>, ArchiveError> {
        self.append_with(rows, ranges, Holes::Refused).await
    }

    /// As [`Table::append`], and says what to do when a range begins above what is covered.
    ///
    /// # Errors
    /// As [`Table::append`].
    pub async fn append_with(
        &self,
        rows: Vec<RecordBatch>,
        ranges: &[PartitionRange],
        holes: Holes,
    ) -> Result<Arc<TableSnapshot>, ArchiveError> {
        let mut writer = self.writer().await?;
        let spec = self.spec();
        let place = self.shared.place.clone();
        holes_before(&place, &self.state(), ranges, holes)?;
        check(&spec, &rows, ranges)?;
        if ranges.iter().all(PartitionRange::is_empty) {
            return Ok(self.snapshot());
        }
        let files: Vec<_> = self.write(place.clone(), rows, spec).await?.into_iter().map(Arc::new).collect();
        self.commit(&mut writer, |state| append_to(&place, state, &files, ranges, holes)).await?;
        let snapshot = self.snapshot();
        metrics::counter!("highwater_archive_rows_total").increment(files.iter().map(|file| file.rows).sum());
        metrics::counter!("highwater_archive_files_total").increment(files.len() as u64);
        metrics::counter!("highwater_archive_bytes_total").increment(files.iter().map(|file| file.bytes).sum());
        Ok(snapshot)
    }

    /// Writes files on a thread of their own: ordering and compressing take long.
    async fn write(
        &self,
        place: Place,
        rows: Vec<RecordBatch>,
        spec: Arc<TableSpec>,
    ) -> Result<Vec<DataFile>, ArchiveError> {
        let handle = Handle::current();
        let work = move || handle.block_on(write_files(&place, &rows, &spec, Effort::Quick));
        tokio::task::spawn_blocking(work).await.map_err(|_| self.stopped())?
    }
}

/// Writes rows, in order, into files of about the target size.
pub(super) async fn write_files(
    place: &Place,
    rows: &[RecordBatch],
    spec: &TableSpec,
    effort: Effort,
) -> Result<Vec<DataFile>, ArchiveError> {
    let schema = Arc::new(stored_schema(&spec.schema));
    let mut writer = FileWriter::new(place, schema, place.settings.target_file_bytes, effort)?;
    for batch in Ordered::new(rows, spec)?.batches() {
        let (date, rows) = batch?;
        writer.write(date, &rows).await?;
    }
    writer.finish().await
}

/// The records that are left out when the ranges are taken.
fn holes_before(
    place: &Place,
    state: &State,
    ranges: &[PartitionRange],
    holes: Holes,
) -> Result<Vec<PartitionRange>, ArchiveError> {
    let mut found = Vec::new();
    for range in ranges {
        let covered = state.snapshot.covered_of(range.partition);
        if range.first < covered || (range.first > covered && holes == Holes::Refused) || range.next < range.first {
            return Err(ArchiveError::NotNext {
                folder: place.folder.to_string(),
                partition: range.partition,
                covered,
                first: range.first,
            });
        }
        if range.first > covered {
            found.push(PartitionRange { partition: range.partition, first: covered, next: range.first });
        }
    }
    Ok(found)
}

fn append_to(
    place: &Place,
    state: &State,
    files: &[Arc<DataFile>],
    ranges: &[PartitionRange],
    holes: Holes,
) -> Result<(Lines, State), ArchiveError> {
    let left_out = holes_before(place, state, ranges, holes)?;
    let mut lines = Lines::new(place, "WRITE");
    if !left_out.is_empty() {
        let told = |hole: &PartitionRange| json!([hole.partition.to_string(), hole.first, hole.next]);
        lines.note("highwaterHoles", left_out.iter().map(told).collect());
    }
    let records = ranges.iter().chain(&left_out).map(PartitionRange::len).sum::<u64>();
    let absent = records.saturating_sub(files.iter().map(|file| file.rows).sum());
    let properties = state.properties(place, ranges.iter().map(|range| range.partition), absent)?;
    if let Some(metadata) = &properties {
        lines.metadata(metadata)?;
    }
    let mut covered = state.snapshot.covered.clone();
    for file in files {
        lines.add(file, true);
    }
    for PartitionRange { partition, next, .. } in ranges {
        lines.covers(*partition, *next);
        covered.insert(PartitionId(partition.0), *next);
    }
    let all = state.snapshot.files.iter().chain(files).cloned().collect();
    let snapshot = TableSnapshot {
        version: state.snapshot.version + 1,
        covered,
        committed_at_micros: lines.committed_at_micros(),
        ..state.snapshot.with_files(all)
    };
    let next = state.next(snapshot);
    Ok((lines, State { metadata: properties.unwrap_or(next.metadata), ..next }))
}
