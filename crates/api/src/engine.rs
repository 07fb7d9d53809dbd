//! The engine as its doors see it.

use async_trait::async_trait;

use crate::{
    ApiError, ChangeStream, EngineStatus, ErrorKind, IngestReport, IngestRequest, JobRequest, JobStatus, Pulses,
    Readiness, ReplayReport, ReplayRequest, SnapshotReport, SqlAnswer, SqlRequest, SubscribeRequest, ViewAnswer,
    ViewRequest, WatchRequest,
};

/// Everything a door can ask of the engine. Implementations are cheap to share behind an `Arc`.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Stores events. Returns when they are durable (or visible, when asked).
    async fn ingest(&self, request: IngestRequest) -> Result<IngestReport, ApiError>;

    /// Runs SQL statements. Dropping the future or the rows cancels.
    async fn sql(&self, request: SqlRequest) -> Result<SqlAnswer, ApiError>;

    /// Reads rejected records again by the stream's present declaration; those that can be read become events, once.
    async fn replay_rejects(&self, request: ReplayRequest) -> Result<ReplayReport, ApiError> {
        let message = format!("the rejects of {} cannot be replayed here", request.stream);
        Err(ApiError::new(ErrorKind::Unsupported, message))
    }

    /// Takes a snapshot of the data folder under a name, into a folder below it that may be copied at leisure.
    async fn snapshot(&self, name: &str) -> Result<SnapshotReport, ApiError> {
        Err(ApiError::new(ErrorKind::Unsupported, format!("no snapshot {name} can be taken here")))
    }

    /// Reads one view.
    async fn read_view(&self, request: ViewRequest) -> Result<ViewAnswer, ApiError>;

    /// The tag of the version served now: the `ETag` of anything read now.
    fn version(&self) -> String;

    /// Follows one view.
    async fn subscribe(&self, request: SubscribeRequest) -> Result<ChangeStream, ApiError>;

    /// Tells when the answer of a query may have changed. The first item comes with the first change after the call.
    async fn watch(&self, request: WatchRequest) -> Result<Pulses, ApiError>;

    /// Begins an audit or a recomputation in the background; gives it as it is at its beginning.
    async fn start_job(&self, request: JobRequest) -> Result<JobStatus, ApiError>;

    /// The jobs that run, and those that were over last, by their numbers.
    fn jobs(&self) -> Vec<JobStatus>;

    /// Waits until a job is over; gives what came of it. Dropping the future does not stop the job.
    async fn await_job(&self, id: u64) -> Result<JobStatus, ApiError>;

    /// Asks a job to give up, and waits until it has. One that is over already stays as it is.
    async fn cancel_job(&self, id: u64) -> Result<JobStatus, ApiError>;

    /// Whether reads and writes are served.
    fn readiness(&self) -> Readiness;

    /// The engine at a glance.
    fn status(&self) -> EngineStatus;
}
