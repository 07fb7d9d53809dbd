//! Ranked indexes: the same answers as without, by the index where it should be; declared, listed, dropped, there again
//! after a restart and after what they rank was built anew.

use futures::StreamExt;
use highwater_api::{Engine, ViewRequest};
use highwater_engine::Highwater;

use crate::support::{ingest, lines, open, sql, try_sql};

const TABLES: &str = "
CREATE TABLE plain (name TEXT PRIMARY KEY, team BIGINT, score BIGINT, extra TEXT);
CREATE TABLE ranked (name TEXT PRIMARY KEY, team BIGINT, score BIGINT, extra TEXT);
CREATE INDEX by_score ON ranked RANKED (PARTITION BY team ORDER BY score DESC);
";

/// Everything that windows over one index give.
const WINDOWS: &str = "SELECT *,
  rank() OVER (PARTITION BY team ORDER BY score DESC) AS r,
  CAST(rank() OVER (PARTITION BY team ORDER BY score) AS BIGINT) AS behind,
  row_number() OVER (PARTITION BY team ORDER BY score DESC, name) AS place,
  row_number() OVER (PARTITION BY team ORDER BY score ASC, name DESC) AS last_place,
  count(*) OVER (PARTITION BY team) AS people,
  percent_rank() OVER (PARTITION BY team ORDER BY score DESC) AS share,
  cume_dist() OVER (PARTITION BY team ORDER BY score DESC) AS dist,
  lag(score) OVER (PARTITION BY team ORDER BY score DESC, name) AS up,
  lead(name, 2) OVER (PARTITION BY team ORDER BY score DESC, name) AS down,
  lag(extra) OVER (PARTITION BY team ORDER BY score, name DESC) AS reversed
FROM t";

/// Queries over `t`, and whether the index answers them.
fn queries() -> Vec<(String, bool)> {
    let windows = |rest: &str| format!("SELECT * FROM ({WINDOWS}) AS w {rest}");
    let one = |columns: &str, rest: &str| format!("SELECT * FROM (SELECT *, {columns} FROM t) AS w {rest}");
    let rank = "rank() OVER (PARTITION BY team ORDER BY score DESC) AS r";
    vec![
        (windows("WHERE name = 'n3'"), true),
        (windows("WHERE name IN ('n1', 'n5', 'n7', 'nobody') AND r < 3"), true),
        (windows("WHERE name = 'n3' AND team = 1"), true),
        (windows("WHERE team = 1 AND r <= 3"), true),
        (windows("WHERE team = 1 AND 2 <= place AND place <= 4"), true),
        (windows("WHERE team IN (1, 2) AND last_place BETWEEN 2 AND 3"), true),
        (windows("WHERE r = 2"), true),
        (windows("WHERE behind < 3"), true),
        (windows("WHERE place = 1 AND people > 2"), true),
        (windows("WHERE team IS NULL AND r <= 2"), true),
        (windows("WHERE team = 1 AND r > 5 AND r <= 4"), true),
        (windows("WHERE team = 1 ORDER BY r, name LIMIT 4"), true),
        (windows("WHERE team = 1 ORDER BY place LIMIT 3 OFFSET 2"), true),
        (
            "SELECT count(*), sum(r), max(people) FROM (SELECT r, people FROM (".to_owned()
                + WINDOWS
                + ") AS w WHERE r <= 2) AS x",
            true,
        ),
        (
            "SELECT a.name, b.name FROM (".to_owned()
                + WINDOWS
                + ") AS a JOIN ("
                + WINDOWS
                + ") AS b ON a.place = b.place \
          WHERE a.name = 'n1' AND b.team = 2 AND b.r <= 2",
            true,
        ),
        (
            "SELECT name, r, (SELECT max(score) FROM t) AS best FROM (".to_owned()
                + WINDOWS
                + ") AS w WHERE name = 'n2'",
            true,
        ),
        (windows("WHERE r = 1 AND team = (SELECT max(team) FROM t)"), true),
        (windows("WHERE name = 'n5' AND team >= (SELECT min(team) FROM t WHERE name <= 'n5')"), true),
        (
            windows(&format!("WHERE name = 'n1' AND r > (SELECT min(r) - 1 FROM ({WINDOWS}) AS v WHERE name = 'n6')")),
            true,
        ),
        (
            "SELECT name, lag(r, 1) OVER (PARTITION BY team ORDER BY score DESC, name) AS above FROM (".to_owned()
                + WINDOWS
                + ") AS w",
            false,
        ),
        (
            format!(
                "SELECT * FROM (SELECT name, lag(r) OVER (PARTITION BY team ORDER BY score DESC, name) AS above FROM \
            (SELECT name, team, score, {rank} FROM t) AS i) AS o WHERE name = 'n4'"
            ),
            true,
        ),
        // What the index does not know.
        (windows(""), false),
        (windows("WHERE score = 3"), false),
        (one("dense_rank() OVER (PARTITION BY team ORDER BY score DESC) AS r", "WHERE name = 'n3'"), false),
        (one("rank() OVER (PARTITION BY team ORDER BY score DESC NULLS LAST) AS r", "WHERE name = 'n3'"), false),
        (one("rank() OVER (ORDER BY score DESC) AS r", "WHERE name = 'n3'"), false),
        (one("rank() OVER (PARTITION BY team ORDER BY name) AS r", "WHERE name = 'n3'"), false),
        (one("lag(score, 1, 0) OVER (PARTITION BY team ORDER BY score DESC, name) AS r", "WHERE name = 'n3'"), false),
        (one("count(score) OVER (PARTITION BY team) AS r", "WHERE name = 'n3'"), false),
        (one("sum(score) OVER (PARTITION BY team) AS r", "WHERE name = 'n3'"), false),
        (format!("SELECT * FROM (SELECT *, {rank} FROM t WHERE score > 1) AS w WHERE name = 'n3'"), false),
        (
            format!("SELECT * FROM (SELECT *, {rank} FROM t WHERE team > 1 OR team IS NULL) AS w WHERE name = 'n3'"),
            true,
        ),
        (format!("SELECT * FROM (SELECT *, {rank} FROM t LIMIT 3) AS w WHERE name = 'n3' AND 1 = 0"), false),
    ]
}

