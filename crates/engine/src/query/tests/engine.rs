//! Queries against a running engine: streams, rejects, tables, views, system tables, `SHOW`, `EXPLAIN`, limits.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use highwater_api::{
    Answer, ApiError, BodyFormat, Engine, ErrorKind, IngestRequest, SqlAnswer, SqlLimits, SqlRequest, ViewRequest,
};
use highwater_model::ManualClock;
use highwater_sql::datafusion::arrow::util::display::array_value_to_string;
use tempfile::TempDir;

use crate::{EngineSettings, Highwater};

/// 2016-04-12T00:00:00Z.
const NOW: i64 = 1_460_419_200_000_000;

struct Fixture {
    engine: Highwater,
    _data: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let settings = EngineSettings::new(data.path());
        let engine = Highwater::open(settings, Arc::new(ManualClock::at(NOW))).await.unwrap();
        engine.caught_up().await;
        let fixture = Self { engine, _data: data };
        fixture
            .run(
                "CREATE STREAM steps (uuid BIGINT NOT NULL, steps BIGINT NOT NULL) \
                     WITH (partitions = 2, partition_by = 'uuid'); \
                 CREATE STREAM people (uuid BIGINT PRIMARY KEY, name TEXT); \
                 CREATE TABLE cities (city TEXT PRIMARY KEY, country TEXT); \
                 INSERT INTO cities VALUES ('Porto', 'PT'), ('Lyon', 'FR'); \
                 CREATE MATERIALIZED VIEW totals AS SELECT uuid, sum(steps) AS steps FROM steps GROUP BY uuid; \
                 CREATE VIEW busy AS SELECT * FROM totals WHERE steps >= 10",
            )
            .await
            .unwrap();
        fixture
            .ingest("steps", "{\"uuid\":1,\"steps\":5}\n{\"uuid\":2,\"steps\":7}\n{\"uuid\":1,\"steps\":6}\nno\n")
            .await;
        fixture.ingest("people", "{\"uuid\":1,\"name\":\"Ann\"}\n{\"uuid\":1,\"name\":\"Bea\"}\n").await;
        fixture
    }

    async fn ingest(&self, stream: &str, body: &'static str) {
        let body = bytes::Bytes::from_static(body.as_bytes());
        let (stream, format) = (stream.to_owned(), BodyFormat::NdJson);
        self.engine.ingest(IngestRequest { stream, format, body, stamp: None, wait_visible: true }).await.unwrap();
    }

    async fn run(&self, sql: &str) -> Result<SqlAnswer, ApiError> {
        self.limited(sql, SqlLimits::default()).await
    }

    async fn limited(&self, sql: &str, limits: SqlLimits) -> Result<SqlAnswer, ApiError> {
        self.engine.sql(SqlRequest { sql: sql.to_owned(), schema: None, limits, read_only: false }).await
    }

    /// The rows as text: `1 2; 3 4`.
    async fn rows(&self, sql: &str) -> Result<String, ApiError> {
        self.limited_rows(sql, SqlLimits::default()).await
    }

    async fn limited_rows(&self, sql: &str, limits: SqlLimits) -> Result<String, ApiError> {
        match self.limited(sql, limits).await? {
            SqlAnswer::Rows(answer) => text(answer).await,
            SqlAnswer::Done { tag, .. } => Ok(tag),
        }
    }
}

async fn text(answer: Answer) -> Result<String, ApiError> {
    let batches: Vec<_> = answer.rows.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
            rows.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    Ok(rows.join("; "))
}

#[tokio::test]
async fn every_kind_of_relation_is_read() {
    let fixture = Fixture::new().await;
    for (sql, wanted) in [
        ("SELECT * FROM totals ORDER BY uuid", "1 11; 2 7"),
        ("SELECT steps FROM totals WHERE uuid = 2", "7"),
        ("SELECT count(*) FROM totals WHERE uuid IN (1, 2, 3)", "2"),
        ("SELECT * FROM busy", "1 11"),
        ("SELECT uuid, steps FROM steps ORDER BY steps", "1 5; 1 6; 2 7"),
        ("SELECT count(DISTINCT _partition || '/' || _offset) FROM steps", "3"),
        ("SELECT steps FROM steps WHERE uuid = 1 AND _offset >= 1", "6"),
        ("SELECT uuid, name FROM people", "1 Bea"),
        ("SELECT name FROM HISTORY(people) ORDER BY _offset", "Ann; Bea"),
        ("SELECT raw, line, encoding FROM steps_rejects", "no 4 utf8"),
        ("SELECT city FROM cities WHERE country = 'PT'", "Porto"),
        ("SELECT p.name, t.steps FROM people p JOIN totals t USING (uuid)", "Bea 11"),
        ("SELECT now(), current_date", "2016-04-12T00:00:00Z 2016-04-12"),
    ] {
        assert_eq!(fixture.rows(sql).await.unwrap(), wanted, "{sql}");
    }
    fixture.run("DELETE FROM cities WHERE city = 'Porto'").await.unwrap();
    assert_eq!(fixture.rows("SELECT city FROM cities").await.unwrap(), "Lyon");
}

