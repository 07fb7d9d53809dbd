//! The archive of a stream that got another declaration: its files are written anew, with the values that the archived
//! records hold for new columns. Done before the declaration is made durable: a table may have columns that the
//! declaration has not, so a crash in between leaves both as they were to whoever reads them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use highwater_archive::ArchiveError;
use highwater_model::ObjectId;
use tokio::sync::OwnedMutexGuard;

use super::rows::{RAW, events_spec};
use super::tables::Archives;
use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::reread::Rereader;

impl Archives {
    /// Gives what is archived of a stream the columns of its new declaration. While the answer is held nothing more is
    /// archived of it.
    ///
    /// # Errors
    /// When the archive cannot be read or written; then nothing was changed.
    pub(crate) async fn redeclare(
        &self,
        core: &Core,
        stream: &StreamRuntime,
    ) -> Result<OwnedMutexGuard<bool>, EngineError> {
        let turn = Arc::clone(&self.of(stream.id).turn).lock_owned().await;
        let (id, name) = (stream.id, &stream.name);
        if self.snapshot(id, false).is_err() {
            // A process may have died when the files had wider types already, and the declaration not yet.
            self.reopen(id, events_spec(id, name, &stream.schema, self.options.keep_raw)).await?;
        }
        let archived = self.snapshot(id, false).map_err(|error| EngineError::Refused(Box::new(error)))?;
        let Some(archived) = archived else { return Ok(turn) };
        // Records that were archived as they came stay, whatever the setting says of new ones.
        let has_raw = archived.schema.column_with_name(RAW).is_some();
        let unlike = has_raw && !self.options.keep_raw;
        if let (true, Some(before)) = (unlike, core.stream(id)) {
            self.reopen(id, events_spec(id, name, &before.schema, true)).await?;
        }
        match self.rewrite(core, stream, self.options.keep_raw || has_raw).await {
            Ok(()) if unlike => self.reopen(id, events_spec(id, name, &stream.schema, false)).await?,
            Ok(()) => {}
            Err(error) => {
                self.as_declared(core, id).await?;
                return Err(error);
            }
        }
        Ok(turn)
    }

    /// Goes on archiving a stream by the declaration that it has, when another did not come about: the table may have
    /// its columns.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub(crate) async fn as_declared(&self, core: &Core, id: ObjectId) -> Result<(), EngineError> {
        let archived = self.snapshot(id, false).is_ok_and(|archived| archived.is_some());
        if let (true, Some(stream)) = (archived, core.stream(id)) {
            self.reopen(id, events_spec(id, &stream.name, &stream.schema, self.options.keep_raw)).await?;
        }
        Ok(())
    }

    async fn rewrite(&self, core: &Core, stream: &StreamRuntime, keep_raw: bool) -> Result<(), EngineError> {
        let (id, name) = (stream.id, &stream.name);
        let spec = events_spec(id, name, &stream.schema, keep_raw);
        let reread = Rereader::new(Arc::clone(&core.log), id, name.to_string(), &stream.schema)?;
        let columns = SchemaRef::clone(&spec.schema);
        let table = self.writable(id, spec.clone(), false).await?;
        let transform = |rows: RecordBatch| rewrite(&reread, &rows, &columns);
        let progress = |done: u64, all: u64| core.jobs.progress(id, done as f64 / all.max(1) as f64);
        Ok(table.rewrite(spec, &transform, &progress).await?)
    }
}

/// Archived rows under other columns, by the records archived with them.
fn rewrite(reread: &Rereader, rows: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, ArchiveError> {
    let raw = rows.column_by_name(RAW).and_then(|raw| raw.as_binary_opt::<i32>());
    let record = |row: usize| raw.filter(|raw| raw.is_valid(row)).map(|raw| raw.value(row));
    let records: Vec<Option<&[u8]>> = (0..rows.num_rows()).map(record).collect();
    reread
        .with_records(rows, &records, columns)
        .map_err(|error| ArchiveError::from(arrow_schema::ArrowError::ComputeError(error.to_string())))
}
