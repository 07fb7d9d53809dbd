//! A query that a page keeps asking: answered at once, and again when what it reads has changed, no more often than the
//! page wants and the query can bear. An answer equal to the one before is not sent.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use arrow_array::RecordBatch;
use futures::StreamExt;
use highwater_api::{Answer, ApiError, ErrorKind, Pulses, SqlAnswer, SqlRequest, WatchRequest};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::message::addressed;
use crate::app::App;
use crate::changes::failed;
use crate::encode::{columns, rows_json};

/// After an error it is tried again so often.
const AGAIN_AFTER_ERROR: Duration = Duration::from_secs(2);
/// A query takes at most one part in so many of the time.
const REST: u32 = 4;
/// Least time between two answers.
const LEAST: Duration = Duration::from_millis(100);
/// Bytes of one answer at most.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) sql: String,
    pub(crate) schema: Option<String>,
    /// Rows beyond are cut off, and the answer says so.
    pub(crate) max_rows: usize,
    /// Least time between two answers.
    pub(crate) every: Duration,
}

/// A query being asked.
pub(super) struct Question {
    app: App,
    id: u64,
    asked: Asked,
    pulses: Option<Pulses>,
    /// The first answer, and the next after a change, may be made from then on.
    due: Instant,
    is_first: bool,
    /// What was sent last.
    sent: Option<u64>,
}

impl Question {
    pub(super) fn new(app: App, id: u64, asked: Asked) -> Self {
        let asked = Asked { every: asked.every.max(LEAST), ..asked };
        Self { app, id, asked, pulses: None, due: Instant::now(), is_first: true, sent: None }
    }

    /// The next message, for `futures::stream::unfold`.
    pub(super) async fn next(mut self) -> Option<(String, Self)> {
        loop {
            if !std::mem::take(&mut self.is_first) {
                self.change().await;
            }
            sleep_until(self.due).await;
            let (event, version, content) = match self.answer().await {
                Ok(Answered { version, content }) => ("answer", format!("{{\"version\":{version},"), content),
                Err(error) => {
                    self.pulses = None;
                    ("problem", String::new(), failed(error).data)
                }
            };
            // The version rises with every event of any stream, so it does not count.
            let mut hasher = DefaultHasher::new();
            (event, &content).hash(&mut hasher);
            if self.sent.replace(hasher.finish()) != Some(hasher.finish()) {
                return Some((addressed(self.id, event, &format!("{version}{content}")), self));
            }
        }
    }

    /// Waits until the answer may have changed.
    async fn change(&mut self) {
        match &mut self.pulses {
            None => sleep(AGAIN_AFTER_ERROR).await,
            Some(pulses) => {
                if pulses.next().await.is_none() {
                    self.pulses = None;
                }
            }
        }
    }

    async fn answer(&mut self) -> Result<Answered, ApiError> {
        if self.pulses.is_none() {
            let request = WatchRequest { sql: self.asked.sql.clone(), schema: self.asked.schema.clone() };
            self.pulses = Some(self.app.engine.watch(request).await?);
        }
        let turn = self.app.live_turns.acquire().await;
        let started = Instant::now();
        // On a task of its own, so that long queries do not hold up the connection. Dropping the set ends it.
        let mut running = JoinSet::new();
        running.spawn(run(self.app.clone(), self.asked.clone()));
        let outcome = running.join_next().await;
        drop(turn);
        self.due = Instant::now() + self.asked.every.max(started.elapsed() * (REST - 1));
        match outcome {
            Some(Ok(answer)) => answer,
            _ => Err(ApiError::internal("the query ended without an answer")),
        }
    }
}

/// An answer as JSON: the version, and the other members of the object.
struct Answered {
    version: String,
    content: String,
}

/// The answer of a query asked once: a JSON object with what an `answer` has.
pub(crate) async fn answered(app: App, asked: Asked) -> Result<String, ApiError> {
    let Answered { version, content } = run(app, asked).await?;
    Ok(format!("{{\"version\":{version},{content}"))
}

/// Runs the query once.
async fn run(app: App, asked: Asked) -> Result<Answered, ApiError> {
    let limits = app.settings.sql_limits;
    let request = SqlRequest { sql: asked.sql.clone(), schema: asked.schema.clone(), limits, read_only: true };
    let SqlAnswer::Rows(Answer { schema, mut rows, version }) = app.engine.sql(request).await? else {
        return Err(ApiError::new(ErrorKind::InvalidInput, "this statement gives no rows").with_hint("write a SELECT"));
    };
    let (mut batches, mut room): (Vec<RecordBatch>, usize) = (Vec::new(), asked.max_rows);
    let mut is_cut = false;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        is_cut = batch.num_rows() > room;
        batches.push(batch.slice(0, room.min(batch.num_rows())));
        room -= room.min(batch.num_rows());
        if is_cut {
            break;
        }
    }
    drop(rows);
    let encoding = |error: arrow_schema::ArrowError| ApiError::internal(format!("rows could not be encoded: {error}"));
    let rows = rows_json(&batches).map_err(encoding)?;
    if rows.len() > MAX_ANSWER_BYTES {
        let detail = format!("the answer is larger than {} MiB", MAX_ANSWER_BYTES >> 20);
        return Err(ApiError::new(ErrorKind::TooLarge, detail).with_hint("ask for fewer rows or columns"));
    }
    let json = |value: serde_json::Result<String>| value.map_err(|error| ApiError::internal(error.to_string()));
    let content = format!(
        "\"schema\":{},\"cut\":{is_cut},\"sql\":{},\"in_schema\":{},\"rows\":{rows}}}",
        json(serde_json::to_string(&columns(&schema)))?,
        json(serde_json::to_string(&asked.sql))?,
        json(serde_json::to_string(&asked.schema))?,
    );
    Ok(Answered { version: json(serde_json::to_string(&version))?, content })
}
