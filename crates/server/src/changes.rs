//! `GET /v1/views/{view}/changes`: a view's rows and then its changes, as server-sent events.
//!
//! Events, in this order: `snapshot` (first part; what the reader held is void), `rows` (further parts of it), then
//! `changes` for ever; `problem` when the subscription fails, after which the stream ends. An event with
//! `"more": true` is continued by the next. Its id is empty, which makes a reader that loses the connection in the
//! middle start over; the last part's id is the version, from which a reader resumes.
//!
//! The next event is asked of the engine only when the socket took the last one, so a slow reader costs the engine
//! nothing but one coalesced difference.

use std::collections::VecDeque;
use std::convert::Infallible;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use highwater_api::{ApiError, ChangeEvent, ChangeStream, SubscribeRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::{App, Closing};
use crate::encode::{ColumnDocument, columns, rows_json};
use crate::metrics::OpenSubscription;
use crate::problem::Problem;
use crate::query::{Name, Parameters, Params, filled};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// A SQL boolean expression over the columns; only matching rows are sent.
    #[serde(rename = "where")]
    #[param(example = "uuid = 7")]
    filter: Option<String>,
    /// The id of the last event seen, for clients that cannot send the `Last-Event-ID` header (which wins).
    last_event_id: Option<String>,
}

impl Parameters for ChangesQuery {
    const NAMES: &'static str = "where, last_event_id";
}

/// Follows a view.
///
/// Server-sent events whose data is JSON: `snapshot` `{version, key, schema, rows, more}` replaces all rows held;
/// `rows` `{version, rows, more}` adds to the snapshot begun; `changes` `{version, removed, added, more}` removes rows
/// and then adds rows; `problem` is the last event of a subscription that failed. While `more` is true the version is
/// not complete yet. Resume with `Last-Event-ID`: the changes since are sent if they are still held, else a snapshot.
#[utoipa::path(
    get, path = "/v1/views/{view}/changes", operation_id = "followView", tag = "views",
    params(
        ("view" = String, Path, description = "The view, table or keyed stream: `name` or `schema.name`.", min_length = 1,
            max_length = 256, pattern = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$", example = "rankmysteps.leaderboard"),
        ChangesQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen."),
    ),
    responses(
        (status = 200, description = "Events without end.", body = String, content_type = "text/event-stream",
            example = "event: snapshot\nid: 42-9f\ndata: {\"version\":\"42-9f\",\"key\":[\"uuid\"],\"schema\":[],\"rows\":[],\"more\":false}\n\n"),
    )
)]
pub(crate) async fn changes(
    State(app): State<App>,
    Name(view): Name,
    Params(query): Params<ChangesQuery>,
    headers: HeaderMap,
    closing: Closing,
) -> Result<Response, Problem> {
    let header = match headers.get(LAST_EVENT_ID) {
        None => None,
        Some(id) => Some(std::str::from_utf8(id.as_bytes()).map_err(|_| {
            Problem::invalid("Last-Event-ID is not UTF-8").with_hint("send the id of the last event, or leave it out")
        })?),
    };
    let resume_from = filled(header.map(str::to_owned)).or(filled(query.last_event_id));
    let request = SubscribeRequest { view, filter: filled(query.filter), resume_from };
    let subscription = app.engine.subscribe(request).await?;
    let feed = Feed::new(subscription, app.settings.max_event_rows, closing);
    let alive = KeepAlive::new().interval(app.settings.keep_alive).text("alive");
    let events = futures::stream::unfold(feed, Feed::next).map(|told| Ok::<_, Infallible>(told.into_event()));
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    // Proxies that collect answers before they pass them on would hold events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One event's worth of rows; encoded when its turn comes.
enum Part {
    Snapshot { version: String, rows: Vec<RecordBatch>, first: bool, more: bool },
    Changes { version: String, removed: Vec<RecordBatch>, added: Vec<RecordBatch>, more: bool },
    Failed(ApiError),
}

/// One event, encoded.
pub(crate) struct Told {
    /// `snapshot`, `rows`, `changes` or `problem`.
    pub(crate) event: &'static str,
    /// The version once it is complete, else empty, which makes browsers forget the last id; a problem has none.
    id: Option<String>,
    /// A JSON object.
    pub(crate) data: String,
}

impl Told {
    fn into_event(self) -> Event {
        let event = Event::default().event(self.event).data(self.data);
        match self.id {
            Some(id) => event.id(id),
            None => event,
        }
    }
}

/// A subscription on its way to one reader.
pub(crate) struct Feed {
    subscription: ChangeStream,
    key: Vec<String>,
    columns: Vec<ColumnDocument>,
    max_rows: usize,
    /// Rows that are gone are told by their keys only.
    keys_only: bool,
    parts: VecDeque<Part>,
    ended: bool,
    closing: Closing,
    _open: OpenSubscription,
}

impl Feed {
    pub(crate) fn new(subscription: ChangeStream, max_rows: usize, closing: Closing) -> Self {
        let fields = subscription.schema.fields();
        let key = subscription.key.iter().filter_map(|at| fields.get(*at)).map(|field| field.name().clone()).collect();
        let columns = columns(&subscription.schema);
        let (parts, _open) = (VecDeque::new(), OpenSubscription::begin());
        let (max_rows, keys_only) = (max_rows.max(1), false);
        Self { subscription, key, columns, max_rows, keys_only, parts, ended: false, closing, _open }
    }

    /// The same, telling of rows that are gone only the columns that identify them.
    pub(crate) fn with_keys_only(mut self) -> Self {
        self.keys_only = !self.key.is_empty();
        self
    }

    /// The next event; `None` after the last.
    pub(crate) async fn next(mut self) -> Option<(Told, Self)> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                let told = self.tell(part);
                return Some((told, self));
            }
            if self.ended {
                return None;
            }
            let event = tokio::select! {
                () = self.closing.0.cancelled() => None,
                event = self.subscription.events.next() => event,
            };
            match event {
                None => self.ended = true,
                Some(Ok(event)) => self.split(event),
                Some(Err(error)) => {
                    self.ended = true;
                    self.parts.push_back(Part::Failed(error));
                }
            }
        }
    }

    /// Cuts an engine event into parts of at most `max_rows` rows. Rows are not copied.
    fn split(&mut self, event: ChangeEvent) {
        match event {
            ChangeEvent::Snapshot { version, rows } => {
                let mut groups = grouped(rows, self.max_rows);
                if groups.is_empty() {
                    groups.push(Vec::new());
                }
                let last = groups.len() - 1;
                self.parts.extend(groups.into_iter().enumerate().map(|(at, rows)| Part::Snapshot {
                    version: version.clone(),
                    rows,
                    first: at == 0,
                    more: at < last,
                }));
            }
            ChangeEvent::Changes { version, removed, added } => {
                let removed = if self.keys_only { self.keys_of(removed) } else { removed };
                let total: usize = removed.iter().chain(&added).map(RecordBatch::num_rows).sum();
                if total <= self.max_rows {
                    self.parts.push_back(Part::Changes { version, removed, added, more: false });
                    return;
                }
                let removed = grouped(removed, self.max_rows).into_iter().map(|rows| (rows, Vec::new()));
                let added = grouped(added, self.max_rows).into_iter().map(|rows| (Vec::new(), rows));
                let groups: Vec<_> = removed.chain(added).collect();
                let last = groups.len() - 1;
                self.parts.extend(groups.into_iter().enumerate().map(|(at, (removed, added))| Part::Changes {
                    version: version.clone(),
                    removed,
                    added,
                    more: at < last,
                }));
            }
        }
    }

    /// Rows reduced to their keys; whole when that cannot be done.
    fn keys_of(&self, rows: Vec<RecordBatch>) -> Vec<RecordBatch> {
        rows.into_iter().map(|rows| rows.project(&self.subscription.key).unwrap_or(rows)).collect()
    }

    fn tell(&mut self, part: Part) -> Told {
        let encoded = match part {
            Part::Snapshot { version, rows, first, more } => self.snapshot(&version, &rows, first, more),
            Part::Changes { version, removed, added, more } => changed(&version, &removed, &added, more),
            Part::Failed(error) => return failed(error),
        };
        encoded.unwrap_or_else(|error| {
            self.ended = true;
            self.parts.clear();
            failed(ApiError::internal(format!("rows could not be encoded: {error}")))
        })
    }

    fn snapshot(&self, version: &str, rows: &[RecordBatch], first: bool, more: bool) -> Result<Told, ArrowError> {
        let rows = rows_json(rows)?;
        if !first {
            let data = format!("{{\"version\":{},\"rows\":{rows},\"more\":{more}}}", json(version)?);
            return Ok(Told { event: "rows", id: Some(id(version, more)), data });
        }
        let data = format!(
            "{{\"version\":{},\"key\":{},\"schema\":{},\"rows\":{rows},\"more\":{more}}}",
            json(version)?,
            json(&self.key)?,
            json(&self.columns)?,
        );
        Ok(Told { event: "snapshot", id: Some(id(version, more)), data })
    }
}