/// The rows of a query over a table, sorted unless the query sorts them.
async fn rows(engine: &Highwater, query: &str, table: &str) -> Vec<String> {
    let mut rows = sql(engine, &query.replace("FROM t", &format!("FROM {table}"))).await;
    if !query.contains(" LIMIT ") {
        rows.sort();
    }
    rows
}

async fn compare(engine: &Highwater) {
    for (query, by_index) in queries() {
        assert_eq!(rows(engine, &query, "ranked").await, rows(engine, &query, "plain").await, "{query}");
        let plan = sql(engine, &format!("EXPLAIN {}", query.replace("FROM t", "FROM ranked"))).await;
        let used = plan.iter().any(|line| line.contains("rank public.ranked by index public.by_score"));
        assert_eq!(used, by_index, "{query}\n{}", plan.join("\n"));
    }
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn or_null(&mut self, n: u64) -> String {
        match self.below(n + 1) {
            0 => "NULL".to_owned(),
            n => n.to_string(),
        }
    }
}

async fn both(engine: &Highwater, statement: &str) {
    for table in ["plain", "ranked"] {
        sql(engine, &statement.replace("{t}", table)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answers_with_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, TABLES).await;
    compare(&engine).await;
    let mut numbers = Numbers(7);
    for round in 0..3 {
        let values = (0..8).map(|n| {
            let name = round * 8 + n;
            format!("('n{name}', {}, {}, 'e{}')", numbers.or_null(2), numbers.or_null(4), numbers.below(9))
        });
        let values: Vec<String> = values.collect();
        both(&engine, &format!("INSERT INTO {{t}} VALUES {}", values.join(", "))).await;
        let (score, above) = (numbers.or_null(5), numbers.below(4));
        both(&engine, &format!("UPDATE {{t}} SET score = {score} WHERE score > {above} AND team = 1")).await;
        both(&engine, &format!("DELETE FROM {{t}} WHERE name = 'n{}'", numbers.below(8 * (round + 1)))).await;
        compare(&engine).await;
    }
    assert_eq!(
        sql(&engine, "SELECT rows FROM highwater.indexes").await,
        sql(&engine, "SELECT count(*) FROM plain").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_again_after_a_restart_and_a_new_build() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(
        &engine,
        "CREATE STREAM walks (uuid BIGINT NOT NULL, steps BIGINT NOT NULL);
         CREATE MATERIALIZED VIEW totals AS SELECT uuid, sum(steps) AS steps FROM walks GROUP BY uuid;
         CREATE VIEW standings AS SELECT uuid, steps, rank() OVER (ORDER BY steps DESC) AS rank FROM totals;
         CREATE INDEX IF NOT EXISTS by_steps ON totals RANKED (ORDER BY steps DESC, uuid);
         CREATE INDEX IF NOT EXISTS by_steps ON totals RANKED (ORDER BY steps);",
    )
    .await;
    let walked = |from: u64| {
        (from..from + 50).map(|n| format!("{{\"uuid\":{},\"steps\":{}}}\n", n % 37, n % 11)).collect::<String>()
    };
    ingest(&engine, "walks", &walked(0)).await;
    let of_five = "SELECT steps, rank FROM standings WHERE uuid = 5";
    let before = sql(&engine, of_five).await;
    let ahead = "SELECT max(s.steps), count(*) FROM totals JOIN (SELECT steps FROM totals WHERE uuid = 5) AS s ON totals.steps >= s.steps";
    assert_eq!(before.len(), 1);
    assert!(sql(&engine, ahead).await[0].starts_with(before[0].split('|').next().unwrap()));
    let listed =
        sql(&engine, "SELECT name, relation, partition_by, order_by, state, rows FROM highwater.indexes").await;
    assert_eq!(listed, ["by_steps|public.totals|NULL|steps DESC, uuid|live|37"]);
    engine.close().await;
    drop(engine);

    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, of_five).await, before);
    until_live(&engine).await;
    ingest(&engine, "walks", &walked(50)).await;
    sql(
        &engine,
        "CREATE OR REPLACE MATERIALIZED VIEW totals AS SELECT uuid, sum(steps) + 0 AS steps FROM walks GROUP BY uuid",
    )
    .await;
    until_live(&engine).await;
    let plan = sql(&engine, &format!("EXPLAIN {of_five}")).await;
    assert!(plan.iter().any(|line| line.contains("rank public.totals by index public.by_steps: 1 rows")), "{plan:?}");
    ingest(&engine, "walks", &walked(100)).await;
    let by_index = sql(&engine, "SELECT uuid, rank FROM standings WHERE rank <= 20 ORDER BY rank, uuid").await;
    assert_eq!(sql(&engine, "DROP INDEX by_steps").await, ["DROP INDEX"]);
    assert_eq!(sql(&engine, "SELECT uuid, rank FROM standings WHERE rank <= 20 ORDER BY rank, uuid").await, by_index);
    assert!(sql(&engine, "SHOW INDEXES").await.is_empty());
}

