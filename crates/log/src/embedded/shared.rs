//! What all streams of one data folder share: storage, settings, progress, the cache of sealed segments, and whether a
//! flush has failed. Owned by `EmbeddedLog`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::cache::Cache;
use super::progress::Progress;
use super::settings::LogSettings;
use crate::LogError;
use crate::storage::{Storage, StorageFile};

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) folder: PathBuf,
    pub(crate) settings: LogSettings,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cache: Cache,
    poison: Mutex<Option<String>>,
    queued_bytes: AtomicU64,
}

impl Shared {
    pub(crate) fn new(storage: Arc<dyn Storage>, folder: PathBuf, settings: LogSettings) -> Self {
        Self {
            storage,
            folder,
            cache: Cache::new(settings.cached_segments),
            settings,
            progress: Arc::default(),
            poison: Mutex::default(),
            queued_bytes: AtomicU64::new(0),
        }
    }

    /// Takes no more appends on any stream, for this (the first) reason: what is on the disk is unknown.
    pub(crate) fn poison(&self, reason: String) -> LogError {
        let mut poison = self.poison.lock();
        if poison.is_none() {
            tracing::error!(reason, "the log takes no more appends");
        }
        LogError::Poisoned { reason: poison.get_or_insert(reason).clone() }
    }

    /// Whether appends are taken.
    pub(crate) fn check_poison(&self) -> Result<(), LogError> {
        match &*self.poison.lock() {
            Some(reason) => Err(LogError::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Flushes a file; after a failure the log is poisoned, and the flush is never tried again.
    pub(crate) fn flush(&self, file: &dyn StorageFile, path: &std::path::Path) -> Result<(), LogError> {
        let start = Instant::now();
        let flushed = file.sync_data();
        metrics::histogram!("highwater_log_fsync_seconds").record(start.elapsed().as_secs_f64());
        metrics::counter!("highwater_log_fsyncs_total").increment(1);
        flushed.map_err(|error| self.poison(format!("flush of {}: {error}", path.display())))
    }

    /// Counts bytes into what waits to be written.
    pub(crate) fn queued(&self, bytes: u64) {
        let now = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        metrics::gauge!("highwater_log_queue_bytes").set(now as f64);
    }

    /// Counts bytes out of what waits to be written.
    pub(crate) fn unqueued(&self, bytes: u64) {
        let now = self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        metrics::gauge!("highwater_log_queue_bytes").set(now as f64);
    }
}
