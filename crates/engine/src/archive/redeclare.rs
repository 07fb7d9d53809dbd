//! The archive of a stream that got another declaration: its files are written anew, with the values that the archived
//! records hold for new columns. Done before the declaration is made durable: a table may have columns that the
//! declaration has not, so a crash in between leaves both as they were to whoever reads them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use highwater_archive::ArchiveError;
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
        let turn = std::sync::Arc::clone(&self.of(stream.id).turn).lock_owned().await;
        if self.snapshot(stream.id, false).map_err(|error| EngineError::Refused(Box::new(error)))?.is_none() {
            return Ok(turn);
        }
        let spec = events_spec(stream.id, &stream.name, &stream.schema, self.options.keep_raw);
        let log = std::sync::Arc::clone(&core.log);
        let reread = Rereader::new(log, stream.id, stream.name.to_string(), &stream.schema)?;
        let columns = SchemaRef::clone(&spec.schema);
        let table = self.writable(stream.id, spec.clone(), false).await?;
        let transform = |rows: RecordBatch| rewrite(&reread, &rows, &columns);
        table
            .rewrite(spec, &transform, &|done, all| {
                core.jobs.progress(stream.id, done as f64 / (all.max(1)) as f64);
            })
            .await?;
        Ok(turn)
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
