//! Runs the queries one after the other, each on a fresh server: declares the view, sends the events over some
//! connections, stops the clock when the last is visible, and compares. With a kill in between, everything is sent again
//! after the restart; what had been stored is not stored twice.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use highwater_api::{BodyFormat, ProducerStamp};
use highwater_client::{AnswerFormat, Client, ClientError, IngestCall, RetryPolicy, SqlCall};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::check::{Fingerprint, columns, fingerprint};
use super::events::{Body, Kind, bodies};
use super::queries::{QUERIES, Query, SIDE_INPUT, SIDE_INPUT_KEYS, STREAMS};
use super::{NexmarkOutcome, NexmarkQuery, NexmarkResult};
use crate::BenchError;
use crate::run::DataFolder;
use crate::server::{Launch, Server};
use crate::workload::joined;

/// Requests under way at once.
const CONNECTIONS: usize = 4;
/// How long a server may take to catch up after it was killed.
const CATCH_UP: Duration = Duration::from_secs(300);

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct NexmarkPlan {
    pub(crate) events: u64,
    pub(crate) batch: u64,
    /// Events that arrive in pseudo-random order together.
    pub(crate) shuffle: u64,
    pub(crate) kill: bool,
    /// Write CSV files into this folder and run nothing.
    pub(crate) write: Option<PathBuf>,
    /// Names; all when empty.
    pub(crate) queries: Vec<String>,
}

/// Runs the queries; each tells on standard error how it went, for all take a while.
pub(crate) async fn nexmark(launch: &Launch, dir: &Path, plan: &NexmarkPlan) -> Result<NexmarkResult, BenchError> {
    if let Some(unknown) = plan.queries.iter().find(|name| !QUERIES.iter().any(|query| query.name == **name)) {
        return Err(BenchError::Gave(format!("there is no query {unknown}; they are q0 to q22")));
    }
    let all = bodies(plan.events, plan.batch.max(1), plan.shuffle as usize)?;
    if let Some(folder) = &plan.write {
        write_csv(folder, &all)?;
        eprintln!("wrote {} events to {}", plan.events, folder.display());
    }
    let mut queries = Vec::new();
    let is_wanted = |query: &&Query| plan.queries.is_empty() || plan.queries.iter().any(|name| name == query.name);
    for query in QUERIES.iter().filter(|query| plan.write.is_none() && is_wanted(query)) {
        let sent: Vec<Body> = all.iter().filter(|body| query.reads.contains(&body.kind)).cloned().collect();
        let outcome = one(launch, dir, query, &sent, plan.kill).await?;
        eprintln!("{}", told(query.name, &outcome));
        queries.push(NexmarkQuery { query: query.name, about: query.about, outcome });
    }
    Ok(NexmarkResult {
        events: plan.events,
        batch: plan.batch,
        shuffled: plan.shuffle.max(1),
        killed: plan.kill,
        queries,
    })
}

/// One file for each stream, without a header line.
fn write_csv(folder: &Path, bodies: &[Body]) -> Result<(), BenchError> {
    let wrong = |e| BenchError::process(format!("cannot write into {}", folder.display()), e);
    std::fs::create_dir_all(folder).map_err(wrong)?;
    for kind in Kind::ALL {
        let mut file = std::fs::File::create(folder.join(format!("{}.csv", kind.name()))).map_err(wrong)?;
        bodies
            .iter()
            .filter(|body| body.kind == kind)
            .try_for_each(|body| file.write_all(&body.text))
            .map_err(wrong)?;
    }
    Ok(())
}

