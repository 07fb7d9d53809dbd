//! `GET /v1/views/{view}`: the rows of one view, table or keyed stream, with the version as `ETag`.

use std::time::Instant;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_api::ViewRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::encode::{self, RowsDocument};
use crate::problem::Problem;
use crate::query::{Name, Parameters, Params, filled};

/// Time spent where, in milliseconds (W3C Server Timing).
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ViewQuery {
    /// A SQL boolean expression over the columns.
    #[serde(rename = "where")]
    #[param(example = "uuid = 7")]
    filter: Option<String>,
    /// A SQL `ORDER BY` list.
    #[param(example = "steps DESC, uuid")]
    order: Option<String>,
    /// Rows at most: a whole number, or `all`. Default 1000.
    #[param(pattern = "^([0-9]{1,19}|all)?$", example = "10")]
    limit: Option<String>,
    /// Rows skipped first.
    #[param(minimum = 0, maximum = 9223372036854775807u64)]
    offset: Option<u64>,
}

impl Parameters for ViewQuery {
    const NAMES: &'static str = "where, order, limit (a whole number or all), offset (a whole number)";
}

/// Reads a view.
///
/// The `ETag` is the version read, so a client that polls with `If-None-Match` gets 304 until something changed.
/// Without `order` the order is not defined. Without `limit` at most 1000 rows are given; `limit=all` gives all.
#[utoipa::path(
    get, path = "/v1/views/{view}", operation_id = "readView", tag = "views",
    params(
        ("view" = String, Path, description = "The view, table or keyed stream: `name` or `schema.name`.", min_length = 1,
            max_length = 256, pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$", example = "rankmysteps.leaderboard"),
        ViewQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer to the same request."),
    ),
    responses(
        (status = 200, description = "The rows.",
            headers(
                ("ETag" = String, description = "The version read, as a weak tag."),
                ("Highwater-Version" = String, description = "The version read."),
            ),
            content(
                (RowsDocument = "application/json", example = json!({
                    "schema": [{"name": "uuid", "type": "BIGINT", "nullable": false}, {"name": "steps", "type": "BIGINT", "nullable": true}],
                    "rows": [{"uuid": 7, "steps": 12000}], "version": "42-9f"})),
                (String = "application/x-ndjson", example = "{\"uuid\":7,\"steps\":12000}\n"),
                (String = "text/csv", example = "uuid,steps\r\n7,12000\r\n"),
                (Vec<u8> = "application/vnd.apache.arrow.stream"),
            )),
        (status = 304, description = "Nothing changed since the version in If-None-Match.",
            headers(("ETag" = String, description = "The version served now."))),
    )
)]
pub(crate) async fn view(
    State(app): State<App>,
    Name(view): Name,
    Params(query): Params<ViewQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = encode::negotiate(&headers)?;
    let limit = limit(query.limit.as_deref(), app.settings.default_view_rows)?;
    if query.offset.is_some_and(|offset| i64::try_from(offset).is_err()) {
        return Err(Problem::invalid("offset is larger than 9223372036854775807").with_hint("write a smaller offset"));
    }
    let known = known_tags(&headers);
    // The tag in hand proves that the same request was answered at this version: no need to answer it again.
    let current = app.engine.version();
    if known.contains(&current.as_str()) {
        return Ok(unchanged(&current));
    }
    let request = ViewRequest {
        view,
        filter: filled(query.filter),
        order: filled(query.order),
        limit,
        offset: query.offset,
        limits: app.settings.sql_limits,
    };
    let asked = Instant::now();
    let answer = app.engine.read_view(request).await?.answer;
    let took = asked.elapsed();
    let version = answer.version.clone();
    if known.contains(&version.as_str()) || known.contains(&"*") {
        return Ok(unchanged(&version));
    }
    let mut response = encode::respond(form, answer, app.settings.max_json_answer_bytes).await?;
    tag(&mut response, &version);
    // How long the engine took until it knew its rows: what is left of the request is encoding and the way.
    if let Ok(timing) = HeaderValue::from_str(&format!("engine;dur={:.3}", took.as_secs_f64() * 1000.0)) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    Ok(response)
}

fn limit(text: Option<&str>, default: u64) -> Result<Option<u64>, Problem> {
    match text.map(str::trim) {
        None | Some("") => Ok(Some(default)),
        Some("all") => Ok(None),
        Some(number) => number.parse().map(Some).map_err(|_| {
            Problem::invalid(format!("limit={number:?} is not a whole number"))
                .with_hint("write limit=100, or limit=all")
        }),
    }
}

/// The versions that `If-None-Match` lists, without quotes and weakness marks.
fn known_tags(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .filter(|tag| !tag.is_empty())
        .collect()
}

fn unchanged(version: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    tag(&mut response, version);
    response
}

/// Weak, because the forms of an answer differ in their bytes. `no-cache`: keep it, but ask whether it still holds.
fn tag(response: &mut Response, version: &str) {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{version}\"")) {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
}
