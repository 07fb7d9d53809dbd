//! `GET /v1/views/{view}/changes`: order, parts, ids, resuming, slow readers, the end.

use highwater_api::{ApiError, ChangeEvent, ErrorKind};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::engine::numbers;
use crate::harness::{Server, problem, send, told, within};

type Feed = mpsc::Sender<Result<ChangeEvent, ApiError>>;

/// One event as a browser would see it.
#[derive(Debug)]
struct Seen {
    name: String,
    id: Option<String>,
    data: Value,
}

/// Reads server-sent events from a response.
struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    /// The next block of lines, comments included; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = within("an event", self.response.chunk()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn event(&mut self) -> Option<Seen> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let line = block.lines().find(|line| line.split(':').next() == Some(name));
                line.map(|line| line.split_once(':').map_or("", |(_, value)| value).trim_start().to_owned())
            };
            if let Some(name) = field("event") {
                return Some(Seen { name, id: field("id"), data: serde_json::from_str(&field("data")?).unwrap() });
            }
        }
    }
}

fn feed(server: &Server, capacity: usize) -> Feed {
    let (feed, events) = mpsc::channel(capacity);
    server.engine.feeds.lock().unwrap().push_back(events);
    feed
}

async fn follow(server: &Server, path: &str) -> Reader {
    let response = send("followView", server.get(path)).await;
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    Reader { response, text: String::new() }
}

fn snapshot(version: &str, count: i64) -> ChangeEvent {
    ChangeEvent::Snapshot { version: version.to_owned(), rows: vec![numbers(0, count)] }
}

#[tokio::test]
async fn a_snapshot_then_changes() {
    let server = Server::start().await;
    let feed = feed(&server, 8);
    let mut reader = follow(&server, "/v1/views/daily/changes?where=n%3C9").await;
    feed.send(Ok(snapshot("1", 2))).await.unwrap();
    let seen = reader.event().await.unwrap();
    assert_eq!((seen.name.as_str(), seen.id.as_deref()), ("snapshot", Some("1")));
    let expected = json!({
        "version": "1", "key": ["n"], "more": false,
        "schema": [{"name": "n", "type": "BIGINT", "nullable": false}, {"name": "name", "type": "TEXT", "nullable": true}],
        "rows": [{"n": 0, "name": "name 0"}, {"n": 1, "name": null}],
    });
    assert_eq!(seen.data, expected);
    let changes = ChangeEvent::Changes { version: "2".to_owned(), removed: vec![numbers(1, 1)], added: vec![] };
    feed.send(Ok(changes)).await.unwrap();
    let seen = reader.event().await.unwrap();
    assert_eq!((seen.name.as_str(), seen.id.as_deref()), ("changes", Some("2")));
    assert_eq!(seen.data, json!({"version": "2", "removed": [{"n": 1, "name": null}], "added": [], "more": false}));
    let request = server.engine.subscriptions.lock().unwrap().pop().unwrap();
    assert_eq!((request.view.as_str(), request.filter.as_deref(), request.resume_from), ("daily", Some("n<9"), None));
    // A reader that leaves ends the engine's subscription.
    drop(reader);
    feed.send(Ok(snapshot("3", 1))).await.unwrap();
    told("the subscription's end", &server.engine.dropped).await;
}

#[tokio::test]
async fn large_events_come_in_parts_and_only_the_last_can_be_resumed_from() {
    let server = Server::with(|settings| settings.max_event_rows = 4).await;
    let feed = feed(&server, 8);
    let mut reader = follow(&server, "/v1/views/daily/changes").await;
    let rows = vec![numbers(0, 3), numbers(3, 0), numbers(3, 6)];
    feed.send(Ok(ChangeEvent::Snapshot { version: "1".to_owned(), rows })).await.unwrap();
    feed.send(Ok(ChangeEvent::Changes {
        version: "2".to_owned(),
        removed: vec![numbers(0, 5)],
        added: vec![numbers(20, 3)],
    }))
    .await
    .unwrap();
    feed.send(Ok(ChangeEvent::Snapshot { version: "3".to_owned(), rows: vec![] })).await.unwrap();
    let expected = [
        ("snapshot", "", vec![0, 1, 2, 3], true),
        ("rows", "", vec![4, 5, 6, 7], true),
        ("rows", "1", vec![8], false),
        ("changes", "", vec![0, 1, 2, 3], true),
        ("changes", "", vec![4], true),
        ("changes", "2", vec![20, 21, 22], false),
        ("snapshot", "3", vec![], false),
    ];
    for (name, id, numbers, more) in expected {
        let seen = reader.event().await.unwrap();
        assert_eq!((seen.name.as_str(), seen.id.as_deref(), seen.data["more"].as_bool()), (name, Some(id), Some(more)));
        let rows = ["rows", "removed", "added"].iter().filter_map(|part| seen.data[part].as_array()).flatten();
        assert_eq!(rows.map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>(), numbers);
    }
}

#[tokio::test]
async fn readers_resume_where_they_were() {
    let server = Server::start().await;
    let cases =
        [(None, "?last_event_id=5", Some("5")), (Some("6"), "?last_event_id=5", Some("6")), (Some(""), "", None)];
    for (header, query, expected) in cases {
        let _feed = feed(&server, 1);
        let mut request = server.get(&format!("/v1/views/daily/changes{query}"));
        if let Some(id) = header {
            request = request.header("last-event-id", id);
        }
        send("followView", request).await;
        let request = server.engine.subscriptions.lock().unwrap().pop().unwrap();
        assert_eq!(request.resume_from.as_deref(), expected);
    }
}

#[tokio::test]
async fn failures_are_told_before_and_during_a_subscription() {
    let server = Server::start().await;
    for (view, status) in [("missing", 404), ("invalid", 400), ("unsupported", 422), ("busy", 429)] {
        assert_eq!(problem("followView", server.get(&format!("/v1/views/{view}/changes"))).await.status, status);
    }
    assert_eq!(problem("followView", server.get("/v1/views/daily/changes?limit=1")).await.status, 400);
    let feed = feed(&server, 8);
    let mut reader = follow(&server, "/v1/views/daily/changes").await;
    feed.send(Err(ApiError::new(ErrorKind::NotFound, "the view was dropped"))).await.unwrap();
    let seen = reader.event().await.unwrap();
    assert_eq!((seen.name.as_str(), seen.id, seen.data["status"].as_u64()), ("problem", None, Some(404)));
    assert!(reader.event().await.is_none());
}

#[tokio::test]
async fn a_quiet_subscription_is_kept_alive_and_ends_with_the_server() {
    let server = Server::with(|settings| settings.keep_alive = std::time::Duration::from_millis(10)).await;
    let _feed = feed(&server, 1);
    let mut reader = follow(&server, "/v1/views/daily/changes").await;
    assert_eq!(reader.block().await.as_deref(), Some(": alive"));
    server.stop().await;
    assert!(reader.event().await.is_none());
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_asking() {
    let server = Server::start().await;
    let feed = feed(&server, 1);
    let reader = follow(&server, "/v1/views/daily/changes").await;
    // Each event is about 80 KB. Once socket buffers are full nothing more is taken from the engine, so the feed, which
    // holds one event, stays full: `reserve` is pending while the server's tasks have nothing left to do.
    let mut sent = 0;
    while let Ok(Ok(permit)) = tokio::time::timeout(std::time::Duration::from_secs(1), feed.reserve()).await {
        permit.send(Ok(snapshot("1", 2000)));
        sent += 1;
        assert!(sent < 5000, "the server buffers without end");
    }
    drop(reader);
    told("the subscription's end", &server.engine.dropped).await;
}
