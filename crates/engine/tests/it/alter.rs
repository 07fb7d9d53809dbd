//! `ALTER STREAM`: old values from raw, views that go on, rows of keyed streams, refusals, crashes in between.

use highwater_api::{BodyFormat, Engine, ErrorKind, SubscribeRequest};
use highwater_engine::EngineSettings;

use crate::support::{copy_of, ingest, open, open_with, request, sql, try_sql};

const EVENTS: &str = r#"{"id":1,"n":10,"city":"Köln","extra":{"lat":1.5}}
{"id":2,"n":20,"city":null,"extra":"plain"}
{"id":3,"n":30}
"#;

const DECLARE: &str = "
CREATE STREAM s (id BIGINT NOT NULL, n INT NOT NULL) WITH (partition_by = 'id', partitions = 2);
CREATE STREAM k (id BIGINT PRIMARY KEY, n INT, v BIGINT) WITH (version = 'v', partitions = 2);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS events, sum(n) AS n FROM s;
CREATE MATERIALIZED VIEW every AS SELECT * FROM s;
CREATE MATERIALIZED VIEW latest AS SELECT id, n, _offset AS at FROM k;
CREATE VIEW plain AS SELECT * FROM k;
";

#[tokio::test(flavor = "multi_thread")]
async fn an_added_column_has_the_old_values_from_raw() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    ingest(&engine, "s", EVENTS).await;
    sql(&engine, "ALTER STREAM s ADD COLUMN city TEXT, ADD lat DOUBLE PATH '$.extra.lat'").await;
    ingest(&engine, "s", r#"{"id":4,"n":40,"city":"Bonn","extra":{"lat":2}}"#).await;
    let query = "SELECT id, n, city, lat FROM s ORDER BY id";
    let expected = ["1|10|Köln|1.5", "2|20|NULL|NULL", "3|30|NULL|NULL", "4|40|Bonn|2.0"];
    assert_eq!(sql(&engine, query).await, expected);
    let rejected =
        engine.ingest(request("s", BodyFormat::NdJson, r#"{"id":5,"n":1,"extra":{"lat":"north"}}"#)).await.unwrap();
    assert_eq!((rejected.accepted, rejected.rejected), (0, 1), "new records are judged by the new column");
    // Views go on, and a new one has all of history.
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["4|100"]);
    assert_eq!(sql(&engine, "SELECT id, n FROM every ORDER BY id").await, ["1|10", "2|20", "3|30", "4|40"]);
    assert_eq!(sql(&engine, "SHOW COLUMNS FROM every").await.len(), 5, "* means what it meant");
    sql(&engine, "CREATE MATERIALIZED VIEW cities AS SELECT city, count(*) AS n FROM s GROUP BY city").await;
    assert_eq!(sql(&engine, "SELECT * FROM cities ORDER BY 1").await, ["Bonn|1", "Köln|1", "NULL|2"]);
    let kept = sql(&engine, "SELECT * FROM every ORDER BY 1").await;
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, query).await, expected);
    assert_eq!(sql(&engine, "SELECT * FROM every ORDER BY 1").await, kept);
    assert_eq!(sql(&engine, "SELECT city FROM cities ORDER BY 1").await, ["Bonn", "Köln", "NULL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_keyed_stream_get_the_column() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    sql(&engine, "CREATE INDEX by_n ON k RANKED (ORDER BY n DESC)").await;
    ingest(&engine, "k", "{\"id\":1,\"v\":2,\"n\":1,\"name\":\"a\"}\n{\"id\":2,\"v\":1,\"n\":2,\"nam\":[]}\n").await;
    ingest(&engine, "k", "{\"id\":1,\"v\":1,\"n\":9,\"name\":\"old\"}\n{\"id\":3,\"v\":1,\"n\":3,\"name\":\"c\"}\n")
        .await;
    let before = sql(&engine, "SELECT * FROM latest ORDER BY 1").await;
    sql(&engine, "ALTER STREAM k ADD COLUMN name TEXT").await;
    let query = "SELECT id, v, n, name FROM k ORDER BY id";
    assert_eq!(sql(&engine, query).await, ["1|2|1|a", "2|1|2|NULL", "3|1|3|c"]);
    assert_eq!(sql(&engine, "SELECT * FROM latest ORDER BY 1").await, before);
    ingest(&engine, "k", "{\"id\":2,\"v\":0,\"n\":7,\"name\":\"no\"}\n{\"id\":3,\"v\":2,\"n\":4,\"name\":\"cc\"}\n")
        .await;
    let expected = ["1|2|1|a", "2|1|2|NULL", "3|2|4|cc"];
    assert_eq!(sql(&engine, query).await, expected, "versions were kept");
    assert_eq!(
        sql(&engine, "SELECT l.id, l.n, l.at = k._offset FROM latest l JOIN k ON l.id = k.id ORDER BY 1").await,
        ["1|1|true", "2|2|true", "3|4|true"],
        "a view that reads system columns goes on to read those"
    );
    assert_eq!(sql(&engine, "SELECT * FROM plain WHERE id = 1").await.join("").matches('|').count(), 5);
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, query).await, expected);
    ingest(&engine, "k", "{\"id\":3,\"v\":1,\"n\":1,\"name\":\"late\"}\n").await;
    assert_eq!(sql(&engine, query).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_from_before_is_used_after_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    sql(&engine, "CREATE STREAM r (id BIGINT PRIMARY KEY, n INT) WITH (retention = '1 ms')").await;
    let rows: String = (0..500).map(|n| format!("{{\"id\":{n},\"n\":{n},\"more\":\"m{n}\"}}\n")).collect();
    ingest(&engine, "k", &rows.replace("\"n\"", "\"v\":1,\"n\"")).await;
    ingest(&engine, "s", &rows).await;
    engine.close().await;
    drop(engine);
    // The engine closes with a checkpoint of the old columns; what comes now dies before another one.
    let engine = open(folder.path()).await;
    sql(&engine, "ALTER STREAM k ADD COLUMN more TEXT; ALTER STREAM s ADD COLUMN more TEXT").await;
    ingest(&engine, "k", "{\"id\":7,\"v\":2,\"n\":0,\"more\":\"new\"}\n{\"id\":900,\"v\":2,\"n\":0}\n").await;
    let queries =
        ["SELECT id, n, more FROM k ORDER BY id", "SELECT id, more FROM s ORDER BY id", "SELECT * FROM totals"];
    let mut expected = Vec::new();
    for query in queries {
        expected.push(sql(&engine, query).await);
    }
    assert_eq!(expected[0].len(), 501);
    assert!(expected[0].contains(&"7|0|new".to_owned()) && expected[0].contains(&"8|8|m8".to_owned()));
    let copy = copy_of(folder.path());
    let engine = open(copy.path()).await;
    for (query, expected) in queries.iter().zip(&expected) {
        assert_eq!(sql(&engine, query).await, *expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_records_were_let_go_keep_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = EngineSettings::new(folder.path());
    settings.log.segment_bytes = 4 << 10;
    settings.archive = None;
    let engine = open_with(settings.clone()).await;
    sql(&engine, "CREATE STREAM r (id BIGINT PRIMARY KEY, n INT) WITH (retention_bytes = 4096)").await;
    for first in (0..2_000).step_by(100) {
        let rows: String =
            (first..first + 100).map(|n| format!("{{\"id\":{n},\"n\":{n},\"more\":\"{n:0>40}\"}}\n")).collect();
        ingest(&engine, "r", &rows).await;
    }
    engine.close().await;
    drop(engine);
    trim(&settings).await;
    let engine = open_with(settings.clone()).await;
    let held = sql(&engine, "SELECT count(*) FROM HISTORY(r)").await[0].parse::<u64>().unwrap();
    assert!((1..2_000).contains(&held), "{held} records are held");
    sql(&engine, "ALTER STREAM r ADD COLUMN more TEXT").await;
    let check = "SELECT count(*), sum(n), count(more) FROM r";
    let expected = vec![format!("2000|1999000|{held}")];
    assert_eq!(sql(&engine, check).await, expected);
    let engine = open_with(EngineSettings { data: copy_of(folder.path()).keep(), ..settings }).await;
    assert_eq!(sql(&engine, check).await, expected);
}

/// Lets the log go of what retention allows, as time does.
async fn trim(settings: &EngineSettings) {
    use highwater_log::{EmbeddedLog, Log};
    let log =
        EmbeddedLog::open(&settings.data, settings.log.clone(), std::sync::Arc::new(highwater_model::SystemClock))
            .unwrap();
    for stream in log.streams() {
        log.trim(stream, None, Some(4096), &|_| u64::MAX).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_become_wider_where_no_view_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    ingest(&engine, "s", EVENTS).await;
    ingest(&engine, "k", "{\"id\":1,\"v\":1,\"n\":5}\n").await;
    let refused = try_sql(&engine, "ALTER STREAM s ALTER COLUMN n TYPE BIGINT").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.message.contains("totals") && refused.message.contains("every"), "{refused}");
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["3|60"], "a refusal changes nothing");
    sql(&engine, "ALTER STREAM s ALTER COLUMN n SET DATA TYPE BIGINT CASCADE").await;
    ingest(&engine, "s", "{\"id\":9,\"n\":5000000000}").await;
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["4|5000000060"]);
    assert_eq!(sql(&engine, "SELECT max(n) FROM every").await, ["5000000000"]);
    sql(&engine, "DROP MATERIALIZED VIEW latest").await;
    sql(&engine, "ALTER STREAM k ALTER n TYPE BIGINT").await;
    ingest(&engine, "k", "{\"id\":2,\"v\":1,\"n\":6000000000}\n").await;
    assert_eq!(sql(&engine, "SELECT id, n FROM plain ORDER BY 1").await, ["1|5", "2|6000000000"]);
    sql(&engine, "ALTER STREAM s ALTER COLUMN n DROP NOT NULL CASCADE").await;
    ingest(&engine, "s", "{\"id\":10}").await;
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["5|5000000060"]);
    let copy = copy_of(folder.path());
    let engine = open(copy.path()).await;
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["5|5000000060"]);
    assert_eq!(sql(&engine, "SELECT id, n FROM k ORDER BY 1").await, ["1|5", "2|6000000000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_records_stand_against_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    ingest(&engine, "s", EVENTS).await;
    for (statement, reason) in [
        ("ALTER STREAM s ADD COLUMN city TEXT NOT NULL", "may lack it"),
        ("ALTER STREAM s ADD COLUMN n TEXT", "there already"),
        ("ALTER STREAM s ALTER COLUMN n TYPE SMALLINT", "not every INT is a SMALLINT"),
        ("ALTER STREAM s ALTER COLUMN id TYPE DECIMAL(30, 0)", "picks the partition"),
        ("ALTER STREAM k ALTER COLUMN id DROP NOT NULL", "PRIMARY KEY"),
        ("ALTER STREAM k ALTER COLUMN nn TYPE BIGINT", "no column"),
        ("ALTER STREAM s SET (partitions = 8)", "cannot change"),
        ("ALTER STREAM s SET (lateness = '1 s')", "event time"),
        ("ALTER STREAM s DROP COLUMN n", "not dropped"),
        ("ALTER TABLE s ADD COLUMN x INT", "not supported"),
        ("ALTER STREAM totals ADD COLUMN x INT", "materialized view"),
        ("CREATE OR REPLACE STREAM s (id BIGINT NOT NULL) WITH (partition_by = 'id', partitions = 2)", "missing"),
        ("CREATE OR REPLACE STREAM s (id BIGINT NOT NULL, n INT NOT NULL)", "partitions"),
    ] {
        let refused = try_sql(&engine, statement).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{statement}: {refused}");
    }
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, ["3|60"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn declaring_a_stream_again_changes_it_and_says_when_there_is_nothing_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    ingest(&engine, "s", EVENTS).await;
    let again = "CREATE OR REPLACE STREAM s (id BIGINT NOT NULL, n INT NOT NULL, city TEXT)
        WITH (partition_by = 'id', partitions = 2, retention = '7 days')";
    sql(&engine, again).await;
    assert_eq!(sql(&engine, "SELECT city FROM s ORDER BY id").await, ["Köln", "NULL", "NULL"]);
    sql(&engine, again).await;
    sql(&engine, "ALTER STREAM s ADD COLUMN IF NOT EXISTS city TEXT").await;
    let shown = sql(&engine, "SHOW CREATE s").await;
    assert!(shown[0].contains("city TEXT") && shown[0].contains("retention = '7 days'"), "{shown:?}");
    sql(&engine, "ALTER STREAM s RESET (retention)").await;
    assert!(!sql(&engine, "SHOW CREATE s").await[0].contains("retention"));
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_of_rows_with_other_columns_begin_again() {
    use futures::StreamExt;
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, DECLARE).await;
    let follow = || SubscribeRequest { view: "k".to_owned(), filter: None, resume_from: None };
    let mut changes = engine.subscribe(follow()).await.unwrap();
    changes.events.next().await.unwrap().unwrap();
    sql(&engine, "ALTER STREAM k ADD COLUMN name TEXT").await;
    assert_eq!(changes.events.next().await.unwrap().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(engine.subscribe(follow()).await.unwrap().schema.fields().len(), 7);
}

/// Events keep coming while columns are added: none is lost or doubled, whoever decoded it.
#[tokio::test(flavor = "multi_thread")]
async fn columns_are_added_while_events_come() {
    let folder = tempfile::tempdir().unwrap();
    let engine = std::sync::Arc::new(open(folder.path()).await);
    sql(&engine, DECLARE).await;
    let feeders: Vec<_> = (0..4_u64)
        .map(|feeder| {
            let engine = std::sync::Arc::clone(&engine);
            tokio::spawn(async move {
                for round in 0..60_u64 {
                    let record = |n: u64| {
                        let id = (feeder * 60 + round) * 20 + n;
                        format!(
                            "{{\"id\":{id},\"n\":1,\"v\":{round},\"c0\":{id},\"c1\":\"t{id}\",\"c2\":{{\"x\":{n}}}}}\n"
                        )
                    };
                    let body: String = (0..20).map(record).collect();
                    for stream in ["s", "k"] {
                        let mut request = request(stream, BodyFormat::NdJson, body.clone());
                        request.wait_visible = round.is_multiple_of(7);
                        engine.ingest(request).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for (n, column) in ["c0 BIGINT", "c1 TEXT", "x INT PATH '$.c2.x'"].iter().enumerate() {
        for stream in ["s", "k"] {
            sql(&engine, &format!("ALTER STREAM {stream} ADD COLUMN {column}")).await;
        }
        let seen = sql(&engine, "SELECT count(*) = count(c0) FROM s").await;
        assert_eq!(seen, ["true"], "after {n} columns");
    }
    for feeder in feeders {
        feeder.await.unwrap();
    }
    let count = 4 * 60 * 20;
    ingest(&engine, "s", "{\"id\":-1,\"n\":0}").await;
    ingest(&engine, "k", "{\"id\":-1,\"n\":0,\"v\":0}").await;
    assert_eq!(sql(&engine, "SELECT * FROM totals").await, [format!("{}|{count}", count + 1)]);
    let check = "SELECT count(*), count(c0), count(DISTINCT c1), sum(x) FROM";
    let expected = vec![format!("{}|{count}|{count}|{}", count + 1, 190 * 240)];
    for relation in ["s", "k", "HISTORY(k)"] {
        assert_eq!(sql(&engine, &format!("{check} {relation}")).await, expected, "{relation}");
    }
    assert_eq!(sql(&engine, "SELECT count(*), sum(n) FROM latest").await, [format!("{}|{count}", count + 1)]);
}

/// What is archived gets the column too, from the records archived with it, though the log has let go of them.
#[tokio::test(flavor = "multi_thread")]
async fn archived_events_get_the_column_from_raw() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = EngineSettings::new(folder.path());
    settings.log.segment_bytes = 4_096;
    let engine = open_with(settings.clone()).await;
    sql(&engine, "CREATE STREAM e (id BIGINT NOT NULL, n INT NOT NULL) WITH (partitions = 2, retention_bytes = '1')")
        .await;
    sql(&engine, "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS events FROM e").await;
    let records = |first: u64| -> String {
        (first..first + 500).map(|n| format!("{{\"id\":{n},\"n\":1,\"more\":\"m{n}\",\"big\":{n}}}\n")).collect()
    };
    for first in (0..3_000).step_by(500) {
        ingest(&engine, "e", &records(first)).await;
    }
    engine.archive_now().await.unwrap();
    ingest(&engine, "e", &records(3_000)).await;
    sql(&engine, "ALTER STREAM e ADD COLUMN more TEXT, ADD COLUMN big SMALLINT, ALTER COLUMN n TYPE BIGINT").await;
    ingest(&engine, "e", &records(3_500)).await;
    let check = "SELECT count(*), count(more), count(DISTINCT more), sum(big), sum(n) FROM e";
    let expected = vec![format!("4000|4000|4000|{}|4000", (0..4_000_u64).sum::<u64>())];
    assert_eq!(sql(&engine, check).await, expected);
    engine.archive_now().await.unwrap();
    assert_eq!(sql(&engine, check).await, expected);
    assert_eq!(sql(&engine, "SELECT more, big FROM e WHERE id = 17").await, ["m17|17"]);
    sql(&engine, "CREATE MATERIALIZED VIEW mores AS SELECT count(more) AS n, max(big) AS big FROM e").await;
    assert_eq!(sql(&engine, "SELECT * FROM mores").await, ["4000|3999"]);
    let copy = copy_of(folder.path());
    let engine = open(copy.path()).await;
    assert_eq!(sql(&engine, check).await, expected);
    assert_eq!(sql(&engine, "SELECT * FROM total").await, ["4000"]);
    assert_eq!(sql(&engine, "SELECT * FROM mores").await, ["4000|3999"]);
}
