//! A long history for views that are built or recomputed from it: events made while they are sent, as fast as they are taken.

use highwater_client::{Client, RetryPolicy};
use highwater_simulate::{Simulator, UserChoice};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use crate::BenchError;
use crate::workload::{Walkers, call, joined};

const CONNECTIONS: u64 = 4;
const BATCH: u64 = 20_000;
/// How long the archive may take for what it still lacks.
const ARCHIVE_PATIENCE: Duration = Duration::from_secs(3_600);

/// Stores so many events, all of them visible when this returns; gives the steps in them.
pub(crate) async fn store(client: &Client, walkers: Walkers, events: u64) -> Result<u64, BenchError> {
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mut simulator = walkers.again(10 + connection).events(UserChoice::Drawn)?;
        let mut left = events / CONNECTIONS + u64::from(connection < events % CONNECTIONS);
        let client = client.clone();
        connections.spawn(async move {
            while left > 0 {
                let count = left.min(BATCH);
                let mut body = Vec::new();
                simulator.next_batch(count as usize, &mut body);
                left -= count;
                let call = call(body.into(), None, left == 0);
                client.ingest_with_retries(&call, &RetryPolicy::PATIENT, |_| ()).await?;
            }
            Ok(simulator.total_steps())
        });
    }
    Ok(joined(connections).await?.into_iter().sum())
}

/// Waits until all of it is archived.
pub(crate) async fn archived(client: &Client) -> Result<(), BenchError> {
    let sql =
        "SELECT archive_lag, archive_error FROM highwater.streams WHERE schema = 'rankmysteps' AND name = 'steps'";
    let began = Instant::now();
    while began.elapsed() < ARCHIVE_PATIENCE {
        let rows = client.rows(sql).await?;
        match rows.first() {
            Some(row) if row["archive_lag"] == 0 => return Ok(()),
            Some(row) if row["archive_error"] != Value::Null => {
                return Err(BenchError::Gave(format!("archiving failed: {}", row["archive_error"])));
            }
            _ => sleep(Duration::from_millis(500)).await,
        }
    }
    Err(BenchError::Gave("the archive is not complete within an hour".to_owned()))
}

/// Runs AUDIT or RECOMPUTE of one view; whether it is exactly what its SQL gives.
pub(crate) async fn equals_history(client: &Client, statement: &str) -> Result<bool, BenchError> {
    let rows = client.rows(statement).await?;
    Ok(!rows.is_empty() && rows.iter().all(|row| row["status"] == "equal"))
}
