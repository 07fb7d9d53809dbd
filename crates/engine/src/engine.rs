//! The engine as its owner holds it: opened on a data folder, closed in good order, and everything of
//! [`highwater_api::Engine`] in between.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use highwater_api::{
    ApiError, ChangeStream, Engine, EngineStatus, ErrorKind, IngestReport, IngestRequest, JobRequest, JobStatus,
    Pulses, Readiness, ReplayReport, ReplayRequest, SnapshotReport, SqlAnswer, SqlRequest, SubscribeRequest,
    ViewAnswer, ViewRequest, WatchRequest,
};
use highwater_model::Clock;
use parking_lot::Mutex;

use crate::archive::Archiver;
use crate::core::Core;
use crate::error::EngineError;
use crate::settings::EngineSettings;
use crate::{background, ingest, open, query, snapshot, statements, status, subscribe, watch};

/// A running engine.
pub struct Highwater {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Waits for the views to catch up with the log as it was at the start.
    settling: Mutex<Option<tokio::task::JoinHandle<()>>>,
    archiver: Option<Archiver>,
}

impl Highwater {
    /// Opens a data folder and starts. Takes events at once, and answers queries when its views have caught up with
    /// the log: see [`Engine::readiness`] and [`Highwater::caught_up`].
    ///
    /// # Errors
    /// When the folder is in use, or what must not be guessed (catalog, log) is damaged.
    pub async fn open(settings: EngineSettings, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let (core, thread, settling) = open::open(settings, clock).await?;
        let context = "starting the thread that archives".to_owned();
        let archiver = Archiver::start(&core).map_err(|source| EngineError::Io { context, source })?;
        Ok(Self { core, thread: Mutex::new(Some(thread)), settling: Mutex::new(Some(settling)), archiver })
    }

    /// Names the folder below which an app's tables find their files.
    pub fn set_app_folder(&self, schema: impl Into<String>, folder: impl Into<PathBuf>) {
        self.core.folders.write().insert(schema.into(), folder.into());
    }

    /// Waits until everything that was in the log at the start shows in the views.
    pub async fn caught_up(&self) {
        self.core.health.settled().await;
    }

    /// Until the views have caught up after a start, they are not shown: an old version must not pass for the newest.
    fn check_ready(&self) -> Result<(), ApiError> {
        let readiness = self.readiness();
        if readiness.ready {
            return Ok(());
        }
        Err(ApiError::new(ErrorKind::Unavailable, readiness.detail).with_hint("ask again when /readyz answers 200"))
    }

    /// Archives everything that views show now, instead of when its time has come.
    ///
    /// # Errors
    /// When the archive cannot be written, or there is none.
    pub async fn archive_now(&self) -> Result<(), ApiError> {
        let none = || ApiError::new(ErrorKind::Unsupported, "nothing is archived: the setting `archive` says none");
        Ok(self.core.archives.as_ref().ok_or_else(none)?.flush().await?)
    }

    /// Takes a last checkpoint and stops. What comes later is refused.
    pub async fn close(&self) {
        self.core.health.set_ready(false);
        let core = Arc::clone(&self.core);
        drop(tokio::task::spawn_blocking(move || core.tasks.close()).await);
        self.core.tick.stop();
        let archiver = self.archiver.as_ref().and_then(Archiver::stop);
        let thread = self.thread.lock().take();
        for thread in [thread, archiver].into_iter().flatten() {
            drop(tokio::task::spawn_blocking(move || drop(thread.join())).await);
        }
        let settling = self.settling.lock().take();
        if let Some(settling) = settling {
            drop(settling.await);
        }
    }
}

impl Drop for Highwater {
    fn drop(&mut self) {
        self.core.tasks.close();
        self.core.tick.stop();
        let archiver = self.archiver.as_ref().and_then(Archiver::stop);
        let thread = self.thread.lock().take();
        for thread in [thread, archiver].into_iter().flatten() {
            drop(thread.join());
        }
    }
}

impl std::fmt::Debug for Highwater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Highwater").field("data", &self.core.settings.data).finish_non_exhaustive()
    }
}

#[async_trait]
impl Engine for Highwater {
    async fn ingest(&self, request: IngestRequest) -> Result<IngestReport, ApiError> {
        ingest::ingest(&self.core, request).await
    }

    async fn sql(&self, request: SqlRequest) -> Result<SqlAnswer, ApiError> {
        self.check_ready()?;
        statements::run(&self.core, request).await
    }

    async fn replay_rejects(&self, request: ReplayRequest) -> Result<ReplayReport, ApiError> {
        self.check_ready()?;
        statements::replay(&self.core, &request).await
    }

    async fn snapshot(&self, name: &str) -> Result<SnapshotReport, ApiError> {
        snapshot::snapshot(&self.core, name).await
    }

    async fn read_view(&self, request: ViewRequest) -> Result<ViewAnswer, ApiError> {
        self.check_ready()?;
        query::read_view(&self.core, request).await
    }

    fn version(&self) -> String {
        self.core.reader.read().version()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<ChangeStream, ApiError> {
        self.check_ready()?;
        subscribe::subscribe(&self.core, &request)
    }

    async fn watch(&self, request: WatchRequest) -> Result<Pulses, ApiError> {
        self.check_ready()?;
        watch::watch(&self.core, &request)
    }

    async fn start_job(&self, request: JobRequest) -> Result<JobStatus, ApiError> {
        self.check_ready()?;
        background::start(&self.core, &request)
    }

    fn jobs(&self) -> Vec<JobStatus> {
        self.core.tasks.list()
    }

    async fn await_job(&self, id: u64) -> Result<JobStatus, ApiError> {
        background::await_job(&self.core, id).await
    }

    async fn cancel_job(&self, id: u64) -> Result<JobStatus, ApiError> {
        background::cancel(&self.core, id).await
    }

    fn readiness(&self) -> Readiness {
        match self.core.health.trouble() {
            Some(why) => Readiness { ready: false, detail: why },
            None if self.core.health.is_ready() && self.core.memory.is_full() => {
                let limit = self.core.memory.limit();
                let detail =
                    format!("serving, but the memory limit of {limit} is reached: no events for views, no new views");
                Readiness { ready: true, detail }
            }
            None if self.core.health.is_ready() => Readiness { ready: true, detail: "serving".to_owned() },
            None => Readiness { ready: false, detail: "reading the log up to its end, or stopping".to_owned() },
        }
    }

    fn status(&self) -> EngineStatus {
        status::status(&self.core)
    }
}