fn changed(version: &str, removed: &[RecordBatch], added: &[RecordBatch], more: bool) -> Result<Told, ArrowError> {
    let (removed, added) = (rows_json(removed)?, rows_json(added)?);
    let data = format!("{{\"version\":{},\"removed\":{removed},\"added\":{added},\"more\":{more}}}", json(version)?);
    Ok(Told { event: "changes", id: Some(id(version, more)), data })
}

/// Named `problem`, because browsers name their own connection errors `error`.
pub(crate) fn failed(error: ApiError) -> Told {
    let document = Problem::from(error).into_document();
    Told { event: "problem", id: None, data: serde_json::to_string(&document).unwrap_or_default() }
}

/// The id of an event.
fn id(version: &str, more: bool) -> String {
    if more || version.contains(char::is_control) { String::new() } else { version.to_owned() }
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Box<str>, ArrowError> {
    let text = serde_json::to_string(value).map_err(|error| ArrowError::JsonError(error.to_string()))?;
    Ok(text.into_boxed_str())
}

/// Groups of slices of batches, each of at most `max_rows` rows and none empty.
fn grouped(batches: Vec<RecordBatch>, max_rows: usize) -> Vec<Vec<RecordBatch>> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut room = max_rows;
    for batch in batches {
        let mut at = 0;
        while at < batch.num_rows() {
            let rows = room.min(batch.num_rows() - at);
            group.push(batch.slice(at, rows));
            at += rows;
            room -= rows;
            if room == 0 {
                groups.push(std::mem::take(&mut group));
                room = max_rows;
            }
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}
