//! A bundled app in an engine of its own, and short ways to talk to it.

use std::path::Path;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use highwater_api::{BodyFormat, Engine, IngestReport, IngestRequest, SqlAnswer, SqlLimits, SqlRequest};
use highwater_engine::Highwater;

use crate::apps::{find_app, load_app};
use crate::serve::open_scratch;

/// The app; its data is gone when this is.
pub(super) struct Running {
    engine: Highwater,
    _folder: tempfile::TempDir,
}

impl Running {
    pub(super) async fn start(app: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = open_scratch(folder.path()).await.unwrap();
        load_app(&engine, &find_app(app, Path::new("/nowhere/apps")).unwrap()).await.unwrap();
        Self { engine, _folder: folder }
    }

    /// The rows of a query, cells separated by `|`; nothing for other statements.
    pub(super) async fn sql(&self, sql: &str) -> Vec<String> {
        let request = SqlRequest { sql: sql.to_owned(), schema: None, limits: SqlLimits::default(), read_only: false };
        let SqlAnswer::Rows(answer) = self.engine.sql(request).await.unwrap() else { return Vec::new() };
        let batches: Vec<_> = answer.rows.collect().await;
        let options = FormatOptions::new().with_null("NULL");
        let mut lines = Vec::new();
        for batch in batches.into_iter().map(Result::unwrap) {
            let columns: Vec<_> =
                batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                lines.push(columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join("|"));
            }
        }
        lines
    }

    /// Sends a body and waits until it is visible.
    pub(super) async fn ingest(&self, stream: &str, format: BodyFormat, body: impl Into<Vec<u8>>) -> IngestReport {
        let (stream, body) = (stream.to_owned(), body.into().into());
        self.engine.ingest(IngestRequest { stream, format, body, stamp: None, wait_visible: true }).await.unwrap()
    }
}
