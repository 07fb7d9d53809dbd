//! `POST /v1/streams/{stream}/rejects/replay`: rejected records, read again by the stream's present declaration.

use axum::Json;
use axum::extract::State;
use highwater_api::{ApiError, ErrorKind, Refusal, ReplayReport, ReplayRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::Problem;
use crate::query::{Name, Parameters, Params, filled};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReplayQuery {
    /// Which rejects: a SQL boolean expression over the columns of `<stream>_rejects`; without, all of them.
    #[serde(rename = "where")]
    #[param(example = "reason LIKE '%steps%'")]
    filter: Option<String>,
}

impl Parameters for ReplayQuery {
    const NAMES: &'static str = "where";
}

/// What came of a replay. All of it is durable when the report is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReplayReport)]
pub struct ReplayDocument {
    /// The stream, qualified.
    #[schema(example = "rankmysteps.steps")]
    pub stream: String,
    /// Rejects that became events now.
    #[schema(minimum = 0)]
    pub replayed: u64,
    /// The events stored for them.
    #[schema(minimum = 0)]
    pub events: u64,
    /// Rejects that are still refused; they stay as they are.
    #[schema(minimum = 0)]
    pub refused: u64,
    /// Rejects that had become events before.
    #[schema(minimum = 0)]
    pub replayed_before: u64,
    /// The first ones that are still refused, at most 20.
    #[schema(max_items = 20)]
    pub refusals: Vec<RefusalDocument>,
}

/// Why a reject is still refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Refusal)]
pub struct RefusalDocument {
    /// Its `_offset` in `<stream>_rejects`.
    #[schema(minimum = 0)]
    pub offset: u64,
    /// What is wrong now.
    pub reason: String,
}

impl From<ReplayReport> for ReplayDocument {
    fn from(report: ReplayReport) -> Self {
        let ReplayReport { stream, replayed, events, refused, replayed_before, refusals } = report;
        let refusals = refusals.into_iter().map(|Refusal { offset, reason }| RefusalDocument { offset, reason });
        Self { stream, replayed, events, refused, replayed_before, refusals: refusals.collect() }
    }
}

/// Replays rejected records.
///
/// Those that the stream's present declaration can read become events; each at most once, however often and by whomever
/// it is replayed. The others stay as they are, and are not kept a second time. When it takes longer than the server
/// waits, it goes on: ask again, it gives what is left.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/rejects/replay", operation_id = "replayRejects", tag = "streams",
    params(
        ("stream" = String, Path, description = "The stream: `name` or `schema.name`.", min_length = 1, max_length = 256,
            pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$", example = "rankmysteps.steps"),
        ReplayQuery,
    ),
    responses((status = 200, description = "What came of it.", body = ReplayDocument,
        example = json!({"stream": "rankmysteps.steps", "replayed": 2, "events": 2, "refused": 1, "replayed_before": 0,
            "refusals": [{"offset": 4, "reason": "expected a number, found \"many\""}]})))
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Name(stream): Name,
    Params(query): Params<ReplayQuery>,
) -> Result<Json<ReplayDocument>, Problem> {
    let within = app.settings.request_timeout;
    let request = ReplayRequest { stream, filter: filled(query.filter) };
    match tokio::time::timeout(within, app.engine.replay_rejects(request)).await {
        Ok(report) => Ok(Json(report?.into())),
        Err(_) => {
            let detail = format!("not done within {} s; it goes on, and nothing is stored twice", within.as_secs());
            Err(ApiError::new(ErrorKind::Timeout, detail).with_hint("ask again for what is left").into())
        }
    }
}
