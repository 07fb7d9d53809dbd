//! An engine in this process as a door. For the tests of `engine`, without a server between.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use highwater_api::{Engine, IngestRequest, SqlAnswer, SqlLimits, SqlRequest};

use super::{Door, DoorError, IngestText, Outcome};

/// An engine as a door.
pub struct EngineDoor {
    engine: Arc<dyn Engine>,
}

impl EngineDoor {
    /// The door to an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Door for EngineDoor {
    async fn sql(&mut self, sql: &str) -> Result<Outcome, DoorError> {
        let request = SqlRequest { sql: sql.to_owned(), schema: None, limits: SqlLimits::default(), read_only: false };
        match self.engine.sql(request).await.map_err(DoorError::of)? {
            SqlAnswer::Rows(answer) => answer.rows.try_collect().await.map(Outcome::Rows).map_err(DoorError::of),
            SqlAnswer::Done { rows, .. } => Ok(Outcome::Done(rows)),
        }
    }

    async fn ingest(&mut self, ingest: IngestText) -> Result<u64, DoorError> {
        let IngestText { stream, format, body } = ingest;
        let request = IngestRequest { stream, format, body, stamp: None, wait_visible: true };
        self.engine.ingest(request).await.map(|report| report.accepted).map_err(DoorError::of)
    }
}
