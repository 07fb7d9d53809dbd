//! `GET /v1/streams/{stream}/socket`.

use futures::{SinkExt, StreamExt};
use highwater_api::BodyFormat;
use highwater_server::BatchDocument;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Server, problem, within};

type Socket = WebSocketStream<TcpStream>;

async fn open(server: &Server, path: &str) -> Socket {
    let stream = TcpStream::connect(server.address).await.unwrap();
    within("the handshake", client_async(format!("ws://{}{path}", server.address), stream)).await.unwrap().0
}

async fn acknowledged(socket: &mut Socket) -> BatchDocument {
    loop {
        match within("an acknowledgement", socket.next()).await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn close_code(socket: &mut Socket) -> CloseCode {
    loop {
        match within("the close", socket.next()).await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code,
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn batches_are_stored_and_acknowledged_in_order() {
    let server = Server::start().await;
    let mut socket = open(&server, "/v1/streams/s.steps/socket?producer=watch&sequence=5&wait=visible").await;
    socket.send(Message::text("{}\n{}")).await.unwrap();
    socket.send(Message::binary(b"{}\nmany".to_vec())).await.unwrap();
    let first = acknowledged(&mut socket).await;
    assert_eq!((first.batch, first.sequence, first.status, first.report.unwrap().accepted), (0, Some(5), 202, 2));
    let second = acknowledged(&mut socket).await;
    assert_eq!((second.batch, second.sequence, second.status, second.report.unwrap().rejected), (1, Some(6), 207, 1));
    let stored = server.engine.ingests.lock().unwrap();
    let stamps: Vec<u64> = stored.iter().map(|request| request.stamp.as_ref().unwrap().sequence).collect();
    assert_eq!(stamps, [5, 6]);
    assert!(stored.iter().all(|r| r.stream == "s.steps" && r.wait_visible && r.format == BodyFormat::NdJson));
}

#[tokio::test]
async fn a_refused_batch_is_acknowledged_and_ends_only_a_stamped_socket() {
    let server = Server::start().await;
    let mut socket = open(&server, "/v1/streams/busy/socket?format=csv").await;
    for batch in 0..2 {
        socket.send(Message::text("a\n1\n")).await.unwrap();
        let refused = acknowledged(&mut socket).await;
        assert_eq!((refused.batch, refused.status, refused.retry_after_ms), (batch, 429, Some(2500)));
        assert_eq!(refused.problem.unwrap().status, 429);
    }
    let mut socket = open(&server, "/v1/streams/full/socket?producer=watch&sequence=0").await;
    socket.send(Message::text("{}")).await.unwrap();
    assert_eq!(acknowledged(&mut socket).await.status, 507);
    assert_eq!(close_code(&mut socket).await, CloseCode::Again);
}

#[tokio::test]
async fn sockets_have_limits_and_end_with_the_server() {
    let server = Server::with(|settings| settings.max_body_bytes = 1000).await;
    let mut socket = open(&server, "/v1/streams/steps/socket").await;
    socket.send(Message::binary(vec![b'{'; 2000])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, CloseCode::Policy);
    assert!(server.engine.ingests.lock().unwrap().is_empty());

    let mut socket = open(&server, "/v1/streams/steps/socket").await;
    socket.send(Message::text("{}")).await.unwrap();
    assert_eq!(acknowledged(&mut socket).await.status, 202);
    server.stop().await;
    assert_eq!(close_code(&mut socket).await, CloseCode::Away);
}

#[tokio::test]
async fn what_is_not_a_handshake_is_told_so() {
    let server = Server::start().await;
    assert_eq!(problem("ingestSocket", server.get("/v1/streams/steps/socket")).await.status, 426);
    for query in ["format=xml", "producer=p", "sequence=1", "producer=&sequence=1", "wait=never"] {
        let path = format!("/v1/streams/steps/socket?{query}");
        assert_eq!(problem("ingestSocket", server.get(&path)).await.status, 400, "{query}");
    }
}
