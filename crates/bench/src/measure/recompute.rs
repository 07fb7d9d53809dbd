//! Recomputing `daily_steps` from the archive, and another program that runs the same SQL over the same Parquet files.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::Instant;

use super::{RecomputeResult, history};
use crate::BenchError;
use crate::server::Server;
use crate::workload::Walkers;

/// How long a history, and who else computes.
#[derive(Clone, Debug)]
pub(crate) struct RecomputePlan {
    pub(crate) walkers: Walkers,
    pub(crate) events: u64,
    pub(crate) runs: usize,
    /// A program that is given the table's folder and prints the seconds it took, and the groups it found.
    pub(crate) peer: Option<PathBuf>,
}

/// Measures; `data` is the server's folder.
pub(crate) async fn recompute(
    server: &Server,
    data: &Path,
    plan: &RecomputePlan,
) -> Result<RecomputeResult, BenchError> {
    history::store(&server.client, plan.walkers, plan.events).await?;
    let waited = Instant::now();
    history::archived(&server.client).await?;
    let archive_wait = waited.elapsed().as_secs_f64();
    let table = table(&data.join("archive/rankmysteps"))?;
    let before = server.usage().await;
    let (mut own, mut others, mut exact) = (Vec::new(), Vec::new(), true);
    for _ in 0..plan.runs {
        let began = Instant::now();
        exact &= history::equals_history(&server.client, "RECOMPUTE rankmysteps.daily_steps").await?;
        own.push(began.elapsed().as_secs_f64());
        if let Some(peer) = &plan.peer {
            others.push(run(peer, &table).await?);
        }
    }
    let usage = server.usage().await - before;
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    };
    let seconds = median(&mut own).unwrap_or_default();
    Ok(RecomputeResult {
        users: plan.walkers.users,
        events: plan.events,
        archive_wait_s: archive_wait,
        seconds,
        events_per_second: plan.events as f64 / seconds,
        exact,
        peer_seconds: median(&mut others),
        usage,
    })
}

/// The folder of the archived stream.
fn table(schema: &Path) -> Result<PathBuf, BenchError> {
    let unreadable = |e| BenchError::process(format!("cannot read {}", schema.display()), e);
    for folder in std::fs::read_dir(schema).map_err(unreadable)? {
        let folder = folder.map_err(unreadable)?;
        if folder.file_name().to_string_lossy().starts_with("steps.") {
            return Ok(folder.path());
        }
    }
    Err(BenchError::Gave(format!("no table of steps in {}", schema.display())))
}

/// Seconds that the other program took, as the first word of what it prints.
async fn run(peer: &Path, table: &Path) -> Result<f64, BenchError> {
    let ran = Command::new(peer).arg(table).stdin(Stdio::null()).output().await;
    let output = ran.map_err(|e| BenchError::process(format!("cannot run {}", peer.display()), e))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds = said.split_whitespace().next().and_then(|word| word.parse().ok());
    match seconds {
        Some(seconds) if output.status.success() => Ok(seconds),
        _ => Err(BenchError::Gave(format!("{}: {said}{}", peer.display(), String::from_utf8_lossy(&output.stderr)))),
    }
}
