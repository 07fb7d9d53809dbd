//! Plans over unbound leaves, optimized, given their rows and executed: every leaf is found, in every place a query can
//! have one, and what filters say about keys reaches it.

use std::sync::Arc;

use arrow_array::{Int32Array, Int64Array, RecordBatch, StringArray};
use highwater_model::{Column, ObjectName};
use highwater_sql::datafusion::arrow::datatypes::DataType;
use highwater_sql::datafusion::arrow::util::pretty::pretty_format_batches;
use highwater_sql::datafusion::execution::TaskContext;
use highwater_sql::datafusion::logical_expr::{LogicalPlan, TableSource};
use highwater_sql::datafusion::physical_plan::collect;
use highwater_sql::{Catalog, Entry, EntryKind, Face, Planner, Relations, Statement, parse};

use crate::query::bind::{Leaf, leaves_of, put};
use crate::query::keys::Wanted;
use crate::query::scan_batches::{BatchesPartition, source};
use crate::query::source::{LeafSource, Reads};

struct Unbound;

impl Relations for Unbound {
    fn relation(&self, entry: &Entry, face: Face) -> Option<Arc<dyn TableSource>> {
        let source = entry.relation_source(face)?;
        let (id, name, noun) = (entry.id, entry.name.clone(), entry.kind.noun());
        Some(Arc::new(LeafSource {
            id,
            name,
            noun,
            reads: Reads::Rows,
            schema: source.schema,
            key: source.key,
            indexes: Arc::from([]),
            past: None,
        }))
    }

    fn system(&self, _: &str) -> Option<Arc<dyn TableSource>> {
        None
    }
}

/// `daily (day INT, uuid BIGINT, steps BIGINT, name TEXT)` keyed by day and uuid, and the plain view `busy` over it.
fn catalog() -> Catalog {
    let mut catalog = Catalog::new();
    let columns = vec![
        Column::new("day", DataType::Int32, false),
        Column::new("uuid", DataType::Int64, false),
        Column::new("steps", DataType::Int64, true),
        Column::new("name", DataType::Utf8, true),
    ];
    let view = |query_sql: &str, columns: &[Column]| EntryKind::MaterializedView {
        query_sql: query_sql.to_owned(),
        columns: columns.to_vec(),
        key: vec![0, 1],
        retain_micros: None,
    };
    let daily = catalog.create(ObjectName::new("public", "daily"), String::new(), view("", &columns), vec![]).unwrap();
    let query_sql = "SELECT day, uuid FROM daily WHERE steps >= 20".to_owned();
    let busy = EntryKind::View { query_sql, columns: columns[..2].to_vec() };
    catalog.create(ObjectName::new("public", "busy"), String::new(), busy, vec![daily]).unwrap();
    catalog
}

fn rows() -> RecordBatch {
    let schema = catalog().by_name(&ObjectName::new("public", "daily")).unwrap().relation_schema(Face::Default);
    RecordBatch::try_new(
        schema,
        vec![
            Arc::new(Int32Array::from(vec![1, 1, 2, 2])),
            Arc::new(Int64Array::from(vec![10, 11, 10, 11])),
            Arc::new(Int64Array::from(vec![Some(5), Some(20), Some(30), None])),
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), Some("a"), None])),
        ],
    )
    .unwrap()
}

fn optimized(sql: &str) -> (Planner, LogicalPlan) {
    let planner = Planner::new();
    let statements = parse(sql).unwrap();
    let [Statement::Query(query)] = statements.as_slice() else { panic!("{sql} is no query") };
    let plan = planner.plan(&query.query, sql, &catalog(), "public", &Unbound).unwrap();
    let plan = planner.session_state().optimize(&plan).unwrap();
    (planner, plan)
}

/// How many keys each leaf of a query is to look up.
fn lookups(sql: &str) -> Vec<Option<usize>> {
    let leaves = leaves_of(&optimized(sql).1).unwrap();
    let whole = |leaf: &Leaf| match &leaf.wanted {
        Wanted::Keys(keys) => Some(keys[0].len()),
        Wanted::Parts(_) | Wanted::All => None,
    };
    leaves.iter().map(whole).collect()
}

