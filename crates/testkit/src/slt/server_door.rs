//! A server over HTTP as a door; on request it is killed and started again before every query, so that the same corpus
//! checks what survives a crash.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use async_trait::async_trait;
use highwater_client::{AnswerFormat, IngestCall, SqlCall, SqlResponse};

use super::{Door, DoorError, IngestText, Outcome};
use crate::{ServerProcess, ServerSettings};

/// When the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPolicy {
    /// Never.
    Never,
    /// Before every statement that reads.
    BeforeQueries,
}

/// A server over HTTP.
#[derive(Debug)]
pub struct ServerDoor {
    policy: KillPolicy,
    settings: ServerSettings,
    /// `None` only while it is started again.
    server: Option<ServerProcess>,
}

impl ServerDoor {
    /// Starts a server.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(settings: ServerSettings, policy: KillPolicy) -> Result<Self, DoorError> {
        let server = ServerProcess::start(settings.clone()).await.map_err(DoorError::of)?;
        Ok(Self { policy, settings, server: Some(server) })
    }

    async fn server(&mut self) -> Result<&ServerProcess, DoorError> {
        if self.server.is_none() {
            self.server = Some(ServerProcess::start(self.settings.clone()).await.map_err(DoorError::of)?);
        }
        self.server.as_ref().ok_or_else(|| DoorError("the server is gone".to_owned()))
    }
}

#[async_trait]
impl Door for ServerDoor {
    async fn sql(&mut self, sql: &str) -> Result<Outcome, DoorError> {
        if self.policy == KillPolicy::BeforeQueries
            && reads(sql)
            && let Some(server) = self.server.take()
        {
            server.kill().await.map_err(DoorError::of)?;
        }
        let client = self.server().await?.client();
        let call = SqlCall { sql, schema: None };
        match client.sql(&call, AnswerFormat::Arrow).await.map_err(DoorError::of)? {
            SqlResponse::Rows(body) => decode(&body.bytes().await.map_err(DoorError::of)?).map(Outcome::Rows),
            SqlResponse::Done(done) => Ok(Outcome::Done(done.rows)),
        }
    }

    async fn ingest(&mut self, ingest: IngestText) -> Result<u64, DoorError> {
        let IngestText { stream, format, body } = ingest;
        let call = IngestCall { stream, format, body, stamp: None, wait_visible: true };
        let report = self.server().await?.client().ingest(&call).await.map_err(DoorError::of)?;
        Ok(report.accepted)
    }
}

fn reads(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    matches!(word.as_str(), "SELECT" | "WITH" | "VALUES" | "SHOW" | "EXPLAIN")
}

fn decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, DoorError> {
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(DoorError::of)?;
    reader.collect::<Result<_, _>>().map_err(DoorError::of)
}
