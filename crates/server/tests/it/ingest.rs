//! `POST /v1/streams/{stream}/events`.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use highwater_api::{BodyFormat, IngestReport};
use highwater_server::IngestDocument;
use tokio::io::AsyncWriteExt;

use crate::harness::{Server, problem, rest, send, told, within};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn all_accepted_is_202_and_some_rejected_is_207() {
    let server = Server::start().await;
    let response = send("ingest", server.events("steps").body("{\"a\":1}\n{\"a\":2}\n")).await;
    assert_eq!(response.status(), 202);
    let report: IngestDocument = response.json().await.unwrap();
    assert_eq!((report.accepted, report.rejected, report.stream.as_str()), (2, 0, "public.steps"));
    assert_eq!(report.offsets.len(), 1, "the hidden partition of rejects is not shown");

    let response = send("ingest", server.events("steps").body("{\"a\":1}\nmany\n")).await;
    assert_eq!(response.status(), 207);
    // The same text reads as the engine's own report.
    let report: IngestReport = response.json().await.unwrap();
    assert_eq!((report.accepted, report.rejected, report.rejects[0].line), (1, 1, 2));

    assert_eq!(send("ingest", server.events("steps").body("many\n")).await.status(), 207);
}

#[tokio::test]
async fn the_content_type_picks_the_format() {
    let server = Server::start().await;
    let sent = [
        ("application/x-ndjson", BodyFormat::NdJson),
        ("application/json; charset=utf-8", BodyFormat::Json),
        ("Text/CSV", BodyFormat::Csv),
        ("text/plain;charset=\"UTF-8\"", BodyFormat::Text),
    ];
    for (content_type, format) in sent {
        let request = server.post("/v1/streams/s.steps/events").header("content-type", content_type).body("{}");
        assert_eq!(send("ingest", request).await.status(), 202, "{content_type}");
        let request = server.engine.ingests.lock().unwrap().pop().unwrap();
        assert_eq!((request.format, request.stream.as_str(), request.wait_visible), (format, "s.steps", false));
    }
    // Without a content type only what begins like JSON is read.
    let bare = server.post("/v1/streams/steps/events");
    assert_eq!(send("ingest", bare.try_clone().unwrap().body("  [{}]")).await.status(), 202);
    assert_eq!(server.engine.ingests.lock().unwrap()[0].format, BodyFormat::Json);
    assert_eq!(problem("ingest", bare.body("a,b\n1,2\n")).await.status, 415);
    for content_type in ["application/x-www-form-urlencoded", "text/html", "text/csv; charset=latin1", "\u{fc}"] {
        let request =
            server.post("/v1/streams/steps/events").header("content-type", content_type.as_bytes()).body("{}");
        let problem = problem("ingest", request).await;
        assert_eq!(problem.status, 415, "{content_type}");
        assert!(problem.hint.is_some());
    }
}

#[tokio::test]
async fn stamp_and_wait_reach_the_engine() {
    let server = Server::start().await;
    let request = server.post("/v1/streams/steps/events?wait=visible").header("content-type", "text/csv").body("{}");
    let request = request.header("Highwater-Producer", "watch-7").header("Highwater-Sequence", "41");
    assert_eq!(send("ingest", request).await.status(), 202);
    let request = server.engine.ingests.lock().unwrap().pop().unwrap();
    let stamp = request.stamp.unwrap();
    assert_eq!((stamp.producer.as_str(), stamp.sequence, request.wait_visible), ("watch-7", 41, true));
}

