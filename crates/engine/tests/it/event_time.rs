//! Event time: watermarks of streams that declare how late their events may be, late events, rows that are final.

use crate::support::{ingest, open, sql, try_sql};

const READINGS: &str = "
CREATE STREAM readings (sensor BIGINT NOT NULL, ts TIMESTAMPTZ NOT NULL UNIT 's', x BIGINT)
  WITH (partition_by = 'sensor', event_time = 'ts', lateness = '10 seconds');
CREATE MATERIALIZED VIEW minutes AS
  SELECT window_start, window_end, count(*) AS n FROM TUMBLE(readings, ts, INTERVAL '1 minute')
  GROUP BY window_start, window_end;
CREATE VIEW minutes_final AS
  SELECT date_part('epoch', m.window_start)::BIGINT AS start, m.n, m.window_end <= s.watermark AS final
  FROM minutes m, highwater.streams s WHERE s.name = 'readings';
";

const TIME: &str =
    "SELECT date_part('epoch', watermark)::BIGINT AS watermark, late FROM highwater.streams WHERE name = 'readings'";

fn at(seconds: &[u64]) -> String {
    seconds.iter().map(|ts| format!("{{\"sensor\":1,\"ts\":{ts},\"x\":1}}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn late_events_are_counted_and_correct_what_was_final() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, READINGS).await;
    assert_eq!(sql(&engine, TIME).await, ["NULL|NULL"]);
    ingest(&engine, "readings", &at(&[5, 30, 65])).await;
    assert_eq!(sql(&engine, TIME).await, ["55|0"]);
    assert_eq!(sql(&engine, "SELECT * FROM minutes_final ORDER BY start").await, ["0|2|false", "60|1|false"]);
    ingest(&engine, "readings", &at(&[75, 58])).await;
    assert_eq!(sql(&engine, TIME).await, ["65|0"], "58 came within the declared lateness");
    assert_eq!(sql(&engine, "SELECT * FROM minutes_final ORDER BY start").await, ["0|3|true", "60|2|false"]);
    ingest(&engine, "readings", &at(&[59])).await;
    assert_eq!(sql(&engine, TIME).await, ["65|1"]);
    assert_eq!(
        sql(&engine, "SELECT n FROM minutes_final WHERE final").await,
        ["4"],
        "the late event counts all the same"
    );

    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, TIME).await, ["65|1"], "restored with the checkpoint");
    ingest(&engine, "readings", &at(&[100])).await;
    assert_eq!(sql(&engine, TIME).await, ["90|1"]);
    drop(engine);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = open(folder.path()).await;
    let again = sql(&engine, TIME).await;
    assert!(again[0].starts_with("90|"), "replayed from the log: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn declarations_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    for (options, said) in [
        ("lateness = '10 seconds'", "lateness needs an event time"),
        ("event_time = 'ts', idle = '1 minute'", "does not hold the watermark up"),
        ("event_time = 'ts', lateness = 'soon'", "no duration"),
    ] {
        let refused =
            try_sql(&engine, &format!("CREATE STREAM r (ts TIMESTAMPTZ) WITH ({options})")).await.unwrap_err();
        assert!(refused.to_string().contains(said) || format!("{refused:?}").contains(said), "{options}: {refused:?}");
    }
}
