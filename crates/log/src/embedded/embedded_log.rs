//! `EmbeddedLog`, the `Log` of one data folder: opens it, keeps its streams, passes every call on to `Stream`.
//! Created by the engine at start, by `doctor`, and by tests; decides nothing about bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use futures::future;
use highwater_model::{Clock, ObjectId, Offset, PartitionId};
use parking_lot::{Mutex, RwLock};

use super::failure::io_error;
use super::folder;
use super::grow::check_partitions;
use super::layout;
use super::lock::DataLock;
use super::quarantine;
use super::recovery;
use super::replay::Standing;
use super::report::{Finding, StreamReport};
use super::settings::LogSettings;
use super::shared::Shared;
use super::stream::Stream;
use super::verify;
use crate::LogError;
use crate::log::{Append, AppendFuture, Bounds, Log, RecordBlock, StreamSize};
use crate::storage::{DiskStorage, Storage};

/// The durable log of one data folder, on its own segment files. Dropping it writes what waits and frees the folder.
///
/// A stream whose acknowledged bytes were found broken at open takes no appends: [`Log::open_stream`] says so, what
/// is whole can be read, [`EmbeddedLog::verify`] tells what is wrong and [`EmbeddedLog::quarantine`] gives it up.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    streams: RwLock<BTreeMap<ObjectId, Arc<Stream>>>,
    /// Held by whoever adds, removes or replaces a stream.
    changing: Mutex<()>,
    // Last, so that the folder is free only when all threads are done.
    _lock: DataLock,
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl EmbeddedLog {
    /// Opens the log below the data folder `path`, making both if they are not there, and recovers every stream.
    ///
    /// # Errors
    /// [`LogError::InUse`] if another process has the folder open, [`LogError::Invalid`] for settings out of bounds
    /// or a format this program does not know, else what the system said. Damage to a stream is no error here.
    pub fn open(path: &Path, settings: LogSettings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, LogError> {
        Self::open_on(Arc::new(DiskStorage), path, settings, clock)
    }

    /// As [`EmbeddedLog::open`], on a storage of the caller's choice.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open`].
    pub fn open_on(
        storage: Arc<dyn Storage>,
        path: &Path,
        settings: LogSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, LogError> {
        settings.check()?;
        let log_folder = layout::log_folder(path);
        storage.create_dir_all(&log_folder).map_err(|error| io_error("create", &log_folder, error))?;
        let lock = DataLock::take(&*storage, path, &*clock)?;
        for folder in path.parent().into_iter().filter(|above| !above.as_os_str().is_empty()).chain([path]) {
            storage.sync_dir(folder).map_err(|error| io_error("flush", folder, error))?;
        }
        let shared = Arc::new(Shared::new(storage, log_folder, settings));
        let mut streams = BTreeMap::new();
        for id in folder::streams(&*shared.storage, &shared.folder)? {
            streams.insert(id, load(&shared, id)?);
        }
        Ok(Arc::new(Self { shared, streams: RwLock::new(streams), changing: Mutex::new(()), _lock: lock }))
    }

    /// Reads every durable byte of every stream and says what is there and what is wrong. Runs beside appends.
    ///
    /// # Errors
    /// What the system said; damage is no error here.
    pub fn examine(&self) -> Result<Vec<StreamReport>, LogError> {
        self.all().iter().map(|stream| verify::verify(stream)).collect()
    }

    /// What [`EmbeddedLog::examine`] finds wrong.
    ///
    /// # Errors
    /// What the system said; damage is no error here.
    pub fn verify(&self) -> Result<Vec<Finding>, LogError> {
        Ok(self.examine()?.into_iter().flat_map(|report| report.findings).collect())
    }

    /// Gives up the broken bytes of a stream so that it takes appends again: they are copied aside and become an
    /// explicit hole; reading across it stays [`LogError::Damaged`] ([`Log::after_hole`] tells where it goes on), and no
    /// lost offset is given to another record.
    /// Returns what was given up; nothing if the stream is whole. Findings that are not `repairable` stay.
    ///
    /// # Errors
    /// What the system said, or [`LogError::UnknownStream`].
    pub fn quarantine(&self, stream: ObjectId) -> Result<Vec<Finding>, LogError> {
        let _changing = self.changing.lock();
        let old = self.stream(stream)?;
        let findings = verify::verify(&old)?.findings;
        if findings.is_empty() && old.damage.is_none() {
            return Ok(findings);
        }
        old.close(false);
        quarantine::give_up(&old, &findings)?;
        self.shared.cache.forget(stream, u64::MAX);
        let fresh = load(&self.shared, stream)?;
        self.streams.write().insert(stream, fresh);
        self.shared.progress.raise();
        Ok(findings)
    }

    fn all(&self) -> Vec<Arc<Stream>> {
        self.streams.read().values().cloned().collect()
    }

    fn stream(&self, stream: ObjectId) -> Result<Arc<Stream>, LogError> {
        self.streams.read().get(&stream).cloned().ok_or(LogError::UnknownStream(stream))
    }
}

fn load(shared: &Arc<Shared>, id: ObjectId) -> Result<Arc<Stream>, LogError> {
    let folder = layout::stream_folder(&shared.folder, id);
    let found = recovery::recover(&*shared.storage, &shared.settings, &folder, id)?;
    if let Some(damage) = &found.damage {
        tracing::error!(stream = id.0, error = %damage, "the stream is damaged and takes no appends");
    }
    Ok(Arc::new(Stream::new(id, folder, Arc::clone(shared), found)))
}

impl Log for EmbeddedLog {
    fn open_stream(&self, stream: ObjectId, partitions: u32) -> Result<(), LogError> {
        check_partitions(partitions)?;
        let _changing = self.changing.lock();
        if let Ok(known) = self.stream(stream) {
            return known.grow(partitions);
        }
        self.shared.check_poison()?;
        let mut standing = Standing::beginning(self.shared.settings.max_producers);
        standing.partitions = partitions;
        folder::create(&*self.shared.storage, &self.shared.folder, stream, &standing)?;
        let fresh = load(&self.shared, stream)?;
        self.streams.write().insert(stream, fresh);
        Ok(())
    }

    fn drop_stream(&self, stream: ObjectId) -> Result<(), LogError> {
        let _changing = self.changing.lock();
        let dropped = self.streams.write().remove(&stream).ok_or(LogError::UnknownStream(stream))?;
        dropped.close(true);
        self.shared.cache.forget(stream, u64::MAX);
        folder::drop(&*self.shared.storage, &self.shared.folder, stream)
    }

    fn streams(&self) -> Vec<ObjectId> {
        self.streams.read().keys().copied().collect()
    }

    fn append(&self, append: Append) -> AppendFuture {
        match self.stream(append.stream) {
            Ok(stream) => stream.append(append),
            Err(error) => Box::pin(future::ready(Err(error))),
        }
    }

    fn read(
        &self,
        stream: ObjectId,
        partition: PartitionId,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<RecordBlock>, LogError> {
        self.stream(stream)?.read(partition, from, max_bytes)
    }

    fn after_hole(&self, stream: ObjectId, partition: PartitionId, from: Offset) -> Result<Option<Offset>, LogError> {
        self.stream(stream)?.after_hole(partition, from)
    }

    fn bounds(&self, stream: ObjectId, partition: PartitionId) -> Result<Bounds, LogError> {
        self.stream(stream)?.bounds(partition)
    }

    fn size(&self, stream: ObjectId) -> Result<StreamSize, LogError> {
        Ok(self.stream(stream)?.view.read().size())
    }

    fn progress(&self) -> u64 {
        self.shared.progress.get()
    }

    fn progressed(&self, seen: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.shared.progress.above(seen))
    }

    fn trim(
        &self,
        stream: ObjectId,
        before_micros: Option<i64>,
        max_bytes: Option<u64>,
        keep_from: &dyn Fn(PartitionId) -> Offset,
    ) -> Result<(), LogError> {
        self.stream(stream)?.trim(before_micros, max_bytes, keep_from)
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        for stream in self.all() {
            stream.close(false);
        }
    }
}
