//! `POST /v1/streams/{stream}/rejects/replay`.

use highwater_api::ReplayReport;

use crate::harness::{Server, problem, send};

#[tokio::test]
async fn a_replay_is_reported_and_a_wrong_one_refused() {
    let server = Server::start().await;
    let url = "/v1/streams/s.steps/rejects/replay?where=line%20%3D%202";
    let response = send("replayRejects", server.post(url)).await;
    assert_eq!(response.status(), 200);
    let report: ReplayReport = response.json().await.unwrap();
    assert_eq!((report.stream.as_str(), report.replayed, report.refused), ("s.steps", 2, 1));
    assert_eq!(report.refusals[0].reason, "line = 2");
    assert_eq!(problem("replayRejects", server.post("/v1/streams/nothing/rejects/replay")).await.status, 404);
    assert_eq!(problem("replayRejects", server.post("/v1/streams/steps/rejects/replay?wher=1")).await.status, 400);
}
