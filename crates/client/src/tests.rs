//! Against a small server that answers from a script: what is retried, what is not, and how errors read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use highwater_api::{BodyFormat, ProducerStamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{AnswerFormat, Client, ClientError, IngestCall, RetryPolicy, SqlCall, SqlResponse};

const REPORT: &str = r#"{"stream":"public.s","accepted":2,"rejected":0,"duplicate":false,"offsets":[],"rejects":[]}"#;

/// Answers request after request with the scripted answers (`None`: hangs up); keeps the requests it saw.
async fn scripted(answers: Vec<Option<String>>) -> (Client, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = seen.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let request = read_request(&mut socket).await;
            requests.lock().unwrap().push(request);
            if let Some(answer) = answer {
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (client, seen)
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        if socket.read_buf(&mut bytes).await.unwrap() == 0 {
            return text;
        }
    }
}

fn answer(status: &str, content_type: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nretry-after: 0\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn call(stamped: bool) -> IngestCall {
    IngestCall {
        stream: "public.s".to_owned(),
        format: BodyFormat::NdJson,
        body: Bytes::from_static(b"{}\n{}\n"),
        stamp: stamped.then(|| ProducerStamp { producer: "p".to_owned(), sequence: 3 }),
        wait_visible: true,
    }
}

const QUICK: RetryPolicy = RetryPolicy {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(2),
    patience: Duration::from_secs(30),
};

#[tokio::test]
async fn a_stamped_batch_is_sent_again_with_the_same_stamp() {
    let busy = answer("429 Too Many Requests", "application/problem+json", r#"{"title":"busy"}"#);
    let (client, seen) = scripted(vec![busy, None, answer("202 Accepted", "application/json", REPORT)]).await;
    let mut failures = 0;
    let report = client.ingest_with_retries(&call(true), &QUICK, |_| failures += 1).await.unwrap();
    assert_eq!((report.accepted, failures), (2, 2));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for request in seen.iter() {
        assert!(request.starts_with("post /v1/streams/public%2es/events?wait=visible "), "{request}");
        assert!(request.contains("\r\ncontent-type: application/x-ndjson\r\n"), "{request}");
        assert!(request.contains("sequence: 3\r\n"), "{request}");
        assert!(request.ends_with("{}\n{}\n"), "{request}");
    }
}

#[tokio::test]
async fn an_unstamped_batch_is_not_sent_again_once_it_may_have_been_stored() {
    let (client, seen) = scripted(vec![None, answer("202 Accepted", "application/json", REPORT)]).await;
    let error = client.ingest_with_retries(&call(false), &QUICK, |_| ()).await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_problem_is_told_with_its_caret() {
    let body = r#"{"title":"invalid","detail":"x","hint":"look","diagnostics":[{"severity":"error",
        "message":"no column","file":null,"line":1,"column":8,"length":1,"source":"SELECT x","hint":null}]}"#;
    let (client, _) = scripted(vec![answer("400 Bad Request", "application/problem+json", body)]).await;
    let error = client.rows("SELECT x").await.unwrap_err();
    assert!(!error.is_passing());
    assert_eq!(error.to_string(), "error: no column\n --> sql:1:8\n  |\n1 | SELECT x\n  |        ^\n  hint: look");
}

#[tokio::test]
async fn commands_and_rows_are_told_apart() {
    let done = answer("200 OK", "application/json", r#"{"tag":"INSERT 1","rows":1,"notices":["n"]}"#);
    let rows = answer("200 OK", "application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n");
    let (client, _) = scripted(vec![done, rows]).await;
    let response = client.sql(&SqlCall { sql: "INSERT …", schema: None }, AnswerFormat::Json).await.unwrap();
    assert!(matches!(response, SqlResponse::Done(done) if done.tag == "INSERT 1" && done.notices == ["n"]));
    let rows = client.rows("SELECT a").await.unwrap();
    assert_eq!(rows.iter().map(|row| row["a"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn nobody_there_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::new(&address).unwrap().is_ready().await.unwrap_err();
    assert!(error.is_passing() && error.took_no_effect());
    assert!(error.to_string().contains("highwater up"), "{error}");
}

#[test]
fn addresses_without_a_use_are_refused() {
    for address in ["https://example.org", "http://", "ftp://x"] {
        assert!(matches!(Client::new(address), Err(ClientError::Address { .. })), "{address}");
    }
    assert_eq!(Client::new("localhost:8080").unwrap().address(), "http://localhost:8080");
}

#[test]
fn waits_grow_to_a_limit_and_obey_the_server() {
    let policy = RetryPolicy::PATIENT;
    let waits: Vec<_> = (1..12).map(|attempt| policy.wait(attempt, None, 7)).collect();
    assert!(waits[0] >= policy.first_wait && waits[0] <= policy.first_wait * 2);
    assert!(waits.iter().all(|wait| *wait <= policy.longest_wait.mul_f64(1.25)));
    assert_eq!(policy.wait(1, Some(Duration::from_secs(9)), 7), Duration::from_secs(9));
}
