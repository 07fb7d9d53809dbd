//! Joins with what a table was when an event was accepted: changes of the table revise nothing and build nothing anew, across
//! restarts, and audits agree.

use std::path::Path;
use std::sync::Arc;

use highwater_engine::{EngineSettings, Highwater};
use highwater_model::ManualClock;

use crate::support::{ingest, sql};

const SCHEMA: &str = "
CREATE TABLE rates (currency TEXT PRIMARY KEY, rate DOUBLE);
CREATE STREAM orders (id BIGINT NOT NULL, currency TEXT, amount DOUBLE) WITH (partitions = 2);
CREATE MATERIALIZED VIEW converted AS
  SELECT o.id, o.amount * r.rate AS amount FROM orders o
  LEFT JOIN rates FOR SYSTEM_TIME AS OF o._ingested_at AS r ON r.currency = o.currency;
CREATE MATERIALIZED VIEW total AS
  SELECT r.currency, sum(o.amount * r.rate) AS amount FROM orders o
  JOIN rates FOR SYSTEM_TIME AS OF o._ingested_at AS r ON r.currency = o.currency GROUP BY r.currency;
";

async fn open(folder: &Path, clock: &Arc<ManualClock>) -> Highwater {
    let engine = Highwater::open(EngineSettings::new(folder), Arc::<ManualClock>::clone(clock)).await.unwrap();
    engine.caught_up().await;
    engine
}

async fn order(engine: &Highwater, id: u32, amount: f64) {
    ingest(engine, "orders", &format!("{{\"id\":{id},\"currency\":\"EUR\",\"amount\":{amount}}}\n")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_joined_stays_joined() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_000_000));
    let engine = open(folder.path(), &clock).await;
    sql(&engine, SCHEMA).await;
    order(&engine, 1, 1.0).await;
    for (at, change) in [(2, "INSERT INTO rates VALUES ('EUR', 0.1)"), (4, "UPDATE rates SET rate = 0.2")] {
        clock.set(at * 1_000_000);
        sql(&engine, change).await;
        clock.set((at + 1) * 1_000_000);
        order(&engine, at as u32, 10.0).await;
    }
    // Accepted at the very moment of a change: it counts.
    clock.set(6_000_000);
    sql(&engine, "DELETE FROM rates").await;
    order(&engine, 6, 10.0).await;
    let all = ["1|NULL", "2|1.0", "4|2.0", "6|NULL"];
    let rows = "SELECT * FROM converted ORDER BY id";
    assert_eq!(sql(&engine, rows).await, all);
    assert_eq!(sql(&engine, "SELECT * FROM total").await, ["EUR|3.0"]);
    let outcome = "AUDIT converted, total; SELECT status, name FROM highwater.audits ORDER BY name LIMIT 2";
    let audited = sql(&engine, outcome).await;
    assert!(audited.iter().all(|line| line.starts_with("equal")), "{audited:?}");
    engine.close().await;
    drop(engine);

    let engine = open(folder.path(), &clock).await;
    assert_eq!(sql(&engine, rows).await, all);
    clock.set(7_000_000);
    sql(&engine, "INSERT INTO rates VALUES ('EUR', 5)").await;
    order(&engine, 7, 1.0).await;
    assert_eq!(sql(&engine, rows).await, [all.as_slice(), &["7|5.0"]].concat());
    // Built from all of history it is the same, and so it is in the past.
    sql(&engine, &SCHEMA[SCHEMA.find("CREATE MATERIALIZED").unwrap()..].replace("VIEW ", "VIEW again_")).await;
    assert_eq!(sql(&engine, "SELECT * FROM again_converted ORDER BY id").await, sql(&engine, rows).await);
    let then = "SELECT * FROM converted FOR SYSTEM_TIME AS OF TIMESTAMPTZ '1970-01-01 00:00:05Z' ORDER BY id";
    assert_eq!(sql(&engine, then).await, &all[..3]);
    let explained = sql(&engine, "EXPLAIN INCREMENTAL converted").await.join("\n");
    assert!(!explained.contains("builds the view anew"), "{explained}");
}
