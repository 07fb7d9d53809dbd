//! The tables of the archive, two for each stream: its events and its rejects. Tables come into being with their first
//! rows; a table that cannot be read is said so to whoever needs it, and tried again.

use std::collections::HashMap;
use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_archive::{Archive, ArchiveError, ArchiveSettings, Table, TableSnapshot, TableSpec};
use highwater_model::{ObjectId, ObjectName, Offset, PartitionId, StreamSchema};
use highwater_sql::Catalog;
use highwater_sql::datafusion::object_store::ObjectStore;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use super::rows::{events_spec, rejects_spec, stream_of};
use super::settings::ArchiveOptions;
use crate::error::EngineError;

/// Whoever asks for everything to be archived, waiting for the answer.
pub(super) type Flush = oneshot::Sender<Result<(), EngineError>>;

/// All tables, by stream.
pub(crate) struct Archives {
    pub(super) options: ArchiveOptions,
    archive: Archive,
    tables: RwLock<HashMap<ObjectId, Arc<StreamTables>>>,
    flushes: mpsc::UnboundedSender<Flush>,
    /// For the thread that archives.
    pub(super) asked: Mutex<Option<mpsc::UnboundedReceiver<Flush>>>,
}

/// The tables of one stream.
pub(super) struct StreamTables {
    events: RwLock<Slot>,
    rejects: RwLock<Slot>,
    /// Held by whoever writes them; `false` once the stream is dropped.
    pub(super) turn: Arc<tokio::sync::Mutex<bool>>,
    /// Why the last attempt to archive failed, if it did.
    pub(super) error: Mutex<Option<String>>,
}

/// A table as far as it is known.
enum Slot {
    /// Nothing was archived yet.
    Missing,
    Open(Table),
    /// It is there and cannot be read.
    Unreadable(String),
}

/// What the archive holds of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// Events.
    pub(crate) rows: u64,
    /// Bytes of their files, and of those of rejects.
    pub(crate) bytes: u64,
    /// Files of events.
    pub(crate) files: u64,
    /// When events were last archived, in microseconds since 1970 UTC.
    pub(crate) committed_at_micros: Option<i64>,
    /// Why the last attempt failed.
    pub(crate) error: Option<String>,
}

impl Archives {
    /// Opens the archive and the tables of the streams that there are.
    pub(crate) async fn open(options: ArchiveOptions, catalog: &Catalog) -> Result<Self, EngineError> {
        let settings =
            ArchiveSettings { options: options.options.clone(), ..ArchiveSettings::new(options.root.clone()) };
        let archive = Archive::open(settings)?;
        let (flushes, asked) = mpsc::unbounded_channel();
        let archives = Self { options, archive, tables: RwLock::default(), flushes, asked: Mutex::new(Some(asked)) };
        let folders = archives.archive.folders().await?;
        for entry in catalog.entries() {
            let Some(schema) = entry.kind.stream_schema() else { continue };
            let tables = archives.of(entry.id);
            for (slot, spec) in [
                (&tables.events, events_spec(entry.id, &entry.name, schema, archives.options.keep_raw)),
                (&tables.rejects, rejects_spec(entry.id, &entry.name)),
            ] {
                if folders.contains(&spec.folder) {
                    let opened = archives.archive.table(spec).await;
                    *slot.write() = match opened {
                        Ok(table) => Slot::Open(table),
                        Err(error) => {
                            tracing::error!(stream = %entry.name, %error, "an archived table cannot be read");
                            Slot::Unreadable(error.to_string())
                        }
                    };
                }
            }
        }
        for folder in folders {
            // A crash came between dropping a stream and removing what was archived of it.
            if stream_of(&folder).is_some_and(|id| catalog.get(id).is_none() && id < catalog.next_id()) {
                tracing::info!(folder, "removing what was archived of a stream that was dropped");
                archives.archive.remove(&folder).await?;
            }
        }
        Ok(archives)
    }

    /// The folder or object store.
    pub(crate) fn root(&self) -> &str {
        &self.options.root
    }

