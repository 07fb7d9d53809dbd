//! Time until the right answer: after a stop in order, and after kill -9 in the middle of ingest. What was acknowledged
//! before the kill must be there, and nothing twice.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use highwater_api::ProducerStamp;
use highwater_client::{Client, RetryPolicy};
use highwater_simulate::{Simulator, UserChoice};
use tokio::time::Instant;

use super::{RestartResult, StartResult};
use crate::BenchError;
use crate::server::{Launch, Server};
use crate::workload::{TOTALS, Walkers, call, declare, fill};

/// How long the right answer may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Events of a request while waiting for the kill.
const BATCH: u64 = 1_000;
/// Requests acknowledged before the kill.
const ACKNOWLEDGED: u64 = 200;
/// Who sends them.
const PRODUCER: &str = "bench-restart";

/// Measures, on a data folder of its own.
pub(crate) async fn restart(launch: &Launch, data: &Path, walkers: Walkers) -> Result<RestartResult, BenchError> {
    let server = Server::start(launch, data).await?;
    declare(&server.client).await?;
    let filled = fill(&server.client, walkers).await?;
    server.stop().await?;

    let (server, after_stop) = start(launch, data, &[("groups", walkers.users), ("steps", filled)]).await?;
    let (acknowledged, sent) = killed_under_load(server, walkers).await?;

    // The batch under way at the kill may or may not be stored. Sending all again, stamped, makes it certain.
    let started = Instant::now();
    let server = Server::start(launch, data).await?;
    let listening_s = started.elapsed().as_secs_f64();
    let at_least = filled + steps_of(walkers, acknowledged)?;
    let right_answer_s = until_at_least(&server, at_least, started).await?.as_secs_f64();
    send(&server.client, walkers, sent, &Arc::default()).await?;
    let expected = filled + steps_of(walkers, sent)?;
    let found = total_steps(&server).await?;
    server.stop().await?;
    let missing = expected.cast_signed() - found.cast_signed();
    Ok(RestartResult {
        groups: walkers.users,
        events: walkers.users + sent * BATCH,
        after_stop,
        after_kill: StartResult {
            listening_s,
            right_answer_s,
            lost_steps: missing.max(0),
            doubled_steps: (-missing).max(0),
        },
    })
}

async fn start(launch: &Launch, data: &Path, expected: &[(&str, u64)]) -> Result<(Server, StartResult), BenchError> {
    let started = Instant::now();
    let server = Server::start(launch, data).await?;
    let listening_s = started.elapsed().as_secs_f64();
    let right = server.until_answers(TOTALS, expected, started, PATIENCE).await?;
    Ok((server, StartResult { listening_s, right_answer_s: right.as_secs_f64(), ..StartResult::default() }))
}

/// Kills the server while requests are under way. Gives the number of requests acknowledged and of those sent.
async fn killed_under_load(server: Server, walkers: Walkers) -> Result<(u64, u64), BenchError> {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let client = server.client.clone();
    let sending = {
        let acknowledged = acknowledged.clone();
        tokio::spawn(async move {
            // Ends by the kill.
            let _ = send(&client, walkers, u64::MAX, &acknowledged).await;
        })
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while acknowledged.load(Ordering::Relaxed) < ACKNOWLEDGED && !sending.is_finished() {
        ticks.tick().await;
    }
    server.kill().await?;
    sending.abort();
    let _ = sending.await;
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    if acknowledged < ACKNOWLEDGED {
        return Err(BenchError::Gave("the server refused events before it was killed".to_owned()));
    }
    Ok((acknowledged, acknowledged + 1))
}

/// Sends the first `requests` batches of one producer, one after the other.
async fn send(
    client: &Client,
    walkers: Walkers,
    requests: u64,
    acknowledged: &Arc<AtomicU64>,
) -> Result<(), BenchError> {
    let mut simulator = walkers.again(9).events(UserChoice::Drawn)?;
    for sequence in 0..requests {
        let mut body = Vec::new();
        simulator.next_batch(BATCH as usize, &mut body);
        let stamp = ProducerStamp { producer: PRODUCER.to_owned(), sequence };
        let call = call(body.into(), Some(stamp), sequence + 1 == requests);
        client.ingest_with_retries(&call, &RetryPolicy::PATIENT, |_| ()).await?;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The steps in the first `requests` batches.
fn steps_of(walkers: Walkers, requests: u64) -> Result<u64, BenchError> {
    let mut simulator = walkers.again(9).events(UserChoice::Drawn)?;
    let mut body = Vec::new();
    for _ in 0..requests {
        body.clear();
        simulator.next_batch(BATCH as usize, &mut body);
    }
    Ok(simulator.total_steps())
}

async fn until_at_least(server: &Server, steps: u64, since: Instant) -> Result<Duration, BenchError> {
    let mut found = 0;
    while since.elapsed() < PATIENCE {
        match total_steps(server).await {
            Ok(total) if total >= steps => return Ok(since.elapsed()),
            Ok(total) => found = total,
            Err(BenchError::Client(error)) if error.is_passing() => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(BenchError::Gave(format!("after the kill {found} steps are counted, but {steps} were acknowledged")))
}

async fn total_steps(server: &Server) -> Result<u64, BenchError> {
    let rows = server.client.rows(TOTALS).await?;
    Ok(rows.first().and_then(|row| row.get("steps")?.as_u64()).unwrap_or(0))
}
