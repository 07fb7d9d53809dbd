//! `GET /v1/streams/{stream}/socket`: WebSocket ingest. Every text or binary message is one batch; every batch is
//! acknowledged by one JSON message, in order, after it is durable (or visible).
//!
//! One batch of a socket is in the engine at a time, so batches are stored in the order sent and nothing is read while
//! the engine is busy: the sender is slowed by TCP. More at once wants larger batches or more sockets.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use highwater_api::{BodyFormat, IngestRequest, ProducerStamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use utoipa::{IntoParams, ToSchema};

use crate::app::{App, Closing};
use crate::ingest::{self, Wait};
use crate::metrics;
use crate::problem::{Problem, ProblemDocument, ProblemKind};
use crate::query::{Name, Parameters, Params};
use crate::report::IngestDocument;

/// How the messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatName {
    /// One JSON object a line.
    #[default]
    NdJson,
    /// An array, one object, or objects run together.
    Json,
    /// Header line first, in every message.
    Csv,
    /// The stream's declared layout.
    Text,
}

impl From<FormatName> for BodyFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::NdJson => Self::NdJson,
            FormatName::Json => Self::Json,
            FormatName::Csv => Self::Csv,
            FormatName::Text => Self::Text,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SocketQuery {
    /// How every message is written. Default `ndjson`.
    #[serde(default)]
    #[param(inline)]
    format: FormatName,
    /// When to acknowledge: `durable` (the default) as soon as the batch is on disk, `visible` when every view shows it.
    #[serde(default)]
    #[param(inline)]
    wait: Wait,
    /// The producer's name for itself, 1 to 128 characters; together with `sequence`.
    #[param(min_length = 1, max_length = 128)]
    producer: Option<String>,
    /// The first batch's sequence; it counts up with every batch stored.
    #[param(minimum = 0)]
    sequence: Option<u64>,
}

impl Parameters for SocketQuery {
    const NAMES: &'static str =
        "format (ndjson, json, csv, text), wait (durable, visible), producer and sequence (together)";
}

/// The acknowledgement of one batch: a report, or a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BatchAcknowledgement)]
pub struct BatchDocument {
    /// The batch's number on this socket, from 0.
    pub batch: u64,
    /// The sequence it was sent under, when the socket has a producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The status the batch would have had as a request: 202, 207 or an error's.
    pub status: u16,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<IngestDocument>,
    /// Why it was not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDocument>,
    /// How long to wait before sending it again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Stores batches of events sent over a WebSocket.
///
/// Every text or binary message is one batch; the server answers each with one JSON message (BatchAcknowledgement), in
/// order. With a producer, a batch that cannot be stored is the last one: the socket is closed after its
/// acknowledgement, and the client goes on from that sequence on a new one.
#[utoipa::path(
    get, path = "/v1/streams/{stream}/socket", operation_id = "ingestSocket", tag = "streams",
    params(
        ("stream" = String, Path, description = "The stream: `name` or `schema.name`.", min_length = 1, max_length = 256,
            pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$", example = "rankmysteps.steps"),
        SocketQuery,
    ),
    responses((status = 101, description = "The connection speaks WebSocket from here on (RFC 6455)."))
)]
pub(crate) async fn socket(
    State(app): State<App>,
    Name(stream): Name,
    Params(query): Params<SocketQuery>,
    closing: Closing,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let stamp = match (&query.producer, query.sequence) {
        (None, None) => None,
        (Some(producer), Some(sequence)) => {
            Some(ProducerStamp { producer: ingest::producer_name(producer)?, sequence })
        }
        _ => {
            return Err(Problem::invalid("a producer needs a sequence, and a sequence a producer")
                .with_hint("send both parameters: producer and sequence"));
        }
    };
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(ProblemKind::UpgradeRequired, format!("this is not a WebSocket handshake: {rejection}"))
            .with_hint("open it with a WebSocket client, or POST the events to /v1/streams/{stream}/events")
    })?;
    let limit = app.settings.max_body_bytes;
    let session = Session { app, stream, query, stamp, batch: 0 };
    Ok(upgrade
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| async move { session.run(socket, closing).await }))
}

/// One open socket.
struct Session {
    app: App,
    stream: String,
    query: SocketQuery,
    stamp: Option<ProducerStamp>,
    /// Number of the next batch.
    batch: u64,
}

impl Session {
    async fn run(mut self, mut socket: WebSocket, closing: Closing) {
        let period = self.app.settings.keep_alive;
        let mut alive = interval_at(Instant::now() + period, period);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                () = closing.0.cancelled() => return close(socket, close_code::AWAY, "the server stops").await,
                _ = alive.tick() => {
                    // A peer that is gone shows itself by a failing write.
                    if socket.send(Message::Ping(Bytes::new())).await.is_err() {
                        return;
                    }
                    continue;
                }
                message = socket.recv() => message,
            };
            let body = match message {
                Some(Ok(Message::Text(text))) => Bytes::from(text),
                Some(Ok(Message::Binary(body))) => body,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_))) | None => return,
                Some(Err(error)) => {
                    let reason = format!("the message could not be read: {error}");
                    return close(socket, close_code::POLICY, &reason).await;
                }
            };
            let (acknowledgement, go_on) = self.store(body).await;
            let text = serde_json::to_string(&acknowledgement).unwrap_or_default();
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
            if !go_on {
                return close(socket, close_code::AGAIN, "go on from the batch that was not stored").await;
            }
        }
    }

    /// Stores one batch. Also says whether the socket goes on.
    async fn store(&mut self, body: Bytes) -> (BatchDocument, bool) {
        let _slot = self.app.intake.wait_for_slot().await;
        metrics::ingested(body.len());
        let request = IngestRequest {
            stream: self.stream.clone(),
            format: self.query.format.into(),
            body,
            stamp: self.stamp.clone(),
            wait_visible: self.query.wait == Wait::Visible,
        };
        let stored = ingest::store(&self.app, request).await;
        let (batch, sequence) = (self.batch, self.stamp.as_ref().map(|stamp| stamp.sequence));
        self.batch += 1;
        match stored {
            Ok(report) => {
                if let Some(stamp) = &mut self.stamp {
                    stamp.sequence = stamp.sequence.saturating_add(1);
                }
                let status = ingest::outcome(&report).as_u16();
                let report = Some(report.into());
                (BatchDocument { batch, sequence, status, report, problem: None, retry_after_ms: None }, true)
            }
            Err(problem) => {
                let status = problem.status().as_u16();
                let retry_after_ms = problem.retry_after().map(|after| after.as_millis() as u64);
                let problem = Some(problem.into_document());
                let go_on = self.stamp.is_none();
                (BatchDocument { batch, sequence, status, report: None, problem, retry_after_ms }, go_on)
            }
        }
    }
}

/// Longest reason in a close frame, in bytes (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;

async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let frame = CloseFrame { code, reason: reason[..end].into() };
    // The peer may be gone already; then there is nobody to tell.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
