//! The engine at a glance, probes, metrics and the API's description. No handler here waits for anything.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use highwater_api::{EngineStatus, MemoryHolder, MemoryStatus, StreamStatus, ViewState, ViewStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The engine at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusDocument {
    /// The version served now.
    version: String,
    /// Ticks since the start.
    #[schema(minimum = 0)]
    ticks: u64,
    /// Streams in name order.
    streams: Vec<StreamDocument>,
    /// Materialized views in name order.
    views: Vec<ViewDocument>,
    /// The account of memory.
    memory: MemoryDocument,
}

/// State of views, tables and keyed streams, waiting events and checkpoints under way, against the limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemoryStatus)]
pub(crate) struct MemoryDocument {
    /// Bytes that may be held; null without a limit.
    #[schema(minimum = 0)]
    limit: Option<u64>,
    /// Bytes held.
    #[schema(minimum = 0)]
    held: u64,
    /// How often something was refused for lack of room, since the start.
    #[schema(minimum = 0)]
    refused: u64,
    /// The largest holders, the largest first.
    largest: Vec<HolderDocument>,
}

/// Who holds memory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemoryHolder)]
pub(crate) struct HolderDocument {
    /// The view, table or stream, qualified; null for the engine itself.
    relation: Option<String>,
    /// Which part of it.
    operator: String,
    /// Bytes held.
    #[schema(minimum = 0)]
    bytes: u64,
}

/// A stream's position.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamStatus)]
pub(crate) struct StreamDocument {
    /// Qualified name.
    name: String,
    /// Number of partitions.
    partitions: u32,
    /// Records held by the log.
    #[schema(minimum = 0)]
    records: u64,
    /// Records rejected and held.
    #[schema(minimum = 0)]
    rejects: u64,
    /// Records accepted since the start that no version shows yet.
    #[schema(minimum = 0)]
    lag: u64,
    /// Bytes in the log.
    #[schema(minimum = 0)]
    bytes: u64,
}

/// A view's position and size.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewStatus)]
pub(crate) struct ViewDocument {
    /// Qualified name.
    name: String,
    #[schema(inline)]
    state: StateName,
    /// Rows held.
    #[schema(minimum = 0)]
    rows: u64,
    /// Bytes held by its rows, indexes and operators.
    #[schema(minimum = 0)]
    bytes: u64,
    /// Events accepted that it does not show yet.
    #[schema(minimum = 0)]
    lag: u64,
    /// Progress of a backfill, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    /// The last error.
    error: Option<String>,
}

/// What a view is doing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateName {
    /// Follows its inputs.
    Live,
    /// Being computed from history; not readable yet.
    Backfilling,
    /// Readable, while a newer computation replaces it.
    Rebuilding,
    /// Stopped by an error.
    Failed,
}

/// Whether reads and writes are served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessDocument {
    /// Whether they are.
    ready: bool,
    /// Why not, or what is going on.
    detail: String,
}

impl From<EngineStatus> for StatusDocument {
    fn from(status: EngineStatus) -> Self {
        Self {
            version: status.version,
            ticks: status.ticks,
            streams: status.streams.into_iter().map(Into::into).collect(),
            views: status.views.into_iter().map(Into::into).collect(),
            memory: status.memory.into(),
        }
    }
}

impl From<MemoryStatus> for MemoryDocument {
    fn from(memory: MemoryStatus) -> Self {
        let MemoryStatus { limit, held, refused, largest } = memory;
        let holder = |MemoryHolder { relation, operator, bytes }| HolderDocument { relation, operator, bytes };
        Self { limit, held, refused, largest: largest.into_iter().map(holder).collect() }
    }
}

impl From<StreamStatus> for StreamDocument {
    fn from(stream: StreamStatus) -> Self {
        let StreamStatus { name, partitions, records, rejects, lag, bytes } = stream;
        Self { name, partitions, records, rejects, lag, bytes }
    }
}

impl From<ViewStatus> for ViewDocument {
    fn from(view: ViewStatus) -> Self {
        let ViewStatus { name, state, rows, bytes, lag, progress, error } = view;
        let state = match state {
            ViewState::Live => StateName::Live,
            ViewState::Backfilling => StateName::Backfilling,
            ViewState::Rebuilding => StateName::Rebuilding,
            ViewState::Failed => StateName::Failed,
        };
        let progress = if progress.is_finite() { progress.clamp(0.0, 1.0) } else { 0.0 };
        Self { name, state, rows, bytes, lag, progress, error }
    }
}

/// Tells what the engine is doing: streams, views, sizes, lags.
#[utoipa::path(get, path = "/v1/status", operation_id = "status", tag = "operations",
    responses((status = 200, description = "The engine at a glance.", body = StatusDocument)))]
pub(crate) async fn status(State(app): State<App>) -> Json<StatusDocument> {
    Json(app.engine.status().into())
}

/// Tells that the process is alive. It says nothing about the engine.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "operations",
    responses((status = 200, description = "Alive.", body = String, content_type = "text/plain", example = "ok\n")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Tells whether reads and writes are served.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "operations",
    responses(
        (status = 200, description = "Reads and writes are served.", body = ReadinessDocument),
        (status = 503, description = "They are not; the detail says why.", body = ReadinessDocument),
    ))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let readiness = app.engine.readiness();
    let document = Json(ReadinessDocument { ready: readiness.ready, detail: readiness.detail });
    if readiness.ready {
        document.into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], document).into_response()
    }
}

/// Gives the process's metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text exposition format 0.0.4.", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    crate::metrics::measure_process();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}

/// Describes this API (OpenAPI 3.1).
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operations",
    responses((status = 200, description = "This description.", body = Object, content_type = "application/json")))]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.openapi.clone()).into_response()
}
