//! One live connection. Its subscriptions are streams that are asked for their next message only when the socket has
//! taken the last one: nothing queues up here, and a slow reader costs the engine nothing.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{Message as Frame, WebSocket};
use futures::stream::{AbortHandle, BoxStream, SelectAll, abortable};
use futures::{SinkExt, StreamExt};
use highwater_api::{ApiError, ErrorKind, SubscribeRequest};
use highwater_dashboards::{Dashboard, Source, Values, read_dashboard};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::heartbeat::{EVERY, Heartbeat};
use super::message::{Message, addressed};
use super::question::{Asked, Question};
use crate::app::{App, Closing};
use crate::apps;
use crate::changes::{Feed, failed};
use crate::query::filled;

/// A page that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows of a query's answer unless it asks for fewer.
const MAX_ROWS: u32 = 1000;
/// Rows of any answer.
const MOST_ROWS: u32 = 10_000;
/// Time between two answers unless a query says otherwise.
const EVERY_MS: u32 = 500;

/// The state of a connection.
pub(super) struct Session {
    app: App,
    closing: Closing,
    streams: SelectAll<BoxStream<'static, String>>,
    open: HashMap<u64, AbortHandle>,
    heart: Heartbeat,
}

impl Session {
    pub(super) fn new(app: App, closing: Closing) -> Self {
        Self { app, closing, streams: SelectAll::new(), open: HashMap::new(), heart: Heartbeat::default() }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self, socket: WebSocket) {
        let (mut sink, mut source) = socket.split();
        let mut beats = interval_at(Instant::now(), EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let text = tokio::select! {
                () = self.closing.0.cancelled() => break,
                _ = beats.tick() => Some(self.heart.beat(&self.app)),
                Some(text) = self.streams.next(), if !self.streams.is_empty() => Some(text),
                frame = source.next() => match frame {
                    Some(Ok(Frame::Text(text))) => self.take(&text).await,
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => None,
                },
            };
            let Some(text) = text else { continue };
            match timeout(PATIENCE, sink.send(Frame::Text(text.into()))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
        // The peer may be gone already; then there is nobody to tell.
        drop(timeout(PATIENCE, sink.close()).await);
    }

    /// Carries out a message; gives what to answer when it cannot be.
    async fn take(&mut self, text: &str) -> Option<String> {
        let message: Message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                let error = ApiError::new(ErrorKind::InvalidInput, format!("the message cannot be read: {error}"));
                let data = failed(error.with_hint("docs/http-api.md describes the messages")).data;
                return Some(addressed(0, "ended", &data));
            }
        };
        let id = message.id();
        if let Some(running) = self.open.remove(&id) {
            running.abort();
        }
        if matches!(message, Message::Close { .. }) {
            return None;
        }
        match self.stream_of(message).await {
            Ok(stream) => {
                let (stream, handle) = abortable(stream);
                self.streams.push(stream.boxed());
                self.open.insert(id, handle);
                None
            }
            Err(error) => Some(addressed(id, "ended", &failed(error).data)),
        }
    }

    /// Takes itself mutably only because streams cannot be shared between threads.
    async fn stream_of(&mut self, message: Message) -> Result<BoxStream<'static, String>, ApiError> {
        let most = self.app.settings.max_live_subscriptions;
        if self.open.len() >= most {
            let detail = format!("one connection follows at most {most} things");
            return Err(ApiError::new(ErrorKind::TooLarge, detail).with_hint("close some, or open another connection"));
        }
        match message {
            Message::View { id, view, filter, resume_from } => self.follow(id, view, filter, resume_from).await,
            Message::Query { id, sql, schema, max_rows, every_ms } => {
                Ok(self.ask(id, sql, filled(schema), max_rows.unwrap_or(MAX_ROWS), every_ms.unwrap_or(EVERY_MS)))
            }
            Message::Panel { id, app, dashboard, panel, values, resume_from } => {
                let page = self.page(&app, &dashboard)?;
                self.panel(id, app, &page, &panel, &values, resume_from).await
            }
            Message::Preview { id, app, text, panel, values, resume_from } => {
                let page = read_dashboard("draft", "draft.toml", &text)?;
                self.panel(id, app, &page, &panel, &values, resume_from).await
            }
            Message::Choices { id, app, dashboard, parameter, values } => {
                let page = self.page(&app, &dashboard)?;
                let sql = choices(&page, &parameter, &values)?;
                Ok(self.ask(id, sql, Some(app), MAX_ROWS, 5_000))
            }
            Message::Close { .. } => Ok(futures::stream::empty().boxed()),
        }
    }

    /// A panel of a page: its query asked again and again, or its view followed.
    async fn panel(
        &mut self,
        id: u64,
        app: String,
        page: &Dashboard,
        panel: &str,
        values: &Values,
        resume_from: Option<String>,
    ) -> Result<BoxStream<'static, String>, ApiError> {
        let Some(panel) = page.panel(panel) else {
            return Err(ApiError::new(ErrorKind::NotFound, format!("the page has no panel \"{panel}\"")));
        };
        let render = |sql: &String| page.render(sql, values).map(|rendered| rendered.sql).map_err(invalid);
        match &panel.source {
            Source::Sql { sql, .. } => Ok(self.ask(id, render(sql)?, Some(app), panel.max_rows, panel.refresh_ms)),
            Source::View { view, filter } => {
                let filter = filter.as_ref().map(render).transpose()?;
                let view = if view.contains('.') { view.clone() } else { format!("{app}.{view}") };
                self.follow(id, view, filter, resume_from).await
            }
            Source::Text { .. } => Err(invalid("a text panel has no rows".to_owned())),
        }
    }

    fn page(&self, app: &str, dashboard: &str) -> Result<std::sync::Arc<Dashboard>, ApiError> {
        apps::find(&self.app, app, dashboard)?.outcome.map_err(ApiError::from)
    }

    async fn follow(
        &mut self,
        id: u64,
        view: String,
        filter: Option<String>,
        resume_from: Option<String>,
    ) -> Result<BoxStream<'static, String>, ApiError> {
        let request = SubscribeRequest { view, filter: filled(filter), resume_from: filled(resume_from) };
        let subscription = self.app.engine.subscribe(request).await?;
        let feed = Feed::new(subscription, self.app.settings.max_event_rows, self.closing.clone()).with_keys_only();
        let told = futures::stream::unfold(feed, Feed::next);
        let named = |event| if event == "problem" { "ended" } else { event };
        Ok(told.map(move |told| addressed(id, named(told.event), &told.data)).boxed())
    }

    fn ask(
        &self,
        id: u64,
        sql: String,
        schema: Option<String>,
        max_rows: u32,
        every_ms: u32,
    ) -> BoxStream<'static, String> {
        let max_rows = max_rows.min(MOST_ROWS) as usize;
        let asked = Asked { sql, schema, max_rows, every: Duration::from_millis(every_ms.into()) };
        futures::stream::unfold(Question::new(self.app.clone(), id, asked), Question::next).boxed()
    }
}

fn invalid(why: String) -> ApiError {
    ApiError::new(ErrorKind::InvalidInput, why)
}

/// The query for the choices of a parameter.
fn choices(page: &Dashboard, parameter: &str, values: &Values) -> Result<String, ApiError> {
    let found =
        page.parameter(parameter).ok_or_else(|| invalid(format!("the page has no parameter \"{parameter}\"")))?;
    let rendered = page.choices_sql(found, values).map_err(invalid)?;
    rendered.map(|rendered| rendered.sql).ok_or_else(|| invalid(format!("the choices of {parameter} are fixed")))
}
