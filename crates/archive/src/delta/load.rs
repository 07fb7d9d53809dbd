//! Reads a table's log, with its checkpoints, through `deltalake`. Called at opening and when another writer was there.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{Field, Schema};
use bytes::Bytes;
use chrono::NaiveDate;
use deltalake_core::kernel::LogicalFileView;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use highwater_model::{Offset, PartitionId};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::State;
use super::state::{application_of, partitions_of};
use crate::place::Place;
use crate::stored::ranges_from_json;
use crate::{ArchiveError, DATE_COLUMN, DataFile, TableSnapshot};

/// The latest version of a table; `None` when there is no table.
pub(crate) async fn load(place: &Place) -> Result<Option<State>, ArchiveError> {
    let Some(table) = open(place).await? else { return Ok(None) };
    let failed = |error| ArchiveError::delta(&place.folder, "read its log", error);
    let state = table.snapshot().map_err(failed)?;
    let schema = Arc::new(stored_of(place, state)?);
    let mut files = Vec::new();
    for view in state.log_data().iter() {
        files.push(Arc::new(data_file(place, &schema, &view).await?));
    }
    let snapshot = TableSnapshot {
        version: state.version(),
        files: Vec::new(),
        covered: covered(place, state).await?,
        schema,
        rows: 0,
        bytes: 0,
        committed_at_micros: committed_at(place, state).await?,
    };
    let state = State { snapshot: Arc::new(snapshot.with_files(files)), metadata: state.metadata().clone() };
    if !state.is_whole() {
        let (rows, absent) = (state.snapshot.rows, state.absent());
        let problem =
            format!("its files hold {rows} rows, and it covers {:?} with {absent} absent", state.snapshot.covered);
        return Err(place.damaged("_delta_log", problem));
    }
    if let Some(local) = &place.local {
        // What was read may be trusted only when no power cut can take it away.
        let path = place.commit(state.snapshot.version);
        local.sync_folder_of(&path).await.map_err(|source| ArchiveError::store(path, source))?;
    }
    Ok(Some(state))
}

async fn open(place: &Place) -> Result<Option<DeltaTable>, ArchiveError> {
    let mut table = DeltaTable::new(place.log.clone());
    match table.load().await {
        Ok(()) => Ok(Some(table)),
        Err(DeltaTableError::NotATable(problem)) => {
            let log = place.path.clone().join("_delta_log");
            let mut found = place.store.list(Some(&log));
            match found.try_next().await.map_err(|source| ArchiveError::store(&log, source))? {
                Some(object) => Err(place.damaged(object.location, problem)),
                None => Ok(None),
            }
        }
        Err(error) => Err(ArchiveError::delta(&place.folder, "read its log", error)),
    }
}

/// The columns of a loaded table in stored form, without the day.
fn stored_of(place: &Place, state: &DeltaTableState) -> Result<Schema, ArchiveError> {
    let schema: Schema = state.schema().as_ref().try_into_arrow()?;
    let day = schema.fields().iter().any(|field| field.name() == DATE_COLUMN);
    if !day || *state.metadata().partition_columns() != [DATE_COLUMN] {
        return Err(
            place.damaged("_delta_log", format!("this table is not divided by {DATE_COLUMN}: it is another program's"))
        );
    }
    let fields: Vec<Arc<Field>> = schema.fields().iter().filter(|field| field.name() != DATE_COLUMN).cloned().collect();
    Ok(Schema::new(fields))
}

async fn data_file(place: &Place, schema: &Schema, view: &LogicalFileView) -> Result<DataFile, ArchiveError> {
    let relative = view.object_store_path();
    let path = Path::from_iter(place.path.parts().chain(relative.parts()));
    if view.deletion_vector_descriptor().is_some() {
        return Err(place.damaged(path, "another program deleted some of its rows, which an archive does not allow"));
    }
    let date = match view.partition_values_map().get(DATE_COLUMN).cloned().flatten() {
        Some(text) => Some(
            NaiveDate::parse_from_str(&text, "%Y-%m-%d")
                .map_err(|_| place.damaged(&path, format!("its day is {text:?}")))?,
        ),
        None => None,
    };
    let (rows, columns) = match view.stats().and_then(|stats| ranges_from_json(schema, &stats)) {
        Some(known) => known,
        // Another program rewrote the file and left out the statistics.
        None => (count_rows(place, &path).await?, Vec::new()),
    };
    Ok(DataFile { bytes: view.size().unsigned_abs(), path, rows, date, columns })
}

async fn count_rows(place: &Place, path: &Path) -> Result<u64, ArchiveError> {
    let bytes = place.read(path).await?;
    let file = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|source| ArchiveError::parquet(path, source))?;
    Ok(file.metadata().file_metadata().num_rows().unsigned_abs())
}

async fn covered(place: &Place, state: &DeltaTableState) -> Result<BTreeMap<PartitionId, Offset>, ArchiveError> {
    let mut covered = BTreeMap::new();
    for partition in partitions_of(place, state.metadata())? {
        let application = application_of(partition);
        let version = state
            .transaction_version(place.log.as_ref(), &application)
            .await
            .map_err(|error| ArchiveError::delta(&place.folder, format!("read the offset of {application}"), error))?;
        match version.map(u64::try_from) {
            Some(Ok(next)) => covered.insert(partition, next),
            _ => return Err(place.damaged("_delta_log", format!("it tells no offset of {application}"))),
        };
    }
    Ok(covered)
}

async fn committed_at(place: &Place, state: &DeltaTableState) -> Result<i64, ArchiveError> {
    let path = place.commit(state.version());
    let bytes = match place.store.get(&path).await {
        Ok(found) => found.bytes().await.map_err(|source| ArchiveError::store(&path, source))?,
        // Another program cleaned the log up to its checkpoint.
        Err(object_store::Error::NotFound { .. }) => Bytes::new(),
        Err(source) => return Err(ArchiveError::store(path, source)),
    };
    let told = serde_json::Deserializer::from_slice(&bytes)
        .into_iter::<Value>()
        .map_while(Result::ok)
        .find_map(|line| line.get("commitInfo")?.get("timestamp")?.as_i64());
    Ok(told.or_else(|| state.version_timestamp(state.version())).unwrap_or(0) * 1000)
}

/// Files that were removed, and when (milliseconds since the epoch), as far as the log still tells.
pub(crate) async fn tombstones(place: &Place) -> Result<BTreeMap<Path, i64>, ArchiveError> {
    let failed = |error| ArchiveError::delta(&place.folder, "list removed files", error);
    let Some(table) = open(place).await? else { return Ok(BTreeMap::new()) };
    let state = table.snapshot().map_err(failed)?;
    let removed: Vec<_> = state.all_tombstones(place.log.as_ref()).try_collect().await.map_err(failed)?;
    Ok(removed
        .iter()
        .map(|file| {
            let relative = Path::from(file.path().as_ref());
            (Path::from_iter(place.path.parts().chain(relative.parts())), file.deletion_timestamp().unwrap_or(i64::MAX))
        })
        .collect())
}
