//! `GET /v1/live`: queries, panels and views over one connection, mistakes, the end.

use futures::{SinkExt, StreamExt};
use highwater_api::ChangeEvent;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::engine::numbers;
use crate::harness::{Server, problem, told, within};

struct Live(WebSocketStream<TcpStream>);

impl Live {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let url = format!("ws://{}/v1/live", server.address);
        Self(within("the handshake", client_async(url, stream)).await.unwrap().0)
    }

    async fn ask(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message that is no heartbeat.
    async fn next(&mut self) -> Value {
        loop {
            let message = self.any().await;
            if message["event"] != "alive" {
                return message;
            }
        }
    }

    async fn any(&mut self) -> Value {
        match within("a message", self.0.next()).await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_query_is_answered_and_again_after_a_change() {
    let server = Server::start().await;
    let (pulse, pulses) = mpsc::channel(8);
    server.engine.pulses.lock().unwrap().push_back(pulses);
    let mut live = Live::open(&server).await;
    live.ask(json!({"op": "query", "id": 7, "sql": "rows 3", "schema": "mine", "every_ms": 1})).await;
    let first = live.next().await;
    assert_eq!((&first["id"], &first["event"], &first["version"]), (&json!(7), &json!("answer"), &json!("7-a1")));
    assert_eq!((first["rows"].as_array().unwrap().len(), &first["cut"]), (3, &json!(false)));
    assert_eq!((&first["schema"][0]["name"], &first["in_schema"]), (&json!("n"), &json!("mine")));
    // The same answer is not sent again, even at another version.
    *server.engine.version.lock().unwrap() = "8-a2".to_owned();
    pulse.send(()).await.unwrap();
    live.ask(json!({"op": "query", "id": 8, "sql": "rows 1"})).await;
    assert_eq!(live.next().await["id"], 8);
    let asked: Vec<_> = server.engine.statements.lock().unwrap().iter().map(|s| (s.sql.clone(), s.read_only)).collect();
    assert!(asked.contains(&("rows 3".to_owned(), true)), "{asked:?}");
}

#[tokio::test]
async fn a_panel_gets_its_parameters_and_no_more_rows_than_it_wants() {
    let server = Server::start().await;
    let mut live = Live::open(&server).await;
    let panel = |id: u64, panel: &str, values: Value| json!({"op": "panel", "id": id, "app": "mine", "dashboard": "top", "panel": panel, "values": values});
    live.ask(panel(1, "rows", json!({}))).await;
    let usual = live.next().await;
    assert_eq!((usual["rows"].as_array().unwrap().len(), &usual["sql"]), (3, &json!("rows 3")));
    live.ask(panel(1, "rows", json!({"n": "9"}))).await;
    let more = live.next().await;
    assert_eq!(
        (more["rows"].as_array().unwrap().len(), &more["cut"], &more["sql"]),
        (5, &json!(true), &json!("rows 9"))
    );
    let text = "title = \"Draft\"\n[[panels]]\nid = \"a\"\nkind = \"table\"\nsql = \"rows 2\"\n";
    live.ask(json!({"op": "preview", "id": 3, "app": "mine", "text": text, "panel": "a"})).await;
    assert_eq!(live.next().await["rows"].as_array().unwrap().len(), 2);
    for (asked, says) in [
        (
            json!({"op": "preview", "id": 2, "app": "mine", "text": "titel = 1", "panel": "a"}),
            "problems in the statement",
        ),
        (panel(2, "rows", json!({"n": "9; DROP"})), "is not a number"),
        (panel(2, "rows", json!({"m": "9"})), "no parameter \"m\""),
        (panel(2, "columns", json!({})), "no panel \"columns\""),
        (panel(2, "text", json!({})), "no rows"),
        (json!({"op": "choices", "id": 2, "app": "mine", "dashboard": "top", "parameter": "n"}), "fixed"),
        (json!({"op": "query", "id": 2, "sql": "missing"}), "asked for: missing"),
        (json!({"op": "query", "id": 2, "sql": "insert"}), "gives no rows"),
    ] {
        let is_query = asked["op"] == "query";
        live.ask(asked).await;
        let refused = live.next().await;
        let detail = refused["detail"].as_str().unwrap();
        // A query is tried again by itself; everything else is to be asked again.
        let event = if is_query { "problem" } else { "ended" };
        assert!(refused["event"] == event && refused["id"] == 2 && detail.contains(says), "{refused}");
    }
    for text in ["{", "{\"op\": \"quarry\"}", "{\"op\": \"close\", \"id\": 1, \"more\": 2}"] {
        live.0.send(Message::text(text)).await.unwrap();
        assert_eq!(live.next().await["id"], 0, "{text}");
    }
}

#[tokio::test]
async fn a_view_is_followed_until_it_is_closed() {
    let server = Server::start().await;
    let (feed, events) = mpsc::channel(8);
    server.engine.feeds.lock().unwrap().push_back(events);
    let mut live = Live::open(&server).await;
    live.ask(
        json!({"op": "panel", "id": 4, "app": "mine", "dashboard": "top", "panel": "moving", "resume_from": "6-1"}),
    )
    .await;
    feed.send(Ok(ChangeEvent::Snapshot { version: "7-a1".to_owned(), rows: vec![numbers(0, 2)] })).await.unwrap();
    let snapshot = live.next().await;
    assert_eq!((&snapshot["id"], &snapshot["event"], &snapshot["key"]), (&json!(4), &json!("snapshot"), &json!(["n"])));
    feed.send(Ok(ChangeEvent::Changes { version: "8".to_owned(), removed: vec![numbers(0, 1)], added: Vec::new() }))
        .await
        .unwrap();
    let changes = live.next().await;
    assert_eq!((&changes["event"], &changes["removed"][0]), (&json!("changes"), &json!({"n": 0})));
    {
        let asked = server.engine.subscriptions.lock().unwrap();
        let asked = (asked[0].view.clone(), asked[0].filter.clone(), asked[0].resume_from.clone());
        assert_eq!(asked, ("mine.daily".to_owned(), Some("n > 3".to_owned()), Some("6-1".to_owned())));
    }
    live.ask(json!({"op": "close", "id": 4})).await;
    told("the end of the subscription", &server.engine.dropped).await;
}

#[tokio::test]
async fn the_heart_beats_and_the_end_is_told() {
    let server = Server::start().await;
    let plain = problem("live", server.get("/v1/live")).await;
    assert_eq!(plain.status, 426);
    let mut live = Live::open(&server).await;
    let beat = live.any().await;
    assert_eq!((&beat["event"], &beat["lag"], &beat["behind_ms"]), (&json!("alive"), &json!(0), &json!(0)));
    assert!(beat["pages"].as_str().unwrap().len() == 16);
    live.ask(json!({"op": "query", "id": 1, "sql": "hang"})).await;
    told("the beginning of the query", &server.engine.begun).await;
    let dropped = server.engine.dropped.clone();
    server.stop().await;
    told("the end of the query", &dropped).await;
    let rest: Vec<_> = within("the end", live.0.by_ref().collect::<Vec<_>>()).await;
    assert!(!rest.is_empty());
}
