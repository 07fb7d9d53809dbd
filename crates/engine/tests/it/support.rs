//! An engine in a folder, and short ways to talk to it.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use highwater_api::{
    ApiError, BodyFormat, Engine, IngestReport, IngestRequest, ProducerStamp, SqlAnswer, SqlLimits, SqlRequest,
};
use highwater_engine::{EngineSettings, Highwater};
use highwater_model::SystemClock;
use highwater_sql::datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

pub const STEPS: &str = r#"
CREATE STREAM steps (source TEXT, uuid BIGINT NOT NULL, steps BIGINT NOT NULL, ts TIMESTAMPTZ NOT NULL)
  WITH (partition_by = 'uuid', event_time = 'ts', partitions = 4, format = 'json');
CREATE MATERIALIZED VIEW daily_steps AS
  SELECT (ts AT TIME ZONE 'America/Los_Angeles')::date AS day, uuid, sum(steps) AS steps FROM steps GROUP BY 1, 2;
"#;

pub async fn open(folder: &Path) -> Highwater {
    open_with(EngineSettings::new(folder)).await
}

pub async fn open_with(settings: EngineSettings) -> Highwater {
    let engine = Highwater::open(settings, Arc::new(SystemClock)).await.unwrap();
    engine.caught_up().await;
    engine
}

pub async fn try_sql(engine: &Highwater, sql: &str) -> Result<Vec<String>, ApiError> {
    let request = SqlRequest { sql: sql.to_owned(), schema: None, limits: SqlLimits::default(), read_only: false };
    match engine.sql(request).await? {
        SqlAnswer::Done { tag, .. } => Ok(vec![tag]),
        SqlAnswer::Rows(answer) => {
            let batches: Vec<_> = answer.rows.collect().await;
            Ok(lines(&batches.into_iter().collect::<Result<Vec<_>, _>>()?))
        }
    }
}

pub async fn sql(engine: &Highwater, sql: &str) -> Vec<String> {
    try_sql(engine, sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

pub fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::new().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    lines
}

pub fn request(stream: &str, format: BodyFormat, body: impl Into<Vec<u8>>) -> IngestRequest {
    IngestRequest { stream: stream.to_owned(), format, body: body.into().into(), stamp: None, wait_visible: true }
}

pub async fn ingest(engine: &Highwater, stream: &str, body: &str) -> IngestReport {
    engine.ingest(request(stream, BodyFormat::NdJson, body)).await.unwrap()
}

pub async fn ingest_stamped(
    engine: &Highwater,
    stream: &str,
    body: &str,
    producer: &str,
    sequence: u64,
) -> Result<IngestReport, ApiError> {
    let stamp = Some(ProducerStamp { producer: producer.to_owned(), sequence });
    engine.ingest(IngestRequest { stamp, ..request(stream, BodyFormat::NdJson, body) }).await
}

/// `count` step events, one a user, all on one local day.
pub fn steps(first: u64, count: u64) -> String {
    (first..first + count)
        .map(|n| {
            format!(
                "{{\"source\":\"1\",\"uuid\":{},\"steps\":{},\"ts\":\"2016-02-02T20:00:00Z\"}}\n",
                n % 97,
                n % 10 + 1
            )
        })
        .collect()
}

/// The folder as it is now, as a crash leaves it: what says how far something goes is copied before what goes so far.
/// Files that go away meanwhile are left out.
pub fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(folder, copy.path());
    copy
}

pub fn copy_all(from: &Path, to: &Path) {
    let mut names: Vec<_> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_by_key(|name| (name != "state" && name != "committed", name.clone()));
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_all(&source, &target);
        } else if let Err(error) = std::fs::copy(source, target) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
}