async fn run(sql: &str) -> String {
    let (planner, plan) = optimized(sql);
    let schema = rows().schema();
    let leaf = || source(schema.clone(), vec![Arc::new(BatchesPartition::new(schema.clone(), vec![rows()]))]).unwrap();
    let sources = leaves_of(&plan).unwrap().iter().map(|_| leaf()).collect();
    let bound = put(plan, sources).unwrap();
    let state = planner.session_state();
    let physical = state.query_planner().create_physical_plan(&bound, &state).await.unwrap();
    let batches = collect(physical, Arc::new(TaskContext::default())).await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    // Only the rows: "1 10; 1 11".
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells =
        |line: &str| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ");
    lines.map(cells).collect::<Vec<_>>().join("; ")
}

#[test]
fn keys_reach_the_leaf_through_whatever_is_above_it() {
    for (sql, wanted) in [
        ("SELECT steps FROM daily WHERE day = 1 AND uuid = 10", vec![Some(1)]),
        ("SELECT steps FROM daily d WHERE uuid IN (10, 11) AND d.day = 1 + 1", vec![Some(2)]),
        ("SELECT steps FROM daily WHERE uuid IN (1, 2, 3, 4, 5, 6, 7) AND day IN (1, 2)", vec![Some(14)]),
        (
            "SELECT * FROM (SELECT uuid AS u, day, steps FROM daily) WHERE u = 10 AND day = 1 AND steps > 3",
            vec![Some(1)],
        ),
        ("SELECT * FROM busy WHERE uuid = 10 AND day = 1", vec![Some(1)]),
        ("SELECT * FROM daily WHERE uuid = 10 AND (day = 1 OR steps = 3)", vec![None]),
        ("SELECT * FROM daily WHERE uuid = 10", vec![None]),
        ("SELECT * FROM daily WHERE day > 1 AND uuid = 10", vec![None]),
        (
            "SELECT * FROM daily a JOIN daily b ON a.uuid = b.uuid WHERE a.uuid = 10 AND a.day = 1 AND b.day = 2",
            vec![Some(1), Some(1)],
        ),
    ] {
        assert_eq!(lookups(sql), wanted, "{sql}");
    }
}

#[tokio::test]
async fn leaves_are_bound_wherever_they_are() {
    for (sql, wanted) in [
        ("SELECT steps FROM daily WHERE day = 1 AND uuid = 11", "20"),
        ("SELECT count(*) FROM daily", "4"),
        ("SELECT sum(steps) FROM daily WHERE name = 'a'", "35"),
        ("SELECT uuid FROM daily WHERE steps = (SELECT max(steps) FROM daily)", "10"),
        (
            "SELECT uuid FROM daily d WHERE day = 2 AND EXISTS (SELECT 1 FROM daily e WHERE e.uuid = d.uuid AND e.steps = 5)",
            "10",
        ),
        (
            "SELECT day, (SELECT count(*) FROM daily e WHERE e.day = d.day AND e.steps > 5) FROM daily d WHERE uuid = 10 ORDER BY 1",
            "1 1; 2 1",
        ),
        (
            "SELECT uuid FROM daily WHERE steps IN (SELECT min(steps) FROM daily UNION ALL SELECT max(steps) FROM daily) ORDER BY day",
            "10; 10",
        ),
        (
            "WITH d AS (SELECT * FROM daily WHERE day = 1) SELECT a.uuid, b.uuid FROM d a, d b WHERE a.uuid < b.uuid",
            "10 11",
        ),
        ("SELECT count(*) FROM busy b JOIN daily d USING (uuid, day)", "2"),
        (
            "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n, daily WHERE n < 3 AND day = n AND uuid = 10) SELECT max(n) FROM n",
            "3",
        ),
        ("SELECT name FROM daily ORDER BY steps DESC NULLS LAST LIMIT 1", "a"),
        ("SELECT 1 + 1", "2"),
    ] {
        assert_eq!(run(sql).await, wanted, "{sql}");
    }
}
