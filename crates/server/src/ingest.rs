//! `POST /v1/streams/{stream}/events`: bodies of events into the engine, its report back.
//! The answer comes after the events are durable (or visible). Decoding is the engine's; here only media types.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_api::{ApiError, BodyFormat, ErrorKind, IngestReport, IngestRequest, ProducerStamp};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::body::{self, Received};
use crate::metrics;
use crate::problem::{Problem, ProblemKind};
use crate::query::{Name, Parameters, Params};
use crate::report::IngestDocument;

pub(crate) const PRODUCER: HeaderName = HeaderName::from_static("highwater-producer");
pub(crate) const SEQUENCE: HeaderName = HeaderName::from_static("highwater-sequence");
/// Longest producer name, in characters.
const MAX_PRODUCER: usize = 128;
const MEDIA_TYPES: &str = "application/x-ndjson, application/json, text/csv, text/plain";

/// Until when an ingest request waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wait {
    /// Until the events are on disk.
    #[default]
    Durable,
    /// Until every view shows them.
    Visible,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct IngestQuery {
    /// When to answer: `durable` (the default) as soon as the events are on disk, `visible` when every view shows them.
    #[serde(default)]
    #[param(inline)]
    wait: Wait,
}

impl Parameters for IngestQuery {
    const NAMES: &'static str = "wait=durable or wait=visible";
}

/// Stores events in a stream.
///
/// Good records are stored even when others of the same body are refused; those go, raw and with the reason, to
/// `<stream>_rejects`, and the answer is 207. A body without a content type is read as JSON when it starts with `{`
/// or `[`. With a producer and sequence a repeated request is stored once. The body may be compressed
/// (`Content-Encoding: gzip`); the size limit holds before and after.
#[utoipa::path(
    post, path = "/v1/streams/{stream}/events", operation_id = "ingest", tag = "streams",
    params(
        ("stream" = String, Path, description = "The stream: `name` or `schema.name`.", min_length = 1, max_length = 256,
            pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$", example = "rankmysteps.steps"),
        IngestQuery,
        ("Highwater-Producer" = Option<String>, Header, min_length = 1, max_length = 128, pattern = "^[!-~]+$",
            description = "The producer's name for itself; together with Highwater-Sequence."),
        ("Highwater-Sequence" = Option<u64>, Header, minimum = 0,
            description = "Counts the producer's batches to this stream without gaps; together with Highwater-Producer."),
    ),
    request_body(description = "The events, by content type: one JSON object a line; JSON (an array, one object, or \
        objects run together); CSV with a header line; or the stream's declared text layout.", content(
        (String = "application/x-ndjson", example = "{\"source\":\"watch\",\"uuid\":7,\"steps\":120,\"ts\":\"2016-02-02T18:41:39Z\"}\n"),
        (Object = "application/json", example = json!([{"source": "watch", "uuid": 7, "steps": 120, "ts": "2016-02-02T18:41:39Z"}])),
        (String = "text/csv", example = "source,uuid,steps,ts\nwatch,7,120,2016-02-02T18:41:39Z\n"),
        (String = "text/plain", example = "watch;7;120;2016-02-02T18:41:39Z\n"),
    )),
    responses(
        (status = 202, description = "All records are stored (or were before: `duplicate`).", body = IngestDocument,
            example = json!({"stream": "rankmysteps.steps", "accepted": 1, "rejected": 0, "duplicate": false,
                "offsets": [{"partition": 0, "first": 41, "next": 42}], "rejects": []})),
        (status = 207, description = "Some or all records were refused; the others are stored. Do not send it again.",
            body = IngestDocument,
            example = json!({"stream": "rankmysteps.steps", "accepted": 1, "rejected": 1, "duplicate": false,
                "offsets": [{"partition": 0, "first": 41, "next": 42}],
                "rejects": [{"record": 1, "byte": 74, "line": 2, "column": "steps", "reason": "expected a number, found \"many\""}]})),
    )
)]
pub(crate) async fn ingest(
    State(app): State<App>,
    name: Result<Name, Problem>,
    params: Result<Params<IngestQuery>, Problem>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let admitted = (|| {
        let (stream, params) = (name?.0, params?.0);
        Ok((stream, params, stamp(&headers)?, declared_format(&headers)?, app.intake.slot()?))
    })();
    let (stream, params, stamp, format, _slot) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::drain(&headers, body, app.settings.max_body_bytes).await;
            return Err(problem);
        }
    };
    let settings = &app.settings;
    // The account lives until the engine has answered: the memory is in use that long.
    let Received { bytes, account: _account } =
        body::receive(&headers, body, app.intake.account(), settings.max_body_bytes, settings.request_timeout).await?;
    let format = match format {
        Some(format) => format,
        None => sniffed(&bytes)?,
    };
    metrics::ingested(bytes.len());
    let request = IngestRequest { stream, format, body: bytes, stamp, wait_visible: params.wait == Wait::Visible };
    let report = store(&app, request).await?;
    Ok((outcome(&report), Json(IngestDocument::from(report))).into_response())
}

