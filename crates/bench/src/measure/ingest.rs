//! Most events per second: bodies are made beforehand, every connection keeps one request under way, and the clock
//! stops when the last event is visible. The view's sum must then be exactly the sum of the events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use highwater_api::ProducerStamp;
use highwater_client::{Client, RetryPolicy};
use highwater_simulate::UserChoice;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::IngestResult;
use crate::BenchError;
use crate::percentiles::Latencies;
use crate::server::Server;
use crate::workload::{Bodies, TOTALS, Walkers, call, joined};

/// How much is sent, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IngestPlan {
    pub(crate) walkers: Walkers,
    pub(crate) events: u64,
    pub(crate) batch: u64,
    pub(crate) connections: u64,
}

/// Measures one run.
pub(crate) async fn ingest(server: &Server, plan: &IngestPlan) -> Result<IngestResult, BenchError> {
    let bodies = Bodies::make(plan.walkers, UserChoice::Drawn, plan.events, plan.batch)?;
    let sent_bytes = bodies.bodies.iter().map(|(body, _)| body.len() as u64).sum();
    let steps_before = steps(server).await?;
    let before = server.usage().await;
    let retries = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut connections = JoinSet::new();
    for connection in 0..plan.connections {
        let own = bodies.bodies.iter().skip(connection as usize).step_by(plan.connections as usize);
        let own: Vec<Bytes> = own.map(|(body, _)| body.clone()).collect();
        let producer = format!("bench-{}-{}-{connection}", plan.walkers.seed, started_name());
        connections.spawn(connection_run(server.client.clone(), producer, own, retries.clone()));
    }
    let mut latencies = Latencies::new()?;
    for waits in joined(connections).await? {
        waits.into_iter().for_each(|wait| latencies.add(wait, 1));
    }
    let seconds = started.elapsed().as_secs_f64();
    let usage = server.usage().await - before;
    let exact = steps(server).await? - steps_before == bodies.steps;
    let events = plan.events as f64;
    Ok(IngestResult {
        users: plan.walkers.users,
        events: plan.events,
        sent_bytes,
        batch: plan.batch,
        connections: plan.connections,
        seconds,
        events_per_second: events / seconds,
        runs_events_per_second: vec![events / seconds],
        acknowledged: latencies.percentiles(),
        retries: retries.load(Ordering::Relaxed),
        exact,
        usage,
        processor_s_per_million: usage.processor_s.map(|s| s * 1e6 / events),
        written_bytes_per_event: usage.written_bytes.map(|bytes| bytes as f64 / events),
    })
}

/// Sends the bodies one after the other; the last one is answered when it, and so everything before, is visible.
async fn connection_run(
    client: Client,
    producer: String,
    bodies: Vec<Bytes>,
    retries: Arc<AtomicU64>,
) -> Result<Vec<std::time::Duration>, BenchError> {
    let mut waits = Vec::with_capacity(bodies.len());
    let last = bodies.len().saturating_sub(1);
    for (sequence, body) in bodies.into_iter().enumerate() {
        let stamp = ProducerStamp { producer: producer.clone(), sequence: sequence as u64 };
        let call = call(body, Some(stamp), sequence == last);
        let sent = Instant::now();
        let again = |_: &_| {
            retries.fetch_add(1, Ordering::Relaxed);
        };
        client.ingest_with_retries(&call, &RetryPolicy::PATIENT, again).await?;
        if sequence != last {
            waits.push(sent.elapsed());
        }
    }
    Ok(waits)
}

async fn steps(server: &Server) -> Result<u64, BenchError> {
    let rows = server.client.rows(TOTALS).await?;
    Ok(rows.first().and_then(|row| row.get("steps")?.as_u64()).unwrap_or(0))
}

/// Tells runs on the same server apart: a producer's batches are stored once.
fn started_name() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    format!("{:x}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed))
}
