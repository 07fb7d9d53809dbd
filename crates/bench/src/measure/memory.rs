//! Bytes of each group: what the server accounts to `daily_steps`, and how much the process grew.

use std::time::Duration;

use highwater_api::{EngineStatus, ViewStatus};
use tokio::time::{Instant, sleep};

use super::MemoryResult;
use crate::BenchError;
use crate::server::Server;
use crate::workload::{Walkers, fill};

/// How long the server may take to account for what it holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures on a server without groups.
pub(crate) async fn memory(server: &Server, walkers: Walkers) -> Result<MemoryResult, BenchError> {
    let before = server.usage().await;
    fill(&server.client, walkers).await?;
    let view = accounted(server, walkers.users).await?;
    let usage = server.usage().await;
    let groups = view.rows.max(1) as f64;
    let grown = usage.memory_bytes.zip(before.memory_bytes).map(|(now, then)| now.saturating_sub(then));
    Ok(MemoryResult {
        groups: view.rows,
        view_bytes: view.bytes,
        bytes_per_group: view.bytes as f64 / groups,
        process_bytes_per_group: grown.map(|bytes| bytes as f64 / groups),
        usage: usage - before,
    })
}

/// The view's status as soon as it accounts for all groups: a server may count its bytes only now and then.
async fn accounted(server: &Server, groups: u64) -> Result<ViewStatus, BenchError> {
    let started = Instant::now();
    loop {
        let text = server.client.text("v1/status").await?;
        let status: EngineStatus = serde_json::from_str(&text)
            .map_err(|error| BenchError::Gave(format!("the server's status is not understood: {error}")))?;
        let view = status.views.into_iter().find(|view| view.name == "rankmysteps.daily_steps");
        match view {
            Some(view) if view.rows >= groups && view.bytes >= groups => return Ok(view),
            _ if started.elapsed() < PATIENCE => sleep(Duration::from_millis(50)).await,
            other => {
                let reason = format!("the server accounts no bytes to rankmysteps.daily_steps: {other:?}");
                return Err(BenchError::Gave(reason));
            }
        }
    }
}
