//! `POST /v1/snapshots`.

use highwater_api::SnapshotReport;

use crate::harness::{Server, problem, send};

#[tokio::test]
async fn a_snapshot_is_taken_under_a_name() {
    let server = Server::start().await;
    let response = send("takeSnapshot", server.post("/v1/snapshots?name=one")).await;
    assert_eq!(response.status(), 201);
    let report: SnapshotReport = response.json().await.unwrap();
    assert_eq!((report.folder.as_str(), report.files, report.bytes), ("data/snapshots/one", 3, 42));
    assert_eq!(problem("takeSnapshot", server.post("/v1/snapshots?name=taken")).await.status, 409);
    assert_eq!(problem("takeSnapshot", server.post("/v1/snapshots")).await.status, 400);
}
