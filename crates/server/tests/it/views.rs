//! `GET /v1/views/{view}`.

use highwater_server::RowsDocument;

use crate::harness::{Server, problem, send};

#[tokio::test]
async fn parameters_reach_the_engine() {
    let server = Server::start().await;
    let path = "/v1/views/s.daily?where=n%20%3E%201%20AND%20name%3D%27a%2Bb%27&order=n+DESC&limit=10&offset=20";
    let rows: RowsDocument = send("readView", server.get(path)).await.json().await.unwrap();
    assert_eq!((rows.rows.len(), rows.version.as_str()), (3, "7-a1"));
    let read = server.engine.reads.lock().unwrap().pop().unwrap();
    assert_eq!(read.view, "s.daily");
    assert_eq!((read.filter.as_deref(), read.order.as_deref()), (Some("n > 1 AND name='a+b'"), Some("n DESC")));
    assert_eq!((read.limit, read.offset), (Some(10), Some(20)));

    for (query, limit) in
        [("", Some(1000)), ("?limit=all", None), ("?where=&limit=", Some(1000)), ("?limit=0", Some(0))]
    {
        send("readView", server.get(&format!("/v1/views/daily{query}"))).await;
        let read = server.engine.reads.lock().unwrap().pop().unwrap();
        assert_eq!((read.limit, read.filter, read.offset), (limit, None, None), "{query}");
    }
}

#[tokio::test]
async fn every_form_is_given() {
    let server = Server::start().await;
    for accept in ["application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"] {
        let response = send("readView", server.get("/v1/views/daily").header("accept", accept)).await;
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(accept));
        assert_eq!(response.headers()["etag"], "W/\"7-a1\"");
        assert_eq!(response.headers()["vary"], "accept");
        assert!(!response.bytes().await.unwrap().is_empty());
    }
    assert_eq!(problem("readView", server.get("/v1/views/daily").header("accept", "image/png")).await.status, 406);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let server = Server::start().await;
    let get = |tag: &str| server.get("/v1/views/daily").header("if-none-match", tag.to_owned());
    for tag in ["W/\"7-a1\"", "\"7-a1\"", "\"other\", W/\"7-a1\""] {
        let response = send("readView", get(tag)).await;
        assert_eq!((response.status().as_u16(), response.headers()["etag"].to_str().unwrap()), (304, "W/\"7-a1\""));
        assert!(response.bytes().await.unwrap().is_empty());
    }
    assert!(server.engine.reads.lock().unwrap().is_empty(), "an unchanged view is not even read");
    assert_eq!(send("readView", get("*")).await.status(), 304);
    assert_eq!(send("readView", get("\"7\"")).await.status(), 200);
    *server.engine.version.lock().unwrap() = "8-b2".to_owned();
    let response = send("readView", get("W/\"7-a1\"")).await;
    assert_eq!((response.status().as_u16(), response.headers()["etag"].to_str().unwrap()), (200, "W/\"8-b2\""));
}

#[tokio::test]
async fn wrong_parameters_are_refused_not_ignored() {
    let server = Server::start().await;
    for query in
        ["limit=ten", "limit=-1", "offset=x", "offset=-1", "offset=9223372036854775808", "wher=n>1", "limit=1&limit=2"]
    {
        let found = problem("readView", server.get(&format!("/v1/views/daily?{query}"))).await;
        assert!(found.status == 400 && found.hint.is_some(), "{query}");
    }
    assert!(server.engine.reads.lock().unwrap().is_empty());
    for (view, status) in [("missing", 404), ("invalid", 400), ("busy", 429), ("stopping", 503), ("broken", 500)] {
        assert_eq!(problem("readView", server.get(&format!("/v1/views/{view}"))).await.status, status);
    }
}
