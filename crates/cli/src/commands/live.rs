//! Feeding a server with simulated events over several connections: what `simulate` and `demo` share. Batch `b` always
//! holds the same events, whichever connection sends it and when; every connection is a producer of its own, so that
//! sending again after trouble stores nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use highwater_api::{BodyFormat, ProducerStamp};
use highwater_client::{AnswerFormat, Client, IngestCall, RetryPolicy, SqlCall};
use highwater_model::{Clock, SystemClock};
use highwater_simulate::{Simulator, SimulatorSettings, simulator_for};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Events in a batch unless asked for.
const BATCH: u64 = 10_000;

/// At a low rate batches are so small that this many leave each second.
const BATCHES_PER_SECOND: f64 = 20.0;

/// What to send.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) client: Client,
    pub(super) app: String,
    pub(super) settings: SimulatorSettings,
    /// How many; `None`: until stopped.
    pub(super) events: Option<u64>,
    /// Events per second; `None`: as fast as they are taken.
    pub(super) rate: Option<f64>,
    pub(super) connections: u64,
    /// Events in a batch.
    pub(super) batch: u64,
    /// The producers' common name.
    pub(super) producer: String,
}

/// Counts that grow while a feed runs.
#[derive(Debug, Default)]
pub(super) struct FeedCounts {
    /// Events acknowledged.
    pub(super) events: AtomicU64,
    /// Of these: rejected.
    pub(super) rejected: AtomicU64,
    /// Of these: stored before.
    pub(super) duplicates: AtomicU64,
    /// Requests sent again.
    pub(super) retries: AtomicU64,
}

/// A batch size that suits a rate.
pub(super) fn batch_for(rate: Option<f64>) -> u64 {
    rate.map_or(BATCH, |rate| ((rate / BATCHES_PER_SECOND) as u64).clamp(1, BATCH))
}

/// A name that no other run uses.
pub(super) fn new_producer(prefix: &str) -> String {
    format!("{prefix}-{:x}-{:x}", SystemClock.now_micros(), std::process::id())
}

/// Rows in a statement that fills a table.
const ROWS: usize = 2_000;

/// Writes what a simulator's events refer to into the app's tables, unless it is there.
pub(super) async fn fill_tables(client: &Client, simulator: &dyn Simulator) -> Result<(), Failure> {
    for table in simulator.tables() {
        for sql in table.statements(ROWS) {
            client.sql(&SqlCall { sql: &sql, schema: None }, AnswerFormat::Json).await?;
        }
    }
    Ok(())
}

impl Feed {
    /// Sends until all events are visible, `stop` fires, or a batch is refused for good. Gives the time it took.
    pub(super) async fn run(&self, counts: &Arc<FeedCounts>, stop: &CancellationToken) -> Result<Duration, Failure> {
        let started = Instant::now();
        let mut connections = JoinSet::new();
        for connection in 0..self.connections {
            let (feed, counts, stop) = (self.clone(), counts.clone(), stop.clone());
            connections.spawn(async move {
                tokio::select! {
                    outcome = feed.connection(connection, started, &counts) => outcome,
                    () = stop.cancelled() => Ok(()),
                }
            });
        }
        while let Some(ended) = connections.join_next().await {
            // The first failure drops, and so ends, the other connections.
            ended.map_err(|e| Failure::io("a connection's task ended", std::io::Error::other(e)))??;
        }
        Ok(started.elapsed())
    }

    /// Sends every `connections`th batch.
    async fn connection(&self, connection: u64, started: Instant, counts: &FeedCounts) -> Result<(), Failure> {
        let mut simulator = simulator_for(&self.app, &self.settings)?;
        let producer = format!("{}-{connection}", self.producer);
        for sequence in 0.. {
            let first = (sequence * self.connections + connection) * self.batch;
            let count = self.events.map_or(self.batch, |events| events.saturating_sub(first).min(self.batch));
            if count == 0 {
                break;
            }
            let is_last = self.events.is_some_and(|events| first + self.connections * self.batch >= events);
            let mut body = Vec::new();
            simulator.seek(first);
            simulator.next_batch(count as usize, &mut body);
            if let Some(rate) = self.rate {
                sleep_until(started + Duration::from_secs_f64(first as f64 / rate)).await;
            }
            let call = IngestCall {
                stream: simulator.stream().to_owned(),
                format: BodyFormat::NdJson,
                body: Bytes::from(body),
                stamp: Some(ProducerStamp { producer: producer.clone(), sequence }),
                wait_visible: is_last,
            };
            let again = |_: &_| {
                counts.retries.fetch_add(1, Ordering::Relaxed);
            };
            let report = self.client.ingest_with_retries(&call, &RetryPolicy::PATIENT, again).await?;
            counts.events.fetch_add(count, Ordering::Relaxed);
            counts.rejected.fetch_add(report.rejected, Ordering::Relaxed);
            counts.duplicates.fetch_add(if report.duplicate { count } else { 0 }, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::batch_for;

    #[test]
    fn slow_feeds_send_small_batches() {
        assert_eq!(batch_for(None), 10_000);
        assert_eq!(batch_for(Some(1_000_000.0)), 10_000);
        assert_eq!(batch_for(Some(200.0)), 10);
        assert_eq!(batch_for(Some(0.5)), 1);
    }
}
