//! A door as the corpus runner wants its databases.

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType};

use super::{Door, DoorError, IngestText, Outcome, render};

/// Adapts a door.
pub(super) struct Session<D>(pub(super) D);

#[async_trait]
impl<D: Door> AsyncDB for Session<D> {
    type Error = DoorError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, statement: &str) -> Result<DBOutput<DefaultColumnType>, DoorError> {
        if let Some(ingest) = IngestText::parse(statement) {
            return self.0.ingest(ingest?).await.map(DBOutput::StatementComplete);
        }
        match self.0.sql(statement).await? {
            Outcome::Rows(batches) => Ok(DBOutput::Rows {
                types: render::types(&batches),
                rows: render::rows(&batches).map_err(DoorError::of)?,
            }),
            Outcome::Done(rows) => Ok(DBOutput::StatementComplete(rows)),
        }
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "highwater"
    }
}
