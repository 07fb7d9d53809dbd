//! Events in: formats, rejects, stamps, visibility.

use highwater_api::{BodyFormat, Engine, ErrorKind};

use crate::support::{STEPS, ingest, ingest_stamped, open, request, sql, steps, try_sql};

#[tokio::test(flavor = "multi_thread")]
async fn events_show_in_views_streams_and_system_columns() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let report = ingest(&engine, "steps", &steps(0, 1000)).await;
    assert_eq!((report.accepted, report.rejected), (1000, 0));
    assert_eq!(sql(&engine, "SELECT count(*), sum(steps) FROM daily_steps").await, ["97|5500"]);
    assert_eq!(sql(&engine, "SELECT count(*), sum(steps) FROM steps").await, ["1000|5500"]);
    let dense =
        sql(&engine, "SELECT _partition, count(*) = max(_offset) + 1, min(_offset) FROM steps GROUP BY 1 ORDER BY 1")
            .await;
    assert_eq!(dense, ["0|true|0", "1|true|0", "2|true|0", "3|true|0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_kept_and_good_ones_counted() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let body = concat!(
        "{\"uuid\":1,\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}\n",
        "{\"uuid\":1,\"steps\":\"many\",\"ts\":\"2016-02-02T20:00:00Z\"}\n",
        "{\"uuid\":1,\n",
        "{\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}\n",
        "{\"uuid\":2,\"steps\":7,\"ts\":\"2016-02-02T20:00:00Z\"}\n",
    );
    let report = ingest(&engine, "steps", body).await;
    assert_eq!((report.accepted, report.rejected, report.rejects.len()), (2, 3, 3));
    assert_eq!(report.rejects[0].line, 2);
    assert_eq!(report.rejects[0].column.as_deref(), Some("steps"));
    let rejects = sql(&engine, "SELECT line, \"column\", encoding FROM steps_rejects ORDER BY line").await;
    assert_eq!(rejects.len(), 3);
    assert_eq!(rejects[0], "2|steps|utf8");
    assert_eq!(sql(&engine, "SELECT sum(steps) FROM daily_steps").await, ["12"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_is_stored_once_and_a_gap_refused() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    for _ in 0..3 {
        ingest_stamped(&engine, "steps", &steps(0, 10), "p", 0).await.unwrap();
    }
    let again = ingest_stamped(&engine, "steps", &steps(0, 10), "p", 0).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.accepted, 0);
    let gap = ingest_stamped(&engine, "steps", &steps(0, 10), "p", 5).await.unwrap_err();
    assert_eq!(gap.kind, ErrorKind::Conflict);
    assert_eq!(sql(&engine, "SELECT count(*) FROM steps").await, ["10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_format_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let bodies = [
        (BodyFormat::NdJson, "{\"uuid\":1,\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}\n"),
        (BodyFormat::Json, "[{\"uuid\":1,\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}]"),
        (
            BodyFormat::Json,
            "{\"uuid\":1,\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}{\"uuid\":1,\"steps\":5,\"ts\":\"2016-02-02T20:00:00Z\"}",
        ),
        (BodyFormat::Csv, "ts,steps,uuid\n2016-02-02T20:00:00Z,5,1\n"),
    ];
    for (format, body) in bodies {
        let report = engine.ingest(request("steps", format, body)).await.unwrap();
        assert_eq!(report.rejected, 0, "{:?}", report.rejects);
    }
    assert_eq!(sql(&engine, "SELECT count(*), count(DISTINCT (uuid, steps, ts)) FROM steps").await, ["5|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_targets_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let unknown = engine.ingest(request("stepz", BodyFormat::NdJson, "{}")).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
    assert!(unknown.hint.unwrap_or_default().contains("steps"));
    let view = engine.ingest(request("daily_steps", BodyFormat::NdJson, "{}")).await.unwrap_err();
    assert_eq!(view.kind, ErrorKind::InvalidInput);
    let text = engine.ingest(request("steps", BodyFormat::Text, "1;2")).await.unwrap_err();
    assert_eq!(text.kind, ErrorKind::InvalidInput);
    let wrong = try_sql(&engine, "SELECT stepz FROM steps").await.unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::InvalidInput);
    assert_eq!((wrong.diagnostics.0[0].line, wrong.diagnostics.0[0].column), (1, 8));
}
