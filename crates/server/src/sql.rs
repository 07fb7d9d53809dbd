//! `POST /v1/sql`: statements into the engine, rows or a command's tag back. Limits are settled here; everything about
//! the language is the engine's. Dropping the connection drops the engine's future or rows, which cancels the query.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use highwater_api::{SqlAnswer, SqlLimits, SqlRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::body;
use crate::encode::{self, RowsDocument};
use crate::ingest::{media_type, utf8_only};
use crate::problem::{Problem, ProblemKind};
use crate::query::filled;

/// A SQL request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SqlRequest)]
pub struct SqlBody {
    /// One or more statements, separated by `;`. The last one's answer is given.
    #[schema(
        min_length = 1,
        example = "SELECT day, uuid, steps FROM rankmysteps.daily_steps ORDER BY steps DESC LIMIT 10"
    )]
    pub sql: String,
    /// The schema of unqualified names; default `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "rankmysteps")]
    pub schema: Option<String>,
    /// Wall time from start to last row, in milliseconds; the server's own limit when less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 5000)]
    pub timeout_ms: Option<u64>,
    /// Rows answered at most; more is an error, not a cut. The server's own limit when less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 1000)]
    pub max_rows: Option<u64>,
    /// Whether statements that change anything are refused.
    #[serde(default)]
    pub read_only: bool,
}

/// The answer to statements that give no rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Done)]
pub struct DoneDocument {
    /// What was done, as PostgreSQL says it.
    #[schema(example = "CREATE MATERIALIZED VIEW")]
    pub tag: String,
    /// Rows inserted, updated or deleted.
    #[schema(minimum = 0)]
    pub rows: u64,
    /// What there is to know besides.
    pub notices: Vec<String>,
}

/// Either answer, for the description.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the two JSON answers; each is written by its own code")]
pub(crate) enum SqlDocument {
    /// Rows of a query.
    Rows(RowsDocument),
    /// A command's tag.
    Done(DoneDocument),
}

/// Runs SQL.
///
/// A query's rows come in the form that `Accept` asks for; a command answers JSON whatever it asks for. Errors after
/// the first rows of a streamed form (all but `application/json`) cut the connection off. The body may be compressed
/// (`Content-Encoding: gzip`).
#[utoipa::path(
    post, path = "/v1/sql", operation_id = "sql", tag = "sql",
    request_body(description = "The statements, as JSON with options or as plain text.", content(
        (SqlBody = "application/json", example = json!({"sql": "SELECT * FROM rankmysteps.leaderboard LIMIT 10"})),
        (String = "text/plain", example = "SELECT 1 AS one"),
    )),
    responses((status = 200, description = "The rows, or what was done.",
        headers(("Highwater-Version" = String, description = "The version read (absent for a command).")),
        content(
            (SqlDocument = "application/json", example = json!({
                "schema": [{"name": "one", "type": "BIGINT", "nullable": false}], "rows": [{"one": 1}], "version": "42-9f"})),
            (String = "application/x-ndjson", example = "{\"one\":1}\n"),
            (String = "text/csv", example = "one\r\n1\r\n"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
        ))),
)]
pub(crate) async fn sql(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let settings = &app.settings;
    let admitted = encode::negotiate(&headers).and_then(|form| Ok((form, written(&headers)?)));
    let (form, written) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::drain(&headers, body, settings.max_sql_bytes).await;
            return Err(problem);
        }
    };
    let account = app.intake.account();
    let received = body::receive(&headers, body, account, settings.max_sql_bytes, settings.request_timeout).await?;
    let request = request(written, &received.bytes, settings.sql_limits)?;
    drop(received);
    match app.engine.sql(request).await? {
        SqlAnswer::Rows(answer) => encode::respond(form, answer, settings.max_json_answer_bytes).await,
        SqlAnswer::Done { tag, rows, notices } => Ok(Json(DoneDocument { tag, rows, notices }).into_response()),
    }
}

/// How the statements are written.
#[derive(Clone, Copy)]
enum Written {
    Json,
    Text,
}

fn written(headers: &HeaderMap) -> Result<Written, Problem> {
    let hint = "send {\"sql\": \"…\"} as application/json, or the statement itself as text/plain";
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, "the body has no content type").with_hint(hint));
    };
    let (media, charset) = media_type(value);
    utf8_only(charset.as_deref())?;
    match media.as_str() {
        "application/json" => Ok(Written::Json),
        "text/plain" | "application/sql" => Ok(Written::Text),
        _ => {
            let detail = format!("content type {media:?} is not read here");
            Err(Problem::new(ProblemKind::UnsupportedMediaType, detail).with_hint(hint))
        }
    }
}

fn request(written: Written, bytes: &Bytes, limits: SqlLimits) -> Result<SqlRequest, Problem> {
    let body = match written {
        Written::Json => serde_json::from_slice::<SqlBody>(bytes).map_err(|error| {
            Problem::invalid(format!("the body is not a SQL request: {error}"))
                .with_hint("send {\"sql\": \"…\"}, with schema, timeout_ms, max_rows and read_only as you need them")
        })?,
        Written::Text => {
            let sql = std::str::from_utf8(bytes).map_err(|error| {
                Problem::invalid(format!("the statement is not UTF-8: {error}")).with_hint("send UTF-8")
            })?;
            SqlBody { sql: sql.to_owned(), ..SqlBody::default() }
        }
    };
    if body.sql.trim().is_empty() {
        return Err(Problem::invalid("there is no statement").with_hint("send at least one SQL statement"));
    }
    if body.timeout_ms == Some(0) || body.max_rows == Some(0) {
        return Err(Problem::invalid("timeout_ms and max_rows are at least 1").with_hint("leave out what has no limit"));
    }
    Ok(SqlRequest {
        sql: body.sql,
        schema: filled(body.schema),
        limits: narrowed(limits, body.timeout_ms, body.max_rows),
        read_only: body.read_only,
    })
}

/// The server's limits, or less when the request asks for less.
pub(crate) fn narrowed(limits: SqlLimits, timeout_ms: Option<u64>, max_rows: Option<u64>) -> SqlLimits {
    SqlLimits {
        timeout: timeout_ms.map_or(limits.timeout, |ms| Duration::from_millis(ms).min(limits.timeout)),
        max_rows: max_rows.map_or(limits.max_rows, |rows| rows.min(limits.max_rows)),
        ..limits
    }
}