#[tokio::test]
async fn wrong_headers_and_parameters_say_what_to_send() {
    let server = Server::start().await;
    let long = "p".repeat(129);
    let wrong: [&[(&str, &str)]; 6] = [
        &[("Highwater-Producer", "p")],
        &[("Highwater-Sequence", "1")],
        &[("Highwater-Producer", "p"), ("Highwater-Sequence", "-1")],
        &[("Highwater-Producer", "p"), ("Highwater-Sequence", "1.5")],
        &[("Highwater-Producer", ""), ("Highwater-Sequence", "1")],
        &[("Highwater-Producer", &long), ("Highwater-Sequence", "1")],
    ];
    for headers in wrong {
        let request =
            headers.iter().fold(server.events("steps").body("{}"), |r, (name, value)| r.header(*name, *value));
        assert_eq!(problem("ingest", request).await.status, 400, "{headers:?}");
    }
    for query in ["wait=soon", "wiat=visible", "wait=visible&wait=durable"] {
        let path = format!("/v1/streams/steps/events?{query}");
        let found = problem("ingest", server.post(&path).header("content-type", "text/csv").body("{}")).await;
        assert_eq!(found.status, 400, "{query}");
        assert!(found.hint.unwrap().contains("wait=visible"));
    }
    for path in [
        "/v1/streams//events",
        "/v1/streams/%ff/events",
        "/v1/streams/a%0ab/events",
        &format!("/v1/streams/{}/events", "n".repeat(300)),
    ] {
        assert_eq!(problem("ingest", server.post(path).body("{}")).await.status, 400, "{path}");
    }
    assert!(server.engine.ingests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn gzip_is_undone_within_limits() {
    let server = Server::with(|settings| settings.max_body_bytes = 1 << 20).await;
    let events = |body: Vec<u8>| server.events("steps").header("content-encoding", "gzip").body(body);
    let plain = "{\"a\":1}\n".repeat(50_000);
    assert_eq!(send("ingest", events(gzip(plain.as_bytes()))).await.status(), 202);
    assert_eq!(server.engine.ingests.lock().unwrap()[0].body, plain);

    // Two members, one after the other, are one body.
    let members = [gzip(b"{}\n"), gzip(b"{}\n")].concat();
    assert_eq!(send("ingest", events(members)).await.status(), 202);
    assert_eq!(server.engine.ingests.lock().unwrap()[1].body, "{}\n{}\n");

    let whole = gzip(plain.as_bytes());
    for end in [0, 1, 9, 10, whole.len() / 2, whole.len() - 1] {
        let found = problem("ingest", events(whole[..end].to_vec())).await;
        assert_eq!(found.status, 400);
        assert!(found.detail.contains("truncated"), "{end}: {}", found.detail);
    }
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8].fill(0xff);
    assert_eq!(problem("ingest", events(damaged)).await.status, 400);
    assert_eq!(problem("ingest", events(b"{}".repeat(20))).await.status, 400);

    // A bomb is stopped at the limit, not after.
    assert_eq!(problem("ingest", events(gzip(&vec![b'{'; 64 << 20]))).await.status, 413);
    // Exactly the limit fits.
    assert_eq!(send("ingest", events(gzip(&vec![b'{'; 1 << 20]))).await.status(), 202);
    assert_eq!(problem("ingest", events(gzip(&vec![b'{'; (1 << 20) + 1]))).await.status, 413);

    let other = server.events("steps").header("content-encoding", "br").body("{}");
    assert_eq!(problem("ingest", other).await.status, 415);
    let twice = server.events("steps").header("content-encoding", "gzip, gzip").body("{}");
    assert_eq!(problem("ingest", twice).await.status, 415);
    let identity = server.events("steps").header("content-encoding", "identity").body("{}");
    assert_eq!(send("ingest", identity).await.status(), 202);
}

#[tokio::test]
async fn large_bodies_are_refused_and_the_refusal_is_seen() {
    let server = Server::with(|settings| settings.max_body_bytes = 100_000).await;
    // With a length, and in chunks without one.
    assert_eq!(problem("ingest", server.events("steps").body(vec![b'{'; 150_000])).await.status, 413);
    let chunks = (0..15).map(|_| Ok::<_, std::io::Error>(vec![b'{'; 10_000]));
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(problem("ingest", server.events("steps").body(chunked)).await.status, 413);
    // What fits arrives whole, in however many pieces.
    let chunks = (0..10).map(|at| Ok::<_, std::io::Error>(vec![b'a' + at; 10_000]));
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(send("ingest", server.events("steps").body(chunked)).await.status(), 207);
    let body = server.engine.ingests.lock().unwrap().pop().unwrap().body;
    assert_eq!(body, (0..10).flat_map(|at| vec![b'a' + at; 10_000]).collect::<Vec<u8>>());
}

#[tokio::test]
async fn engine_errors_have_their_status() {
    let server = Server::start().await;
    let statuses = [
        ("invalid", 400),
        ("missing", 404),
        ("gap", 409),
        ("large", 413),
        ("unsupported", 422),
        ("slow", 408),
        ("full", 507),
        ("broken", 500),
        ("panic", 500),
    ];
    for (stream, status) in statuses {
        assert_eq!(problem("ingest", server.events(stream).body("{}")).await.status, status, "{stream}");
    }
    let busy = send("ingest", server.events("busy").body("{}")).await;
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].to_str().unwrap()), (429, "3"));
    let stopping = send("ingest", server.events("stopping").body("{}")).await;
    assert_eq!((stopping.status().as_u16(), stopping.headers()["retry-after"].to_str().unwrap()), (503, "1"));
}

