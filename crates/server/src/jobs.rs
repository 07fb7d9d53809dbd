//! `POST /v1/audits`, `POST /v1/recomputes`, `/v1/jobs`: long work that the engine does in the background. A job is begun
//! by one request, followed by others and given up by `DELETE`; no connection need stay open for it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use highwater_api::{
    ApiError, AuditResult, Difference, ErrorKind, JobKind, JobRequest, JobStatus, JobTarget, RowText, StreamMark,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::query::filled;

/// Which relations a job is about; all of them when nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobRequest)]
pub struct JobBody {
    /// These, by `name` or `schema.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["rankmysteps.daily_steps"]))]
    pub views: Vec<String>,
    /// Those of one app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "rankmysteps")]
    pub app: Option<String>,
}

/// A job and what came of it so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Job)]
pub struct JobDocument {
    /// Its number.
    #[schema(minimum = 1)]
    pub id: u64,
    /// What it does: `audit` or `recompute`.
    pub kind: String,
    /// How far it is: `waiting`, `running`, `done` or `cancelled`.
    pub state: String,
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub progress: f64,
    /// The relation it is at.
    pub relation: Option<String>,
    /// How many relations it is about.
    #[schema(minimum = 0)]
    pub relations: u64,
    /// When it was asked for (RFC 3339).
    pub started: String,
    /// When it was over.
    pub finished: Option<String>,
    /// What came of the relations that are done, in order.
    pub results: Vec<AuditDocument>,
}

/// What came of comparing one relation with what its history gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Audit)]
pub struct AuditDocument {
    /// Its number.
    #[schema(minimum = 1)]
    pub audit: u64,
    /// The relation.
    #[schema(example = "rankmysteps.daily_steps")]
    pub relation: String,
    /// `equal`, `different` or `failed`.
    pub status: String,
    /// When it began (RFC 3339).
    pub started: String,
    /// When it was over.
    pub finished: String,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The version compared, as the next offset of every partition it includes.
    pub mark: Vec<MarkDocument>,
    /// What `now()` was in that version (RFC 3339).
    pub clock: String,
    /// Events read.
    #[schema(minimum = 0)]
    pub events: u64,
    /// Rows served.
    #[schema(minimum = 0)]
    pub rows: u64,
    /// Rows that the history gives.
    #[schema(minimum = 0)]
    pub recomputed_rows: u64,
    /// Rows that the history gives and that are not served.
    #[schema(minimum = 0)]
    pub missing: u64,
    /// Rows served that the history does not give.
    #[schema(minimum = 0)]
    pub extra: u64,
    /// Rows with the same key and other values.
    #[schema(minimum = 0)]
    pub different: u64,
    /// The first of those rows, at most 100.
    pub differences: Vec<DifferenceDocument>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The next offset of each partition of a stream: all records below it count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = StreamMark)]
pub struct MarkDocument {
    /// The stream or table.
    pub stream: String,
    /// By partition.
    pub next: Vec<u64>,
}

/// A row that differs. Values are texts; null is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Difference)]
pub struct DifferenceDocument {
    /// `missing`, `extra` or `different`.
    pub kind: String,
    /// Its key; null when the relation has none.
    #[schema(value_type = Option<Object>)]
    pub key: Option<RowText>,
    /// As it is served.
    #[schema(value_type = Option<Object>)]
    pub live: Option<RowText>,
    /// As its history gives it.
    #[schema(value_type = Option<Object>)]
    pub recomputed: Option<RowText>,
}

/// The jobs there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Jobs)]
pub struct JobsDocument {
    /// By their numbers.
    pub jobs: Vec<JobDocument>,
}

/// Audits: compares what is served with what its history gives.
///
/// Each relation is held still at one version, computed again from events alone, and compared row by row, in the
/// background. An empty body or `{}` audits all materialized views, keyed streams and tables. Follow the job at the address
/// in `Location`.
#[utoipa::path(post, path = "/v1/audits", operation_id = "audit", tag = "jobs",
    request_body(description = "What to audit.", content((JobBody = "application/json", example = json!({"views": ["rankmysteps.daily_steps"]})))),
    responses((status = 202, description = "The job, begun.", body = JobDocument,
        headers(("Location" = String, description = "Where to follow it.")))))]
pub(crate) async fn audit(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    begin(&app, JobKind::Audit, &headers, body).await
}

/// Recomputes: evaluates views over their history and keeps the result.
///
/// As an audit; what was computed is stored as the view's batch result, and a view that turns out to be wrong is
/// built anew and put in place. An empty body or `{}` recomputes all materialized views.
#[utoipa::path(post, path = "/v1/recomputes", operation_id = "recompute", tag = "jobs",
    request_body(description = "What to recompute.", content((JobBody = "application/json", example = json!({"app": "rankmysteps"})))),
    responses((status = 202, description = "The job, begun.", body = JobDocument,
        headers(("Location" = String, description = "Where to follow it.")))))]