async fn one(
    launch: &Launch,
    dir: &Path,
    query: &Query,
    bodies: &[Body],
    kill: bool,
) -> Result<NexmarkOutcome, BenchError> {
    let data = DataFolder::make(dir, &format!("nexmark-{}", query.name))?;
    let mut server = Server::start(launch, data.path()).await?;
    sql(&server.client, STREAMS).await?;
    if query.name == "q13" {
        let rows: Vec<String> = (0..SIDE_INPUT_KEYS).map(|key| format!("({key}, 'value of {key}')")).collect();
        sql(&server.client, SIDE_INPUT).await?;
        sql(&server.client, &format!("INSERT INTO nexmark.side_input VALUES {}", rows.join(", "))).await?;
    }
    let view = format!("CREATE MATERIALIZED VIEW nexmark.{} AS\n{}", query.name, query.sql);
    if let Err(error) = sql(&server.client, &view).await {
        server.stop().await?;
        return match error {
            BenchError::Client(refused @ ClientError::Refused(_)) => {
                Ok(NexmarkOutcome::Refused { reason: refused.to_string() })
            }
            other => Err(other),
        };
    }
    let before = server.usage().await;
    let started = Instant::now();
    if kill {
        send(&server.client, bodies, bodies.len() / 2).await?;
        server.kill().await?;
        server = Server::start(launch, data.path()).await?;
        server.until_answers("SELECT 1 AS one", &[("one", 1)], Instant::now(), CATCH_UP).await?;
    }
    send(&server.client, bodies, bodies.len()).await?;
    let seconds = started.elapsed().as_secs_f64();
    let usage = if kill { server.usage().await } else { server.usage().await - before };
    let (live, batch, batch_seconds) = compare(&server.client, query).await?;
    server.stop().await?;
    let events: u64 = bodies.iter().map(|body| body.events).sum();
    Ok(NexmarkOutcome::Ran {
        events,
        seconds,
        events_per_second: events as f64 / seconds,
        rows: live.rows,
        equals_batch: live == batch,
        batch_seconds,
        usage,
    })
}

/// The view's rows, and those of its SQL evaluated as one batch.
async fn compare(client: &Client, query: &Query) -> Result<(Fingerprint, Fingerprint, f64), BenchError> {
    let view = format!("nexmark.{}", query.name);
    let columns = columns(client, &view).await?;
    let live = fingerprint(client, &view, &columns).await?;
    let started = Instant::now();
    let batch = fingerprint(client, &format!("({})", query.sql.trim_end()), &columns).await?;
    Ok((live, batch, started.elapsed().as_secs_f64()))
}

/// Sends the first `count` bodies, every connection its share in order; returns when they are visible. Bodies have the
/// same stamps each time.
async fn send(client: &Client, bodies: &[Body], count: usize) -> Result<(), BenchError> {
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let own: Vec<Body> = bodies[..count].iter().skip(connection).step_by(CONNECTIONS).cloned().collect();
        let client = client.clone();
        connections.spawn(async move {
            let mut sequences = [0_u64; Kind::ALL.len()];
            let lasts = Kind::ALL.map(|kind| own.iter().rposition(|body| body.kind == kind));
            for (nth, body) in own.into_iter().enumerate() {
                let sequence = &mut sequences[body.kind as usize];
                let stamp = ProducerStamp { producer: format!("nexmark-{connection}"), sequence: *sequence };
                *sequence += 1;
                let call = IngestCall {
                    stream: format!("nexmark.{}", body.kind.name()),
                    format: BodyFormat::Text,
                    body: body.text,
                    stamp: Some(stamp),
                    wait_visible: lasts.contains(&Some(nth)),
                };
                client.ingest_with_retries(&call, &RetryPolicy::PATIENT, |_| ()).await?;
            }
            Ok::<(), BenchError>(())
        });
    }
    joined(connections).await?;
    Ok(())
}

async fn sql(client: &Client, sql: &str) -> Result<(), BenchError> {
    client.sql(&SqlCall { sql, schema: Some("nexmark") }, AnswerFormat::Json).await?;
    Ok(())
}

/// One line about a query.
fn told(name: &str, outcome: &NexmarkOutcome) -> String {
    match outcome {
        NexmarkOutcome::Ran { events_per_second, rows, equals_batch, .. } => format!(
            "{name}: {events_per_second:.0} events/s, {rows} rows, {}",
            if *equals_batch { "equal to batch" } else { "NOT EQUAL TO BATCH" }
        ),
        NexmarkOutcome::Refused { reason } => format!("{name}: refused: {reason}"),
    }
}