/// Hands a request to the engine, with a limit on the time. Also used by the socket.
pub(crate) async fn store(app: &App, request: IngestRequest) -> Result<IngestReport, Problem> {
    let within = app.settings.request_timeout;
    match tokio::time::timeout(within, app.engine.ingest(request)).await {
        Ok(report) => Ok(report?),
        Err(_) => {
            let detail =
                format!("not answered within {} s; the events may or may not have been stored", within.as_secs());
            let hint = "send the request again with the same producer and sequence: then it is stored once";
            Err(ApiError::new(ErrorKind::Timeout, detail).with_hint(hint).into())
        }
    }
}

/// 202 when every record was stored, 207 when any was refused.
pub(crate) fn outcome(report: &IngestReport) -> StatusCode {
    if report.rejected == 0 { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS }
}

fn stamp(headers: &HeaderMap) -> Result<Option<ProducerStamp>, Problem> {
    let hint = "send both headers: Highwater-Producer (1 to 128 characters) and Highwater-Sequence (a whole number)";
    let (producer, sequence) = match (headers.get(PRODUCER), headers.get(SEQUENCE)) {
        (None, None) => return Ok(None),
        (Some(producer), Some(sequence)) => (producer, sequence),
        _ => return Err(Problem::invalid("a producer needs a sequence, and a sequence a producer").with_hint(hint)),
    };
    let sequence = sequence.to_str().ok().and_then(|text| text.trim().parse().ok());
    let sequence =
        sequence.ok_or_else(|| Problem::invalid("Highwater-Sequence is not a whole number from 0").with_hint(hint))?;
    let producer = producer_name(std::str::from_utf8(producer.as_bytes()).unwrap_or_default())?;
    Ok(Some(ProducerStamp { producer, sequence }))
}

/// A producer's name within its limits. Also used by the socket.
pub(crate) fn producer_name(name: &str) -> Result<String, Problem> {
    let characters = name.chars().count();
    if characters == 0 || characters > MAX_PRODUCER || name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "the producer's name must have 1 to 128 characters, in UTF-8, none of them control",
        ));
    }
    Ok(name.to_owned())
}

/// The format that the content type names; `None` without one.
fn declared_format(headers: &HeaderMap) -> Result<Option<BodyFormat>, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(None) };
    let (media, charset) = media_type(value);
    let format = match media.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => BodyFormat::NdJson,
        "application/json" => BodyFormat::Json,
        "text/csv" => BodyFormat::Csv,
        "text/plain" => BodyFormat::Text,
        _ => {
            return Err(Problem::new(
                ProblemKind::UnsupportedMediaType,
                format!("content type {media:?} is not read here"),
            )
            .with_hint(format!("send one of: {MEDIA_TYPES}")));
        }
    };
    utf8_only(charset.as_deref())?;
    Ok(Some(format))
}

/// The media type in lower case and its charset.
pub(crate) fn media_type(value: &HeaderValue) -> (String, Option<String>) {
    let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"').to_owned());
    (media, charset)
}

/// Refuses every charset but UTF-8 (and its subset ASCII).
pub(crate) fn utf8_only(charset: Option<&str>) -> Result<(), Problem> {
    match charset {
        None | Some("utf-8" | "utf8" | "us-ascii") => Ok(()),
        Some(other) => {
            Err(Problem::new(ProblemKind::UnsupportedMediaType, format!("charset {other:?} is not read here"))
                .with_hint("send UTF-8"))
        }
    }
}

/// The format of a body without a content type: JSON when it begins like it.
fn sniffed(body: &[u8]) -> Result<BodyFormat, Problem> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Ok(BodyFormat::Json),
        _ => Err(Problem::new(ProblemKind::UnsupportedMediaType, "the body has no content type and is not JSON")
            .with_hint(format!("add a Content-Type header: one of {MEDIA_TYPES}"))),
    }
}