#[tokio::test]
async fn more_requests_than_allowed_are_told_to_wait() {
    let server = Server::with(|settings| {
        settings.max_concurrent_ingests = 1;
        settings.retry_after = Duration::from_secs(4);
    })
    .await;
    let first = tokio::spawn(server.events("hang").body("{}").send());
    told("the first request", &server.engine.begun).await;
    let second = send("ingest", server.events("steps").body("{}")).await;
    assert_eq!((second.status().as_u16(), second.headers()["retry-after"].to_str().unwrap()), (429, "4"));
    server.engine.release.notify_one();
    assert_eq!(within("the first answer", first).await.unwrap().unwrap().status(), 202);
    assert_eq!(send("ingest", server.events("steps").body("{}")).await.status(), 202);
}

#[tokio::test]
async fn bodies_in_flight_share_bounded_memory() {
    let server = Server::with(|settings| settings.max_ingest_memory_bytes = 64 << 10).await;
    let first = tokio::spawn(server.events("hang").body(vec![b'{'; 40 << 10]).send());
    told("the first request", &server.engine.begun).await;
    assert_eq!(problem("ingest", server.events("steps").body(vec![b'{'; 40 << 10])).await.status, 429);
    let gzipped = server.events("steps").header("content-encoding", "gzip").body(gzip(&vec![b'{'; 40 << 10]));
    assert_eq!(problem("ingest", gzipped).await.status, 429);
    server.engine.release.notify_one();
    assert_eq!(within("the first answer", first).await.unwrap().unwrap().status(), 202);
    assert_eq!(send("ingest", server.events("steps").body(vec![b'{'; 40 << 10])).await.status(), 202);
}

#[tokio::test]
async fn a_body_that_does_not_come_and_an_engine_that_does_not_answer_time_out() {
    let server = Server::with(|settings| settings.request_timeout = Duration::from_millis(50)).await;
    let head = "POST /v1/streams/steps/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n\
                content-length: 10\r\nconnection: close\r\n\r\nabc";
    let answer = rest(server.raw(head).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(server.engine.ingests.lock().unwrap().is_empty());
    let found = problem("ingest", server.events("hang").body("{}")).await;
    assert_eq!(found.status, 408);
    assert!(found.hint.unwrap().contains("same producer and sequence"));
}

#[tokio::test]
async fn one_connection_serves_many_requests_also_after_refusals() {
    let server = Server::start().await;
    let request = |stream: &str, last: bool| {
        let close = if last { "connection: close\r\n" } else { "" };
        format!(
            "POST /v1/streams/{stream}/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/csv\r\n\
             content-length: 3\r\n{close}\r\n{{}}\n"
        )
    };
    let mut stream = server.raw(&request("steps", false)).await;
    stream.write_all(request("missing", false).as_bytes()).await.unwrap();
    stream.write_all(request("busy", false).as_bytes()).await.unwrap();
    stream.write_all(request("steps", true).as_bytes()).await.unwrap();
    let answers = rest(stream).await;
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["202", "404", "429", "202"]);
}