#[tokio::test]
async fn a_view_is_read_by_filter_order_and_limit() {
    let fixture = Fixture::new().await;
    let read = |filter: Option<&str>, order: Option<&str>, limit| ViewRequest {
        view: "public.totals".to_owned(),
        filter: filter.map(str::to_owned),
        order: order.map(str::to_owned),
        limit,
        ..ViewRequest::default()
    };
    let answer = fixture.engine.read_view(read(None, Some("steps DESC"), Some(1))).await.unwrap().answer;
    assert_eq!(answer.version, fixture.engine.version());
    assert_eq!(text(answer).await.unwrap(), "1 11");
    let answer = fixture.engine.read_view(read(Some("uuid = 2"), None, None)).await.unwrap().answer;
    assert_eq!(text(answer).await.unwrap(), "2 7");
    let wrong = fixture.engine.read_view(read(Some("uid = 2"), None, None)).await.unwrap_err();
    assert_eq!((wrong.kind, wrong.diagnostics.0.len()), (ErrorKind::InvalidInput, 1));
    let unknown = ViewRequest { view: "total".to_owned(), ..ViewRequest::default() };
    assert_eq!(fixture.engine.read_view(unknown).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn system_tables_and_show_tell_what_there_is() {
    let fixture = Fixture::new().await;
    for (sql, wanted) in [
        (
            "SELECT name, kind, state, rows, lag, key FROM highwater.views",
            "busy view    ; totals materialized view live 2 0 uuid",
        ),
        ("SELECT name, partitions, records, rejects, lag FROM highwater.streams", "people 1 2 0 0; steps 2 3 1 0"),
        (
            "SELECT stream, sum(next - visible) FROM highwater.partitions GROUP BY 1 ORDER BY 1",
            "cities 0; people 0; steps 0",
        ),
        ("SELECT name, rows FROM highwater.tables", "cities 2"),
        (
            "SELECT name, reads FROM highwater.relations WHERE reads IS NOT NULL",
            "busy public.totals; totals public.steps",
        ),
        ("SELECT count(*) FROM highwater.jobs", "0"),
        ("SHOW SCHEMAS", "highwater; public"),
        ("DESCRIBE totals", "uuid BIGINT false true; steps BIGINT true false"),
        ("SHOW timezone", "UTC"),
        ("SHOW JOBS", ""),
    ] {
        assert_eq!(fixture.rows(sql).await.unwrap(), wanted, "{sql}");
    }
    for (sql, wanted) in [
        ("SHOW STREAMS", "public steps"),
        ("SHOW TABLES", "public cities"),
        ("SHOW VIEWS", "public busy CREATE VIEW"),
        ("SHOW MATERIALIZED VIEWS", "public totals materialized view live"),
        ("SHOW CREATE totals", "public.totals CREATE MATERIALIZED VIEW"),
        ("SHOW COLUMNS FROM steps_rejects", "reason TEXT"),
        ("DESCRIBE highwater.views", "progress DOUBLE"),
    ] {
        let rows = fixture.rows(sql).await.unwrap();
        assert!(rows.contains(wanted), "{sql}: {rows}");
    }
    let unknown = fixture.rows("SELECT * FROM highwater.view").await.unwrap_err();
    assert!(unknown.to_string().contains("did you mean views"), "{unknown}");
    let status = fixture.engine.status();
    assert_eq!(status.streams.iter().map(|stream| stream.records).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(status.views.iter().map(|view| view.rows).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn explain_shows_plans_lookups_and_operators() {
    let fixture = Fixture::new().await;
    for (sql, wanted) in [
        ("EXPLAIN SELECT steps FROM totals WHERE uuid = 2", "look up public.totals by (uuid): 1 rows"),
        ("EXPLAIN SELECT * FROM totals", "read public.totals: all 2 rows"),
        ("EXPLAIN SELECT * FROM steps WHERE _partition = 0 AND _partition = 1", "EmptyRelation"),
        ("EXPLAIN SELECT * FROM steps", "read 3 records of public.steps from"),
        ("EXPLAIN ANALYZE SELECT * FROM totals", "2 rows, planned in"),
        ("EXPLAIN INCREMENTAL totals", "live: 2 rows"),
        ("EXPLAIN INCREMENTAL SELECT DISTINCT uuid FROM steps", "view keyed by (uuid)"),
        ("EXPLAIN CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM steps", "view keyed by"),
    ] {
        let rows = fixture.rows(sql).await.unwrap();
        assert!(rows.contains(wanted), "{sql}: {rows}");
    }
    let refused = fixture.rows("EXPLAIN INCREMENTAL busy").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::InvalidInput);
}

#[tokio::test]
async fn limits_and_errors_say_what_they_are() {
    let fixture = Fixture::new().await;
    let kind = |outcome: Result<String, ApiError>| outcome.unwrap_err().kind;
    let few = SqlLimits { max_rows: 1, ..SqlLimits::default() };
    assert_eq!(kind(fixture.limited_rows("SELECT * FROM totals", few).await), ErrorKind::TooLarge);
    let small = SqlLimits { max_memory_bytes: 100_000, ..SqlLimits::default() };
    let join = "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 2000) \
                SELECT count(DISTINCT a.n * 2000 + b.n) FROM n a, n b";
    assert_eq!(kind(fixture.limited_rows(join, small).await), ErrorKind::TooLarge);
    let brief = SqlLimits { timeout: Duration::from_millis(50), ..SqlLimits::default() };
    let long = "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 2000) \
                SELECT count(*) FROM n a, n b, n c, n d WHERE a.n + b.n + c.n <> d.n";
    assert_eq!(kind(fixture.limited_rows(long, brief).await), ErrorKind::Timeout);
    assert_eq!(kind(fixture.rows("SELECT 1 / (steps - steps) FROM totals").await), ErrorKind::InvalidInput);
    assert_eq!(kind(fixture.rows("SELECT CAST(name AS BIGINT) FROM people").await), ErrorKind::InvalidInput);
    let wrong = fixture.rows("SELECT upper(uuid, 1) FROM totals").await.unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::InvalidInput);
    assert!(!wrong.diagnostics.0.is_empty(), "{wrong:?}");
}
