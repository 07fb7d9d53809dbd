//! Asking: SQL statements and reads of one view. Dropping a response cancels the work behind it.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Client, ClientError};

/// How an answer is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// `application/json`.
    Json,
    /// `application/x-ndjson`: one object a line.
    NdJson,
    /// `text/csv` with a header line.
    Csv,
    /// `application/vnd.apache.arrow.stream`.
    Arrow,
}

impl AnswerFormat {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// SQL to run.
#[derive(Clone, Debug, Serialize)]
pub struct SqlCall<'a> {
    /// One or more statements.
    pub sql: &'a str,
    /// Where unqualified names are looked up and created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<&'a str>,
}

/// A read of one view.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewCall<'a> {
    /// `name` or `schema.name`.
    pub view: &'a str,
    /// A SQL condition.
    pub filter: Option<&'a str>,
    /// A SQL `ORDER BY` list.
    pub order: Option<&'a str>,
    /// Rows at most.
    pub limit: Option<u64>,
}

/// What a command that answers no rows says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CommandDone {
    /// As PostgreSQL would say it: `CREATE VIEW`, `INSERT 3`, ….
    pub tag: String,
    /// Rows inserted, updated or deleted.
    #[serde(default)]
    pub rows: u64,
    /// What the user should know besides.
    #[serde(default)]
    pub notices: Vec<String>,
}

/// The answer to SQL, as it comes.
#[derive(Debug)]
pub enum SqlResponse {
    /// Rows, written as asked.
    Rows(Body),
    /// A command was carried out.
    Done(CommandDone),
}

/// The body of an answer, in pieces as they arrive.
#[derive(Debug)]
pub struct Body {
    first: Option<Bytes>,
    rest: Option<Box<Response>>,
    client: Client,
}

impl Body {
    fn coming(response: Response, client: &Client) -> Self {
        Self { first: None, rest: Some(Box::new(response)), client: client.clone() }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks, which is also how a server ends an answer that failed half-way.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match &mut self.rest {
            Some(response) => response.chunk().await.map_err(|e| self.client.broken(e)),
            None => Ok(None),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Body::chunk`].
    pub async fn bytes(mut self) -> Result<Bytes, ClientError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }
}

impl Client {
    /// Runs SQL.
    ///
    /// # Errors
    /// When the server refuses it or cannot be reached.
    pub async fn sql(&self, call: &SqlCall<'_>, format: AnswerFormat) -> Result<SqlResponse, ClientError> {
        let accept = match format {
            AnswerFormat::Json => "application/json".to_owned(),
            other => format!("{}, application/json;q=0.5", other.content_type()),
        };
        let request = self.http().post(self.url("v1/sql")?).header("accept", accept).json(call);
        let response = self.send(request).await?;
        let written = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let as_json = written.starts_with("application/json");
        if !as_json {
            return Ok(SqlResponse::Rows(Body::coming(response, self)));
        }
        if format == AnswerFormat::Json {
            return self.json_answer(response).await;
        }
        let body = response.bytes().await.map_err(|e| self.broken(e))?;
        serde_json::from_slice(&body).map(SqlResponse::Done).map_err(|e| self.not_understood(&e))
    }

    /// Rows and commands come alike; only what is small enough to be a command is looked into.
    async fn json_answer(&self, response: Response) -> Result<SqlResponse, ClientError> {
        const LARGEST_COMMAND_ANSWER: u64 = 64 << 10;
        if response.content_length().is_none_or(|bytes| bytes > LARGEST_COMMAND_ANSWER) {
            return Ok(SqlResponse::Rows(Body::coming(response, self)));
        }
        let whole = response.bytes().await.map_err(|e| self.broken(e))?;
        Ok(match serde_json::from_slice::<CommandDone>(&whole) {
            Ok(done) => SqlResponse::Done(done),
            Err(_) => SqlResponse::Rows(Body { first: Some(whole), rest: None, client: self.clone() }),
        })
    }

    /// Runs a query for a program: every row as a JSON object, in memory.
    ///
    /// # Errors
    /// When the server refuses it, cannot be reached, or answers something else than rows.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Map<String, Value>>, ClientError> {
        match self.sql(&SqlCall { sql, schema: None }, AnswerFormat::NdJson).await? {
            SqlResponse::Rows(body) => self.lines(&body.bytes().await?),
            SqlResponse::Done(done) => Err(ClientError::NotUnderstood {
                address: self.address().to_owned(),
                reason: format!("rows were expected, not {}", done.tag),
            }),
        }
    }

    /// Reads a view: every row as a JSON object, in memory.
    ///
    /// # Errors
    /// When the server refuses it or cannot be reached.
    pub async fn view(&self, call: &ViewCall<'_>) -> Result<Vec<Map<String, Value>>, ClientError> {
        self.view_timed(call).await.map(|(rows, _)| rows)
    }

    /// As [`Client::view`], with the time that the server says its engine took (`Server-Timing`).
    ///
    /// # Errors
    /// When the server refuses it or cannot be reached.
    pub async fn view_timed(
        &self,
        call: &ViewCall<'_>,
    ) -> Result<(Vec<Map<String, Value>>, Option<Duration>), ClientError> {
        let view = utf8_percent_encode(call.view, NON_ALPHANUMERIC);
        let mut url = self.url(&format!("v1/views/{view}"))?;
        {
            let mut query = url.query_pairs_mut();
            for (name, value) in [("where", call.filter), ("order", call.order)] {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            if let Some(limit) = call.limit {
                query.append_pair("limit", &limit.to_string());
            }
        }
        let request = self.http().get(url).header("accept", AnswerFormat::NdJson.content_type());
        let response = self.send(request).await?;
        let took = response.headers().get("server-timing").and_then(|v| engine_time(v.to_str().ok()?));
        let body = response.bytes().await.map_err(|e| self.broken(e))?;
        Ok((self.lines(&body)?, took))
    }

    fn lines(&self, body: &[u8]) -> Result<Vec<Map<String, Value>>, ClientError> {
        serde_json::Deserializer::from_slice(body)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|e| self.not_understood(&e))
    }

    fn not_understood(&self, error: &serde_json::Error) -> ClientError {
        ClientError::NotUnderstood { address: self.address().to_owned(), reason: error.to_string() }
    }
}

/// The time of the entry `engine;dur=0.12`, in milliseconds.
fn engine_time(timing: &str) -> Option<Duration> {
    let entry = timing.split(',').map(str::trim).find(|entry| entry.starts_with("engine;"))?;
    let millis: f64 = entry.split(';').find_map(|part| part.trim().strip_prefix("dur="))?.parse().ok()?;
    Duration::try_from_secs_f64(millis / 1000.0).ok()
}