/// A table that a view looks up changes: the view is built anew, and its indexes with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_built_anew_keeps_its_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(
        &engine,
        "CREATE STREAM walks (uuid BIGINT NOT NULL, steps BIGINT NOT NULL);
         CREATE TABLE weights (uuid BIGINT PRIMARY KEY, weight BIGINT NOT NULL);
         INSERT INTO weights VALUES (1, 1), (2, 1), (3, 1);
         CREATE MATERIALIZED VIEW weighed AS
         SELECT w.uuid, sum(w.steps * t.weight) AS steps FROM walks w JOIN weights t ON t.uuid = w.uuid GROUP BY w.uuid;
         CREATE INDEX by_steps ON weighed RANKED (ORDER BY steps DESC);
         CREATE VIEW standings AS SELECT uuid, rank() OVER (ORDER BY steps DESC) AS rank FROM weighed",
    )
    .await;
    let walked = "{\"uuid\":1,\"steps\":5}\n{\"uuid\":2,\"steps\":6}\n{\"uuid\":3,\"steps\":7}\n";
    ingest(&engine, "walks", walked).await;
    let of_one = "SELECT rank FROM standings WHERE uuid = 1";
    assert_eq!(sql(&engine, of_one).await, ["3"]);
    sql(&engine, "UPDATE weights SET weight = 10 WHERE uuid = 1").await;
    while sql(&engine, of_one).await != ["1"] {
        tokio::task::yield_now().await;
    }
    ingest(&engine, "walks", walked).await;
    let plan = sql(&engine, &format!("EXPLAIN {of_one}")).await;
    assert!(plan.iter().any(|line| line.contains("rank public.weighed by index")), "{plan:?}");
    assert_eq!(sql(&engine, "SELECT uuid FROM standings WHERE rank <= 2 ORDER BY rank").await, ["1", "3"]);
}

