//! `FOR SYSTEM_TIME AS OF`: what relations were equals what they showed then, and what cannot be told is refused.

use std::sync::Arc;

use highwater_engine::{EngineSettings, Highwater};
use highwater_model::ManualClock;

use crate::support::{ingest, sql, try_sql};

const MINUTE: i64 = 60_000_000;
/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200_000_000;

const WORLD: &str = "
CREATE STREAM clicks (page TEXT NOT NULL, n BIGINT, ts TIMESTAMPTZ NOT NULL) WITH (partitions = 2);
CREATE STREAM people (id BIGINT PRIMARY KEY, name TEXT, v BIGINT) WITH (version = 'v');
CREATE TABLE sites (page TEXT PRIMARY KEY, site TEXT);
CREATE MATERIALIZED VIEW pages AS SELECT page, count(*) AS c, sum(n) AS n FROM clicks GROUP BY page;
CREATE MATERIALIZED VIEW recent AS SELECT page, n FROM clicks WHERE ts > now() - INTERVAL '2 minutes';
CREATE MATERIALIZED VIEW of_sites AS SELECT s.site, sum(c.n) AS n FROM clicks c JOIN sites s ON c.page = s.page GROUP BY s.site;
CREATE MATERIALIZED VIEW best AS SELECT page, n FROM clicks ORDER BY n DESC LIMIT 2;
CREATE VIEW plain AS SELECT p.page, p.n, s.site FROM pages p LEFT JOIN sites s ON p.page = s.page;
";

const READ: &[&str] = &["clicks", "people", "sites", "pages", "recent", "of_sites", "best", "plain"];

