//! Declaring, replacing, dropping; views over history; refusals.

use highwater_api::ErrorKind;

use crate::support::{STEPS, ingest, open, sql, steps, try_sql};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_made_later_holds_all_of_history() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 5000)).await;
    sql(&engine, "CREATE MATERIALIZED VIEW totals AS SELECT uuid, sum(steps) AS steps FROM steps GROUP BY uuid").await;
    ingest(&engine, "steps", &steps(5000, 5000)).await;
    let live = sql(&engine, "SELECT * FROM totals ORDER BY uuid").await;
    assert_eq!(live, sql(&engine, "SELECT uuid, sum(steps) FROM steps GROUP BY uuid ORDER BY uuid").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_view_takes_its_readers_along() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    sql(&engine, "CREATE MATERIALIZED VIEW most AS SELECT day, max(steps) AS steps FROM daily_steps GROUP BY day")
        .await;
    ingest(&engine, "steps", &steps(0, 970)).await;
    let before = sql(&engine, "SELECT steps FROM most").await;
    sql(&engine, "CREATE OR REPLACE MATERIALIZED VIEW daily_steps AS
        SELECT (ts AT TIME ZONE 'America/Los_Angeles')::date AS day, uuid, 2 * sum(steps) AS steps FROM steps GROUP BY 1, 2").await;
    let doubled: i64 = before[0].parse::<i64>().unwrap() * 2;
    assert_eq!(sql(&engine, "SELECT steps FROM most").await, [doubled.to_string()]);
    ingest(&engine, "steps", &steps(0, 97)).await;
    assert_eq!(
        sql(&engine, "SELECT day, steps FROM most").await,
        sql(&engine, "SELECT day, max(steps) FROM daily_steps GROUP BY day").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_read_is_not_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let refused = try_sql(&engine, "DROP STREAM steps").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains("daily_steps"), "{refused}");
    sql(&engine, "DROP STREAM steps CASCADE").await;
    assert_eq!(try_sql(&engine, "SELECT * FROM daily_steps").await.unwrap_err().kind, ErrorKind::InvalidInput);
    sql(&engine, STEPS).await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_maintained_is_refused_with_the_alternative() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    for query in [
        "SELECT uuid FROM steps ORDER BY uuid",
        "SELECT uuid FROM steps LIMIT 3",
        "SELECT uuid FROM steps INTERSECT ALL SELECT uuid FROM steps",
        "SELECT uuid, now() AS at FROM steps",
        "SELECT random() FROM steps",
    ] {
        let refused = try_sql(&engine, &format!("CREATE MATERIALIZED VIEW no AS {query}")).await.unwrap_err();
        assert!(matches!(refused.kind, ErrorKind::Unsupported | ErrorKind::InvalidInput), "{query}: {refused:?}");
        let hinted = refused.hint.is_some() || refused.diagnostics.0.iter().any(|found| found.hint.is_some());
        assert!(hinted, "{query}: {refused}");
        sql(&engine, &format!("CREATE VIEW yes AS {query}")).await;
        sql(&engine, "DROP VIEW yes").await;
    }
    let explained = sql(&engine, "EXPLAIN INCREMENTAL SELECT uuid, max(steps) AS m FROM steps GROUP BY uuid").await;
    assert!(explained.join("\n").contains("append-only"), "{explained:?}");
}
