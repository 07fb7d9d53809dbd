//! The memory limit of the real binary, over HTTP: a view outgrows it, the answer says who holds what, the limit is
//! raised, and after a kill everything acknowledged is counted once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};

use highwater_api::{BodyFormat, ProducerStamp};
use highwater_client::{AnswerFormat, Client, ClientError, IngestCall, Problem, SqlCall};
use highwater_testkit::{ServerProcess, ServerSettings, server_binary};
use serde_json::Value;

const ROWS: u64 = 2_000;

async fn serve(folder: &Path, limit: &str) -> ServerProcess {
    let settings = ServerSettings {
        binary: server_binary().unwrap(),
        data: folder.join("data"),
        apps: Vec::new(),
        options: vec!["--memory-limit".to_owned(), limit.to_owned()],
        log: folder.join("server.log"),
    };
    ServerProcess::start(settings).await.unwrap()
}

async fn command(client: &Client, sql: &str) {
    drop(client.sql(&SqlCall { sql, schema: None }, AnswerFormat::Json).await.unwrap());
}

async fn send(client: &Client, batch: u64) -> Result<(), ClientError> {
    let line = |n: u64| format!("{{\"user\":\"user number {n}\",\"v\":1}}\n");
    let call = IngestCall {
        stream: "clicks".to_owned(),
        format: BodyFormat::NdJson,
        body: (batch * ROWS..(batch + 1) * ROWS).map(line).collect::<String>().into(),
        stamp: Some(ProducerStamp { producer: "test".to_owned(), sequence: batch }),
        wait_visible: true,
    };
    client.ingest(&call).await.map(drop)
}

/// Sends until there is no room; gives the batch that was refused and what was said.
async fn fill(client: &Client, mut batch: u64) -> (u64, Problem) {
    loop {
        match send(client, batch).await {
            Ok(()) => batch += 1,
            Err(ClientError::Refused(problem)) => {
                assert_eq!(problem.status, 429, "{problem}");
                if problem.detail.as_deref().unwrap().contains("is reached") {
                    return (batch, *problem);
                }
                assert!(problem.retry_after.is_some(), "{problem}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn count(client: &Client) -> u64 {
    let rows = client.rows("SELECT sum(n)::bigint AS n FROM by_user").await.unwrap();
    rows[0]["n"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filled_refused_raised_killed_and_nothing_lost() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), "5 MB").await;
    let client = server.client();
    command(client, "CREATE STREAM clicks (\"user\" TEXT NOT NULL, v BIGINT NOT NULL)").await;
    command(client, "CREATE MATERIALIZED VIEW by_user AS SELECT \"user\", count(*) AS n FROM clicks GROUP BY \"user\"")
        .await;
    let (batch, problem) = fill(client, 0).await;
    let said = problem.to_string();
    for part in ["the memory limit of 5 MB is reached", "public.by_user", "SET GLOBAL memory_limit", "retain", "DROP"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(problem.retry_after.is_some());
    assert_eq!(count(client).await, batch * ROWS);

    let metrics = client.text("metrics").await.unwrap();
    let metric = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is missing in {metrics}")).parse::<f64>().unwrap()
    };
    assert_eq!(metric("highwater_engine_memory_limit_bytes"), 5_000_000.0);
    assert!(metric("highwater_engine_memory_bytes") >= 5_000_000.0);
    assert!(metric("highwater_engine_memory_refused_total") >= 1.0);
    assert!(metric("highwater_engine_relation_bytes{relation=\"public.by_user\"}") > 1_000_000.0);
    let status: Value = serde_json::from_str(&client.text("v1/status").await.unwrap()).unwrap();
    assert_eq!(status["memory"]["limit"], 5_000_000);
    assert_eq!(status["memory"]["largest"][0]["relation"], "public.by_user");
    let doctor = Command::new(server_binary().unwrap())
        .args(["doctor", "--data"])
        .arg(folder.path().join("data"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.contains("the limit is reached") && doctor.contains("public.by_user, "), "{doctor}");

    command(client, "SET GLOBAL memory_limit = '50 MB'").await;
    for batch in batch..batch + 5 {
        send(client, batch).await.unwrap();
    }
    assert_eq!(count(client).await, (batch + 5) * ROWS);

    // What was raised holds until the end of the process.
    drop(server.kill().await.unwrap());
    let server = serve(folder.path(), "5 MB").await;
    assert_eq!(count(server.client()).await, (batch + 5) * ROWS);
    assert_eq!(fill(server.client(), batch + 5).await.0, batch + 5);
    drop(server.kill().await.unwrap());
    let server = serve(folder.path(), "none").await;
    send(server.client(), batch + 5).await.unwrap();
    assert_eq!(count(server.client()).await, (batch + 6) * ROWS);
}
