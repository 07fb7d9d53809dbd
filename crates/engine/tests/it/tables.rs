//! Tables: INSERT, UPDATE, DELETE, and views that look rows up.

use std::time::Duration;

use highwater_api::ErrorKind;

use crate::support::{ingest, open, sql, try_sql};

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, "CREATE TABLE t (k BIGINT PRIMARY KEY, name TEXT, at TIMESTAMPTZ, price DECIMAL(10, 2))").await;
    let inserted = "INSERT INTO t VALUES (1, 'one', '2024-01-01T00:00:00Z', 1.25), (2, 'two', NULL, NULL)";
    assert_eq!(sql(&engine, inserted).await, ["INSERT 0 2"]);
    assert_eq!(sql(&engine, "UPDATE t SET name = upper(name), price = 2.50 WHERE k = 1").await, ["UPDATE 1"]);
    assert_eq!(
        sql(&engine, "SELECT * FROM t ORDER BY k").await,
        ["1|ONE|2024-01-01T00:00:00Z|2.50", "2|two|NULL|NULL"]
    );
    assert_eq!(sql(&engine, "DELETE FROM t WHERE k = 2").await, ["DELETE 1"]);
    assert_eq!(sql(&engine, "SELECT k FROM t").await, ["1"]);
    assert_eq!(sql(&engine, "INSERT INTO t (k) VALUES (2)").await, ["INSERT 0 1"]);
    let twice = try_sql(&engine, "INSERT INTO t (k) VALUES (2)").await.unwrap_err();
    assert_eq!(twice.kind, ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_builds_its_readers_anew() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(
        &engine,
        "
        CREATE STREAM plays (song BIGINT NOT NULL);
        CREATE TABLE songs (id BIGINT PRIMARY KEY, artist TEXT NOT NULL);
        INSERT INTO songs VALUES (1, 'a'), (2, 'b');
        CREATE MATERIALIZED VIEW by_artist AS
          SELECT s.artist, count(*) AS n FROM plays p JOIN songs s ON p.song = s.id GROUP BY s.artist;
    ",
    )
    .await;
    ingest(&engine, "plays", "{\"song\":1}\n{\"song\":2}\n{\"song\":2}\n{\"song\":3}\n").await;
    assert_eq!(sql(&engine, "SELECT * FROM by_artist ORDER BY 1").await, ["a|1", "b|2"]);
    sql(&engine, "INSERT INTO songs VALUES (3, 'a')").await;
    sql(&engine, "UPDATE songs SET artist = 'c' WHERE id = 2").await;
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let rows = sql(&engine, "SELECT * FROM by_artist ORDER BY 1").await;
        if rows == ["a|2", "c|2"] || tokio::time::Instant::now() > limit {
            assert_eq!(rows, ["a|2", "c|2"]);
            break;
        }
        tokio::task::yield_now().await;
    }
}
