//! Jobs: begun, followed and given up over HTTP.

use highwater_server::{JobDocument, JobsDocument};
use serde_json::json;

use crate::harness::{Server, problem, send};

#[tokio::test]
async fn a_job_is_begun_and_followed() {
    let server = Server::start().await;
    let asked = server.post("/v1/audits").json(&json!({"views": ["public.daily"]}));
    let begun = send("audit", asked).await;
    assert_eq!((begun.status().as_u16(), &begun.headers()["location"]), (202, &"/v1/jobs/1".parse().unwrap()));
    let begun: JobDocument = begun.json().await.unwrap();
    let followed: JobDocument = send("job", server.get("/v1/jobs/1")).await.json().await.unwrap();
    assert_eq!(begun, followed);
    assert_eq!((followed.kind.as_str(), followed.state.as_str(), followed.progress), ("audit", "done", 1.0));
    let found = &followed.results[0];
    assert_eq!((found.status.as_str(), found.different, found.took_ms), ("different", 1, 2.5));
    assert_eq!(found.started, "1970-01-01T00:00:01.000000Z");
    assert_eq!(found.differences[0].live.as_ref().unwrap()["n"], "1");
    assert_eq!((found.mark[0].stream.as_str(), found.mark[0].next.as_slice()), ("public.steps", &[3, 0][..]));

    let everything: JobDocument = send("recompute", server.post("/v1/recomputes")).await.json().await.unwrap();
    assert_eq!((everything.kind.as_str(), everything.results[0].relation.as_str()), ("recompute", "All"));
    let of_app = server.post("/v1/recomputes").json(&json!({"app": "mine"}));
    let of_app: JobDocument = send("recompute", of_app).await.json().await.unwrap();
    assert_eq!(of_app.results[0].relation, "App(\"mine\")");
    let all: JobsDocument = send("jobs", server.get("/v1/jobs")).await.json().await.unwrap();
    assert_eq!(all.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [1, 2, 3]);
    let given_up = send("cancelJob", server.client.delete(server.url("/v1/jobs/2"))).await;
    assert_eq!(given_up.json::<JobDocument>().await.unwrap().id, 2);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let server = Server::start().await;
    for (body, part) in [
        (json!({"view": "public.daily"}), "unknown field"),
        (json!({"views": ["a"], "app": "b"}), "exclude each other"),
        (json!([1]), "does not say what to audit"),
    ] {
        let problem = problem("audit", server.post("/v1/audits").json(&body)).await;
        assert_eq!(problem.status, 400);
        assert!(problem.detail.contains(part), "{body}");
    }
    assert_eq!(problem("job", server.get("/v1/jobs/9")).await.status, 404);
    assert_eq!(problem("job", server.get("/v1/jobs/nine")).await.status, 400);
    assert_eq!(problem("cancelJob", server.client.delete(server.url("/v1/jobs/9"))).await.status, 404);
}
