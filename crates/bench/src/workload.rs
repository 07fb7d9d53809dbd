//! The events and the views that are measured: app `rankmysteps`, whole or only what is measured.

use bytes::Bytes;
use highwater_api::{BodyFormat, ProducerStamp};
use highwater_client::{AnswerFormat, Client, IngestCall, RetryPolicy, SqlCall};
use highwater_simulate::{RankMySteps, Simulator, SimulatorSettings, Timeline, UserChoice};
use tokio::task::JoinSet;

use crate::BenchError;

/// The stream and the view, as the app declares them, without its other feeds and views.
const ONLY_DAILY_STEPS: &str = "
CREATE SCHEMA IF NOT EXISTS rankmysteps;
CREATE STREAM IF NOT EXISTS rankmysteps.steps (
  source TEXT,
  uuid   BIGINT NOT NULL,
  steps  BIGINT NOT NULL,
  ts     TIMESTAMPTZ NOT NULL PATH '$.timestamp' FORMAT '%Y-%m-%d %H:%M:%S' ZONE 'America/Los_Angeles'
) WITH (partition_by = 'uuid', partitions = 4, event_time = 'ts', format = 'json');
CREATE MATERIALIZED VIEW IF NOT EXISTS rankmysteps.daily_steps AS
SELECT CAST(ts AT TIME ZONE 'America/Los_Angeles' AS DATE) AS day, uuid, sum(steps) AS steps
FROM rankmysteps.steps
GROUP BY 1, 2;
";

/// Start of simulated time: midnight of 2 March 2026 in Los Angeles. All events fall on that day.
const START_MICROS: i64 = 1_772_438_400_000_000;

/// The day of all events.
pub(crate) const DAY: &str = "2026-03-02";

/// Events per simulated second: a day is never filled.
const EVENTS_PER_SECOND: f64 = 1_000_000.0;

/// What counts and sums the view; cheap enough to ask again and again.
pub(crate) const TOTALS: &str = "SELECT count(*) AS groups, sum(steps) AS steps FROM rankmysteps.daily_steps";

/// Who walks, and which history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walkers {
    pub(crate) users: u64,
    pub(crate) seed: u64,
}

impl Walkers {
    /// Their events.
    pub(crate) fn events(self, choice: UserChoice) -> Result<RankMySteps, BenchError> {
        let settings = SimulatorSettings {
            seed: self.seed,
            timeline: Timeline::paced(START_MICROS, EVENTS_PER_SECOND, 1.0)?,
            users: Some(self.users),
        };
        Ok(RankMySteps::new(&settings, choice)?)
    }

    /// The same people, another history.
    pub(crate) fn again(self, round: u64) -> Self {
        Self { seed: self.seed.wrapping_add(round.wrapping_mul(0x9e37_79b9)), ..self }
    }
}

/// Bodies made beforehand, and the steps in them.
#[derive(Debug)]
pub(crate) struct Bodies {
    pub(crate) bodies: Vec<(Bytes, u64)>,
    pub(crate) steps: u64,
}

impl Bodies {
    /// `events` events in bodies of `batch`.
    pub(crate) fn make(walkers: Walkers, choice: UserChoice, events: u64, batch: u64) -> Result<Self, BenchError> {
        let mut simulator = walkers.events(choice)?;
        let mut bodies = Vec::new();
        let mut left = events;
        while left > 0 {
            let count = left.min(batch);
            let mut body = Vec::new();
            simulator.next_batch(count as usize, &mut body);
            body.shrink_to_fit();
            bodies.push((Bytes::from(body), count));
            left -= count;
        }
        Ok(Self { bodies, steps: simulator.total_steps() })
    }
}

/// A batch without stamp or, with one, sent again until stored.
pub(crate) fn call(body: Bytes, stamp: Option<ProducerStamp>, wait_visible: bool) -> IngestCall {
    IngestCall { stream: RankMySteps::STREAM.to_owned(), format: BodyFormat::NdJson, body, stamp, wait_visible }
}

/// Declares what is measured.
pub(crate) async fn declare(client: &Client) -> Result<(), BenchError> {
    client.sql(&SqlCall { sql: ONLY_DAILY_STEPS, schema: None }, AnswerFormat::Json).await?;
    Ok(())
}

/// Makes a group of every user: one event each. Gives their steps.
pub(crate) async fn fill(client: &Client, walkers: Walkers) -> Result<u64, BenchError> {
    const BATCH: u64 = 10_000;
    const CONNECTIONS: usize = 4;
    let filling = Bodies::make(walkers, UserChoice::InTurn, walkers.users, BATCH)?;
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let bodies: Vec<Bytes> =
            filling.bodies.iter().skip(connection).step_by(CONNECTIONS).map(|(body, _)| body.clone()).collect();
        let client = client.clone();
        connections.spawn(async move {
            let last = bodies.len().saturating_sub(1);
            for (sequence, body) in bodies.into_iter().enumerate() {
                let producer = format!("bench-fill-{}-{connection}", walkers.seed);
                let stamp = ProducerStamp { producer, sequence: sequence as u64 };
                let call = call(body, Some(stamp), sequence == last);
                client.ingest_with_retries(&call, &RetryPolicy::PATIENT, |_| ()).await?;
            }
            Ok::<(), BenchError>(())
        });
    }
    joined(connections).await?;
    Ok(filling.steps)
}

/// Waits for all tasks; the first failure ends the others.
pub(crate) async fn joined<T: 'static>(mut tasks: JoinSet<Result<T, BenchError>>) -> Result<Vec<T>, BenchError> {
    let mut results = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let outcome = ended.map_err(|e| BenchError::process("a task ended", std::io::Error::other(e)))?;
        results.push(outcome?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_events_fall_on_the_day() -> Result<(), BenchError> {
        let walkers = Walkers { users: 1_000, seed: 1 };
        let bodies = Bodies::make(walkers, UserChoice::InTurn, 1_000, 300)?;
        assert_eq!(bodies.bodies.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [300, 300, 300, 100]);
        for (body, _) in &bodies.bodies {
            let text = String::from_utf8_lossy(body);
            assert!(text.lines().all(|line| line.contains(&format!("\"timestamp\":\"{DAY} "))), "{text}");
        }
        Ok(())
    }
}