async fn until_live(engine: &Highwater) {
    while sql(engine, "SELECT state FROM highwater.indexes").await != ["live"] {
        tokio::task::yield_now().await;
    }
}

/// Reads of a plain view by key skip the planner, and give what the planned query gives.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_read_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, TABLES).await;
    sql(
        &engine,
        "INSERT INTO ranked VALUES ('a', 1, 5, 'x'), ('b', 1, 7, NULL), ('c', NULL, NULL, 'y'), ('d', 1, 5, 'z');
         CREATE VIEW standings AS
         SELECT team AS club, name, 100 * (rank - 1) AS behind, rank, score, up - score AS gap FROM (
           SELECT *, CAST(rank() OVER (PARTITION BY team ORDER BY score DESC) AS BIGINT) AS rank,
             lag(score) OVER (PARTITION BY team ORDER BY score DESC, name) AS up FROM ranked
         ) AS w ORDER BY club, rank;
         CREATE VIEW clock AS SELECT name, now() > TIMESTAMP '2020-01-01' AS late,
           rank() OVER (PARTITION BY team ORDER BY score DESC) AS rank FROM ranked;
         CREATE VIEW some AS SELECT * FROM standings WHERE score > 5",
    )
    .await;
    for view in ["standings", "clock", "some"] {
        for filter in
            ["name = 'a'", "name = 'b'", "name = 'c'", "name = 'nobody'", "rank = 1", "name = 'a' AND rank = 2"]
        {
            let request =
                ViewRequest { view: view.to_owned(), filter: Some(filter.to_owned()), ..ViewRequest::default() };
            // Twice: what the first read learns, the second one uses.
            for _ in 0..2 {
                let answer = engine.read_view(request.clone()).await.unwrap().answer;
                let names: Vec<String> = answer.schema.fields().iter().map(|field| field.name().clone()).collect();
                let batches: Vec<_> = answer.rows.collect().await;
                let rows = lines(&batches.into_iter().collect::<Result<Vec<_>, _>>().unwrap());
                assert_eq!(
                    rows,
                    sql(&engine, &format!("SELECT * FROM {view} WHERE {filter}")).await,
                    "{view} {filter}"
                );
                assert!(names.contains(&"rank".to_owned()), "{names:?}");
            }
            sql(&engine, "UPDATE ranked SET score = score + 3 WHERE name = 'a'").await;
        }
    }
    sql(&engine, "CREATE OR REPLACE VIEW some AS SELECT name, count(*) OVER (PARTITION BY team) AS rank FROM ranked")
        .await;
    let request =
        ViewRequest { view: "some".to_owned(), filter: Some("name = 'a'".to_owned()), ..ViewRequest::default() };
    let batches: Vec<_> = engine.read_view(request).await.unwrap().answer.rows.collect().await;
    assert_eq!(lines(&batches.into_iter().collect::<Result<Vec<_>, _>>().unwrap()), ["a|3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_ranked_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, TABLES).await;
    sql(&engine, "CREATE STREAM s (a BIGINT); CREATE VIEW v AS SELECT * FROM plain; CREATE MATERIALIZED VIEW m AS SELECT team FROM plain")
        .await;
    for (statement, found) in [
        ("CREATE INDEX i ON s RANKED (ORDER BY a)", "is not keyed"),
        ("CREATE INDEX i ON v RANKED (ORDER BY name)", "evaluated when read"),
        ("CREATE INDEX i ON m RANKED (ORDER BY team)", "no key identifies"),
        ("CREATE INDEX i ON by_score RANKED (ORDER BY team)", "no rows of its own"),
        ("CREATE INDEX i ON plain RANKED (ORDER BY scor)", "no column \"scor\""),
        ("CREATE INDEX i ON plain RANKED (PARTITION BY team ORDER BY team)", "named twice"),
        ("CREATE INDEX by_score ON plain RANKED (ORDER BY score)", "already exists"),
        ("SELECT * FROM by_score", "ranked index"),
        ("DROP TABLE ranked", "is used by public.by_score"),
        ("DROP TABLE by_score", "is a ranked index"),
    ] {
        let refused = try_sql(&engine, statement).await.unwrap_err().to_string();
        assert!(refused.contains(found), "{statement}: {refused}");
    }
    sql(&engine, "DROP TABLE ranked CASCADE").await;
    assert!(sql(&engine, "SHOW INDEXES").await.is_empty());
}
