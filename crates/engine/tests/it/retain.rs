//! `WITH (retain = …)` from SQL to the view: rows leave as the clock goes on, also across a restart, and late events are
//! counted, not shown.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use highwater_api::ErrorKind;
use highwater_engine::{EngineSettings, Highwater};
use highwater_model::ManualClock;

use crate::support::{ingest, sql, try_sql};

const HOUR: i64 = 3_600_000_000;
/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200_000_000;

const CLICKS: &str = "
CREATE STREAM clicks (page TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL) WITH (event_time = 'ts');
CREATE MATERIALIZED VIEW hourly WITH (retain = '2 hours') AS
  SELECT page, window_start, window_end, count(*) AS n FROM TUMBLE(clicks, ts, INTERVAL '1 hour')
  GROUP BY page, window_start, window_end;
CREATE MATERIALIZED VIEW latest WITH (retain = '90 minutes') AS SELECT page, ts FROM clicks;
CREATE MATERIALIZED VIEW pages AS SELECT page, sum(n) AS n FROM hourly GROUP BY page;
";

async fn open(folder: &Path, clock: &Arc<ManualClock>) -> Highwater {
    let engine = Highwater::open(EngineSettings::new(folder), Arc::<ManualClock>::clone(clock)).await.unwrap();
    engine.caught_up().await;
    engine
}

fn click(page: &str, hour: u32, minute: u32) -> String {
    format!("{{\"page\":\"{page}\",\"ts\":\"2024-01-01T{hour:02}:{minute:02}:00Z\"}}\n")
}

async fn wait_for(engine: &Highwater, query: &str, expected: &[&str]) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let rows = sql(engine, query).await;
        if rows == expected || tokio::time::Instant::now() > limit {
            assert_eq!(rows, expected, "{query}");
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_leave_with_the_clock_and_late_events_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let engine = open(folder.path(), &clock).await;
    sql(&engine, CLICKS).await;
    for hour in 0..4 {
        clock.set(START + i64::from(hour) * HOUR + HOUR / 2);
        ingest(&engine, "clicks", &[click("a", hour, 10), click("b", hour, 20), click("a", hour, 25)].concat()).await;
    }
    // At 3:30 the window that ended at 1:00 is gone, the one that ends at 2:00 is not.
    let hours = "SELECT date_part('hour', window_start)::int AS h, sum(n) FROM hourly GROUP BY 1 ORDER BY 1";
    wait_for(&engine, hours, &["1|3", "2|3", "3|3"]).await;
    wait_for(&engine, "SELECT count(*), min(ts) FROM latest", &["6|2024-01-01T02:10:00Z"]).await;
    wait_for(&engine, "SELECT * FROM pages ORDER BY page", &["a|6", "b|3"]).await;

    ingest(&engine, "clicks", &[click("late", 0, 5), click("a", 1, 59)].concat()).await;
    wait_for(&engine, hours, &["1|4", "2|3", "3|3"]).await;
    let late = "SELECT name, late FROM highwater.views ORDER BY name";
    // To the one the hour of 1:59 is still there, to the other its minute is not.
    wait_for(&engine, late, &["hourly|1", "latest|2", "pages|NULL"]).await;
    let explained = sql(&engine, "EXPLAIN INCREMENTAL hourly").await.join("\n");
    assert!(
        explained.contains("; 6 now, ")
            && explained.contains("bounded by time: the number of groups, which leave 2 hours after window_end"),
        "{explained}"
    );

    engine.close().await;
    drop(engine);
    // While nobody looks, an hour goes by.
    clock.set(START + 4 * HOUR + HOUR / 2);
    let engine = open(folder.path(), &clock).await;
    wait_for(&engine, hours, &["2|3", "3|3"]).await;
    wait_for(&engine, "SELECT * FROM pages ORDER BY page", &["a|4", "b|2"]).await;
    // A view made later holds what one made before does.
    sql(
        &engine,
        "CREATE MATERIALIZED VIEW again WITH (retain = '2 hours') AS
        SELECT page, window_start, window_end, count(*) AS n FROM TUMBLE(clicks, ts, INTERVAL '1 hour')
        GROUP BY page, window_start, window_end",
    )
    .await;
    let rows = |view: &str| format!("SELECT * FROM {view} ORDER BY window_start, page");
    assert_eq!(sql(&engine, &rows("again")).await, sql(&engine, &rows("hourly")).await);
    clock.set(START + 100 * HOUR);
    for view in ["hourly", "again", "latest", "pages"] {
        wait_for(&engine, &format!("SELECT count(*) FROM {view}"), &["0"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_without_a_time_cannot_retain() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &Arc::new(ManualClock::at(START))).await;
    sql(&engine, CLICKS).await;
    let retain = "CREATE MATERIALIZED VIEW v WITH (retain = '1 day') AS";
    let refused = try_sql(&engine, &format!("{retain} SELECT page, count(*) AS n FROM clicks GROUP BY page")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unsupported);
    assert!(refused.message.contains("no column of the view is a time"), "{refused}");
    assert!(refused.hint.as_deref().unwrap().contains("date_trunc"), "{refused}");
    let both = "SELECT page, ts, ts + INTERVAL '1 day' AS until FROM clicks";
    let refused = try_sql(&engine, &format!("{retain} {both}")).await.unwrap_err();
    assert!(refused.hint.as_deref().unwrap().contains("retain_by = 'ts'"), "{refused}");
    sql(&engine, &format!("CREATE MATERIALIZED VIEW v WITH (retain = '1 day', retain_by = 'until') AS {both}")).await;
    let refused = try_sql(&engine, "CREATE MATERIALIZED VIEW w WITH (retain_by = 'ts') AS SELECT ts FROM clicks").await;
    assert!(refused.unwrap_err().to_string().contains("retain = '30 days'"));
}