    /// Where the files are.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        self.archive.store()
    }

    pub(super) fn of(&self, id: ObjectId) -> Arc<StreamTables> {
        if let Some(tables) = self.tables.read().get(&id) {
            return Arc::clone(tables);
        }
        let fresh = || {
            Arc::new(StreamTables {
                events: RwLock::new(Slot::Missing),
                rejects: RwLock::new(Slot::Missing),
                turn: Arc::new(tokio::sync::Mutex::new(true)),
                error: Mutex::new(None),
            })
        };
        Arc::clone(self.tables.write().entry(id).or_insert_with(fresh))
    }

    /// What is archived of a stream's events, or of its rejects; `None` while that is nothing.
    ///
    /// # Errors
    /// When there is a table that cannot be read.
    pub(crate) fn snapshot(&self, id: ObjectId, rejects: bool) -> Result<Option<Arc<TableSnapshot>>, ApiError> {
        let tables = self.of(id);
        let slot = tables.slot(rejects).read();
        match &*slot {
            Slot::Missing => Ok(None),
            Slot::Open(table) => Ok(Some(table.snapshot())),
            Slot::Unreadable(why) => {
                Err(ApiError::new(ErrorKind::Unavailable, format!("the archive cannot be read: {why}")).with_hint(
                    "it is tried again by itself; check the folder or object store that the setting `archive` names",
                ))
            }
        }
    }

    /// Up to where a partition is archived: what is below need not stay in the log. Nothing, while that is not known.
    pub(crate) fn covered(&self, id: ObjectId, partition: PartitionId) -> Offset {
        let snapshot = self.snapshot(id, partition.is_rejects()).ok().flatten();
        snapshot.and_then(|snapshot| snapshot.covered.get(&partition).copied()).unwrap_or(0)
    }

    /// What is held of a stream.
    pub(crate) fn held(&self, id: ObjectId) -> Held {
        let of = |rejects| self.snapshot(id, rejects).ok().flatten();
        let (events, rejects) = (of(false), of(true));
        Held {
            rows: events.as_ref().map_or(0, |events| events.rows),
            bytes: [&events, &rejects].into_iter().flatten().map(|table| table.bytes).sum(),
            files: events.as_ref().map_or(0, |events| events.files.len() as u64),
            committed_at_micros: events.map(|events| events.committed_at_micros),
            error: self.of(id).error.lock().clone(),
        }
    }

    /// Archives everything that views show now.
    pub(crate) async fn flush(&self) -> Result<(), EngineError> {
        let (answer, answered) = oneshot::channel();
        self.flushes.send(answer).map_err(|_| EngineError::Stopping)?;
        answered.await.map_err(|_| EngineError::Stopping)?
    }

    /// Opens a table for writing; makes it when it is not there.
    pub(super) async fn writable(&self, id: ObjectId, spec: TableSpec, rejects: bool) -> Result<Table, ArchiveError> {
        let tables = self.of(id);
        if let Slot::Open(table) = &*tables.slot(rejects).read() {
            return Ok(table.clone());
        }
        let table = self.archive.table(spec).await?;
        *tables.slot(rejects).write() = Slot::Open(table.clone());
        Ok(table)
    }

    /// Opens the table of a stream's events again, by another spec. The caller has its turn.
    pub(super) async fn reopen(&self, id: ObjectId, spec: TableSpec) -> Result<(), ArchiveError> {
        let table = self.archive.table(spec).await?;
        *self.of(id).slot(false).write() = Slot::Open(table);
        Ok(())
    }

    /// Removes what is archived of a stream that was dropped.
    pub(crate) async fn forget(
        &self,
        id: ObjectId,
        name: &ObjectName,
        schema: &StreamSchema,
    ) -> Result<(), EngineError> {
        let tables = self.of(id);
        let mut turn = tables.turn.lock().await;
        *turn = false;
        self.tables.write().remove(&id);
        for (slot, spec) in
            [(&tables.events, events_spec(id, name, schema, false)), (&tables.rejects, rejects_spec(id, name))]
        {
            if !matches!(&*slot.read(), Slot::Missing) {
                self.archive.remove(&spec.folder).await?;
            }
        }
        Ok(())
    }
}

impl StreamTables {
    fn slot(&self, rejects: bool) -> &RwLock<Slot> {
        if rejects { &self.rejects } else { &self.events }
    }
}