async fn shown(engine: &Highwater, relation: &str, past: &str) -> Vec<String> {
    let columns = match relation {
        "clicks" => "page, n, ts",
        "people" => "id, name, v",
        _ => "*",
    };
    let mut rows = sql(engine, &format!("SELECT {columns} FROM {relation} {past}")).await;
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_what_was_shown_then() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let settings = EngineSettings::new(folder.path());
    let engine = Highwater::open(settings, Arc::<ManualClock>::clone(&clock)).await.unwrap();
    engine.caught_up().await;
    sql(&engine, WORLD).await;
    let mut then = Vec::new();
    for round in 0..6_i64 {
        clock.set(START + round * MINUTE);
        let ts = chrono::DateTime::from_timestamp_micros(START + (round - round % 3) * MINUTE).unwrap().to_rfc3339();
        let click = |page: &str| format!("{{\"page\":\"{page}\",\"n\":{},\"ts\":\"{ts}\"}}\n", round % 4);
        ingest(&engine, "clicks", &[click("a"), click("b"), click(&format!("p{round}"))].concat()).await;
        let (id, v) = (round % 2, 10 - round * (round - 3));
        ingest(&engine, "people", &format!("{{\"id\":{id},\"name\":\"n{round}\",\"v\":{v}}}\n")).await;
        match round % 3 {
            0 => sql(&engine, &format!("INSERT INTO sites VALUES ('p{round}', 's'), ('b', 't')")).await,
            1 => sql(&engine, "UPDATE sites SET site = 'u' WHERE page <> 'b'").await,
            _ => sql(&engine, "DELETE FROM sites WHERE page = 'b'").await,
        };
        sql(&engine, "AUDIT ALL").await;
        let mut all = Vec::new();
        for relation in READ {
            all.push(shown(&engine, relation, "").await);
        }
        let mark =
            sql(&engine, "SELECT mark FROM highwater.audits WHERE name = 'of_sites' ORDER BY audit DESC LIMIT 1").await;
        then.push((START + round * MINUTE, mark[0].clone(), all));
    }
    clock.set(START + 10 * MINUTE);
    for (at, mark, all) in &then {
        let time = chrono::DateTime::from_timestamp_micros(*at).unwrap().to_rfc3339();
        for (relation, expected) in READ.iter().zip(all) {
            let past = format!("FOR SYSTEM_TIME AS OF TIMESTAMPTZ '{time}'");
            assert_eq!(&shown(&engine, relation, &past).await, expected, "{relation} at {time}");
        }
        let past = format!("FOR SYSTEM_TIME AS OF OFFSETS('{mark}')");
        assert_eq!(&shown(&engine, "of_sites", &past).await, &all[5], "at {mark}");
    }
    let before = shown(&engine, "pages", "FOR SYSTEM_TIME AS OF now() - INTERVAL '1 hour'").await;
    assert!(before.is_empty());
    // Several points in one query.
    let grown = sql(
        &engine,
        "SELECT sum(x.c) - sum(y.c) FROM pages AS x JOIN pages FOR SYSTEM_TIME AS OF now() - INTERVAL '6 minutes' AS y \
         ON x.page = y.page",
    )
    .await;
    assert_eq!(grown, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_is_the_last_batch_result() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let engine = Highwater::open(EngineSettings::new(folder.path()), clock).await.unwrap();
    engine.caught_up().await;
    sql(&engine, WORLD).await;
    let click = "{\"page\":\"a\",\"n\":3,\"ts\":\"2024-01-01T00:00:00Z\"}\n";
    ingest(&engine, "clicks", click).await;
    let at_mark = "SELECT page, c FROM pages FOR SYSTEM_TIME AS OF MARK";
    let error = try_sql(&engine, at_mark).await.unwrap_err();
    assert!(error.message.contains("no batch result"), "{error}");
    sql(&engine, "RECOMPUTE pages").await;
    ingest(&engine, "clicks", click).await;
    assert_eq!(sql(&engine, at_mark).await, ["a|1"]);
    assert_eq!(sql(&engine, "SELECT page, c FROM pages").await, ["a|2"]);
    // One after the other is kept, the oldest go.
    for _ in 0..4 {
        sql(&engine, "RECOMPUTE APP public").await;
    }
    assert_eq!(sql(&engine, at_mark).await, ["a|2"]);
    let id = sql(&engine, "SELECT name FROM highwater.views WHERE mark IS NOT NULL").await;
    assert_eq!(id.len(), 4, "{id:?}");
    let views = std::fs::read_dir(folder.path().join("batch")).unwrap().map(|view| view.unwrap().path());
    for view in views {
        assert_eq!(std::fs::read_dir(&view).unwrap().count(), 3, "{}", view.display());
        for result in std::fs::read_dir(&view).unwrap() {
            let rows = result.unwrap().path().join("rows.parquet");
            let mut bytes = std::fs::read(&rows).unwrap();
            bytes[5] ^= 1;
            std::fs::write(&rows, bytes).unwrap();
        }
    }
    let error = try_sql(&engine, at_mark).await.unwrap_err();
    assert!(error.message.contains("damaged and was set aside"), "{error}");
    // A view that is declared anew has no batch result.
    sql(&engine, "CREATE OR REPLACE MATERIALIZED VIEW best AS SELECT page, n FROM clicks ORDER BY n LIMIT 2").await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM highwater.views WHERE name = 'best' AND mark IS NULL").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let engine = Highwater::open(EngineSettings::new(folder.path()), clock).await.unwrap();
    engine.caught_up().await;
    sql(&engine, WORLD).await;
    for (query, part) in [
        ("SELECT * FROM pages FOR SYSTEM_TIME AS OF TIMESTAMPTZ '2030-01-01'", "in the future"),
        ("SELECT * FROM pages FOR SYSTEM_TIME AS OF page", "only behind JOIN"),
        ("SELECT * FROM pages FOR SYSTEM_TIME AS OF NULL", "is NULL"),
        ("SELECT * FROM clicks_rejects FOR SYSTEM_TIME AS OF now()", "have no past"),
        ("SELECT * FROM highwater.views FOR SYSTEM_TIME AS OF now()", "has no past"),
        ("SELECT * FROM clicks FOR SYSTEM_TIME AS OF MARK", "batch results are kept of materialized views"),
        ("SELECT * FROM pages FOR SYSTEM_TIME AS OF OFFSETS('clicks 9,9')", "is known up to 0"),
        ("SELECT * FROM of_sites FOR SYSTEM_TIME AS OF OFFSETS('clicks 0,0')", "public.sites is read too"),
        ("SELECT * FROM recent FOR SYSTEM_TIME AS OF OFFSETS('clicks 0,0')", "looks at the clock"),
        ("SELECT * FROM pages FOR SYSTEM_TIME AS OF OFFSETS('clicks 0')", "has 2 partitions"),
        (
            "CREATE MATERIALIZED VIEW x AS SELECT * FROM pages FOR SYSTEM_TIME AS OF now()",
            "a materialized view cannot read the past",
        ),
    ] {
        let error = try_sql(&engine, query).await.unwrap_err();
        let found = format!("{error}");
        assert!(found.contains(part) && found.contains("hint"), "{query}\n{found}");
    }
}
