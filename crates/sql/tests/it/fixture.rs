//! A catalog made by SQL, relations with a few rows, and running queries over them.

use std::collections::HashMap;
use std::sync::Arc;

use highwater_model::{Diagnostics, ObjectId};
use highwater_sql::datafusion::arrow::array::RecordBatch;
use highwater_sql::datafusion::arrow::datatypes::Schema;
use highwater_sql::datafusion::arrow::util::pretty::pretty_format_batches;
use highwater_sql::datafusion::datasource::{MemTable, provider_as_source};
use highwater_sql::datafusion::logical_expr::{LogicalPlan, TableSource};
use highwater_sql::datafusion::prelude::SessionContext;
// The manifest names tokio so, to settle its features; a package cannot be named twice.
use feature_tokio as tokio;
use highwater_sql::{Catalog, Entry, EntryKind, Face, Planner, Relations, Statement, parse};

/// Streams, tables and views in the schemas `public`, `steps_app` and `other`.
pub const SCRIPT: &str = "
CREATE STREAM steps_app.steps (source TEXT, uuid BIGINT NOT NULL, steps BIGINT NOT NULL, ts TIMESTAMPTZ NOT NULL)
  WITH (partition_by = 'uuid', event_time = 'ts', partitions = 4);
CREATE STREAM steps_app.rsvps (rsvp_id BIGINT PRIMARY KEY, mtime TIMESTAMPTZ UNIT 'ms', response TEXT,
  venue STRUCT<lat DOUBLE, lon DOUBLE, tags TEXT[]>) WITH (version = 'mtime');
CREATE TABLE steps_app.people (uuid BIGINT PRIMARY KEY, name TEXT NOT NULL, zone TEXT, joined DATE);
CREATE STREAM other.readings (sensor TEXT NOT NULL, value DOUBLE, at TIMESTAMPTZ NOT NULL);
CREATE STREAM public.shared (a INT, b INT);
CREATE MATERIALIZED VIEW steps_app.daily_steps AS
  SELECT date_trunc('day', ts AT TIME ZONE 'America/Los_Angeles') AS day, uuid, sum(steps) AS steps FROM steps GROUP BY 1, 2;
CREATE VIEW steps_app.leaderboard AS
  SELECT day, rank() OVER (PARTITION BY day ORDER BY steps DESC) AS rank, uuid, steps FROM daily_steps;
CREATE VIEW steps_app.walkers (who, total) AS SELECT uuid, sum(steps) FROM steps GROUP BY uuid;
";

/// No rows anywhere, unless given.
#[derive(Default)]
pub struct Rows(pub HashMap<ObjectId, RecordBatch>);

impl Relations for Rows {
    fn relation(&self, entry: &Entry, face: Face) -> Option<Arc<dyn TableSource>> {
        let schema = entry.relation_schema(face);
        let batches = match (self.0.get(&entry.id), face) {
            (Some(batch), Face::Default) => vec![batch.clone()],
            _ => vec![],
        };
        Some(provider_as_source(Arc::new(MemTable::try_new(schema, vec![batches]).unwrap())))
    }

    fn system(&self, name: &str) -> Option<Arc<dyn TableSource>> {
        let schema = Arc::new(Schema::empty());
        (name == "views").then(|| provider_as_source(Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap())))
    }

    fn system_names(&self) -> Vec<String> {
        vec!["views".to_owned(), "streams".to_owned()]
    }
}

/// The catalog of [`SCRIPT`].
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    catalog.create_schema("steps_app").unwrap();
    catalog.create_schema("other").unwrap();
    let planner = Planner::new();
    for statement in parse(SCRIPT).unwrap_or_else(|problems| panic!("{problems}")) {
        apply(&planner, &mut catalog, &statement, SCRIPT).unwrap_or_else(|problems| panic!("{problems}"));
    }
    catalog
}

/// Carries out a `CREATE`, as the engine would.
pub fn apply(
    planner: &Planner,
    catalog: &mut Catalog,
    statement: &Statement,
    text: &str,
) -> Result<ObjectId, Diagnostics> {
    let (name, kind, depends_on) = match statement {
        Statement::CreateStream(s) => (&s.name, EntryKind::Stream { schema: s.schema.clone() }, vec![]),
        Statement::CreateTable(s) => {
            (&s.name, EntryKind::Table { schema: s.schema.clone(), load: s.load.clone() }, vec![])
        }
        Statement::CreateMaterializedView(s) => {
            let schema = s.name.in_schema("public").schema;
            let query = planner.plan_for_view(&s.query, text, &s.columns, catalog, &schema)?;
            let kind = EntryKind::MaterializedView {
                query_sql: s.query_sql.clone(),
                columns: query.columns,
                key: vec![],
                retain_micros: s.retain.as_ref().map(|retain| retain.micros),
            };
            (&s.name, kind, query.depends_on)
        }
        Statement::CreateView(s) => {
            let schema = s.name.in_schema("public").schema;
            let view = planner.plan_plain_view(&s.query, text, &s.columns, catalog, &schema, &Rows::default())?;
            (&s.name, EntryKind::View { query_sql: s.query_sql.clone(), columns: view.columns }, view.depends_on)
        }
        other => panic!("cannot apply {}", other.tag()),
    };
    let name = name.in_schema("public");
    catalog.create(name, statement.sql().to_owned(), kind, depends_on).map_err(|error| error.diagnostic().into())
}

/// Plans a query in a schema.
pub fn plan(sql: &str, schema: &str) -> Result<LogicalPlan, Diagnostics> {
    let statements = parse(sql)?;
    let [Statement::Query(query)] = statements.as_slice() else { panic!("one query, please: {sql}") };
    Planner::new().plan(&query.query, sql, &catalog(), schema, &Rows::default())
}

/// Runs a plan and draws its rows.
pub fn run(plan: LogicalPlan) -> Result<String, String> {
    let context = SessionContext::new_with_state(Planner::new().session_state());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let batches = runtime
        .block_on(async { context.execute_logical_plan(plan).await?.collect().await })
        .map_err(|error| error.strip_backtrace())?;
    Ok(pretty_format_batches(&batches).unwrap().to_string())
}

/// The one value a query gives, as text.
pub fn value(sql: &str) -> Result<String, String> {
    let table = run(plan(sql, "public").map_err(|problems| problems.to_string())?)?;
    let row = table.lines().nth(3).ok_or("no row")?;
    Ok(row.trim_matches(['|', ' ']).to_owned())
}