pub(crate) async fn recompute(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    begin(&app, JobKind::Recompute, &headers, body).await
}

async fn begin(app: &App, kind: JobKind, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let (settings, account) = (&app.settings, app.intake.account());
    let received = body::receive(headers, body, account, settings.max_sql_bytes, settings.request_timeout).await?;
    let asked = match received.bytes.trim_ascii() {
        [] => JobBody::default(),
        bytes => serde_json::from_slice::<JobBody>(bytes).map_err(|error| {
            Problem::invalid(format!("the body does not say what to {}: {error}", kind.name()))
                .with_hint("send {\"views\": [\"schema.name\"]}, {\"app\": \"name\"}, or {} for everything")
        })?,
    };
    let target = match (asked.views, filled(asked.app)) {
        (views, None) if views.is_empty() => JobTarget::All,
        (views, None) => JobTarget::Relations(views),
        (views, Some(app)) if views.is_empty() => JobTarget::App(app),
        _ => return Err(Problem::invalid("views and app exclude each other").with_hint("send one of them")),
    };
    let job = app.engine.start_job(JobRequest { kind, target, schema: None }).await?;
    let place = HeaderValue::from_str(&format!("/v1/jobs/{}", job.id));
    let mut response = (StatusCode::ACCEPTED, Json(document(job))).into_response();
    if let Ok(place) = place {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Lists the jobs that run, and those that were over last.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "jobs", tag = "jobs",
    responses((status = 200, description = "The jobs.", body = JobsDocument)))]
pub(crate) async fn jobs(State(app): State<App>) -> Json<JobsDocument> {
    Json(JobsDocument { jobs: app.engine.jobs().into_iter().map(document).collect() })
}

/// Gives one job: how far it is, and what came of it.
#[utoipa::path(get, path = "/v1/jobs/{job}", operation_id = "job", tag = "jobs",
    params(("job" = u64, Path, description = "The job's number.", example = 7)),
    responses((status = 200, description = "The job.", body = JobDocument)))]
pub(crate) async fn job(State(app): State<App>, Path(id): Path<String>) -> Result<Json<JobDocument>, Problem> {
    let id = number(&id)?;
    let found = app.engine.jobs().into_iter().find(|job| job.id == id);
    found.map(|job| Json(document(job))).ok_or_else(|| unknown(id).into())
}

/// Gives a job up.
///
/// Answers when it has ended. One that is over already stays as it is; what it found is kept.
#[utoipa::path(delete, path = "/v1/jobs/{job}", operation_id = "cancelJob", tag = "jobs",
    params(("job" = u64, Path, description = "The job's number.", example = 7)),
    responses((status = 200, description = "The job as it ended.", body = JobDocument)))]
pub(crate) async fn cancel(State(app): State<App>, Path(id): Path<String>) -> Result<Json<JobDocument>, Problem> {
    Ok(Json(document(app.engine.cancel_job(number(&id)?).await?)))
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::invalid(format!("{text:?} is no number of a job")).with_hint("write /v1/jobs/7"))
}

fn unknown(id: u64) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no job {id}")).with_hint("GET /v1/jobs lists those there are")
}

fn document(job: JobStatus) -> JobDocument {
    JobDocument {
        id: job.id,
        kind: job.kind.name().to_owned(),
        state: job.state.name().to_owned(),
        progress: job.progress,
        relation: job.relation,
        relations: job.relations,
        started: time(job.started_micros),
        finished: job.finished_micros.map(time),
        results: job.results.into_iter().map(result).collect(),
    }
}

fn result(found: AuditResult) -> AuditDocument {
    let mark = |StreamMark { stream, next }| MarkDocument { stream, next };
    let difference = |Difference { kind, key, live, recomputed }| DifferenceDocument {
        kind: kind.name().to_owned(),
        key,
        live,
        recomputed,
    };
    AuditDocument {
        audit: found.id,
        relation: found.relation,
        status: found.outcome.name().to_owned(),
        started: time(found.started_micros),
        finished: time(found.finished_micros),
        took_ms: found.finished_micros.saturating_sub(found.started_micros) as f64 / 1e3,
        mark: found.mark.into_iter().map(mark).collect(),
        clock: time(found.clock_micros),
        events: found.events,
        rows: found.rows,
        recomputed_rows: found.recomputed_rows,
        missing: found.missing,
        extra: found.extra,
        different: found.different,
        differences: found.differences.into_iter().map(difference).collect(),
        error: found.error,
    }
}

fn time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
}
