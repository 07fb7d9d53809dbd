//! What other programs find in the archive: Polars and DuckDB, which share no code with us, read its tables while no server
//! runs. Every event that the archive covers must be there, once.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use highwater_client::Client;
use serde_json::Value;
use tokio::process::Command;

use super::app::SCHEMA;
use super::event::Target;
use super::ledger::Ledger;
use super::observed;
use crate::TestkitError;

/// How long what was acknowledged may wait to be archived at the end.
const ARCHIVE_LIMIT: Duration = Duration::from_secs(60);
/// What the script answers when the readers are not installed.
const NOT_INSTALLED: i32 = 77;

/// Waits until everything is archived.
pub(super) async fn settled(client: &Client) -> Result<(), TestkitError> {
    let sql = "SELECT sum(archive_lag) AS lag, max(archive_error) AS error FROM highwater.streams";
    let deadline = Instant::now() + ARCHIVE_LIMIT;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let found = observed::rows(client, sql).await?;
        match found.first() {
            Some(row) if row["lag"] == 0 => return Ok(()),
            other if Instant::now() > deadline => {
                return Err(TestkitError::answer("archiving the rest", format!("it does not end: {other:?}")));
            }
            _ => {}
        }
    }
}

/// Has other programs read the archive. `whole`: everything acknowledged must be in it. `None` without the programs.
///
/// # Errors
/// The first table that does not hold each event that it covers exactly once.
pub(super) async fn read_by_others(data: &Path, ledger: &Ledger, whole: bool) -> Result<Option<u64>, TestkitError> {
    let tables = tables(data)?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/archive_readers");
    let ran = Command::new(script).args(tables.iter().map(|(folder, _)| folder)).output().await;
    let output = ran.map_err(TestkitError::io(format!("starting {script}")))?;
    if output.status.code() == Some(NOT_INSTALLED) {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Ok(None);
    }
    if !output.status.success() {
        return Err(TestkitError::answer(script, String::from_utf8_lossy(&output.stderr)));
    }
    let found: Value = serde_json::from_slice(&output.stdout).map_err(|error| TestkitError::answer(script, error))?;
    let mut rows = 0;
    for (folder, target) in tables {
        for reader in ["polars", "duckdb"] {
            let table = &found[folder.to_string_lossy().as_ref()][reader];
            rows += holds_all(table, target, whole.then_some(ledger)).map_err(|detail| TestkitError::Broken {
                invariant: "archived once",
                detail: format!("{} as {reader} reads it: {detail}", folder.display()),
            })?;
        }
    }
    Ok(Some(rows / 2))
}

/// The archived tables of the app's streams.
fn tables(data: &Path) -> Result<Vec<(PathBuf, Target)>, TestkitError> {
    let schema = data.join("archive").join(SCHEMA);
    let mut tables = Vec::new();
    // There is no folder before the first commit.
    let Ok(folders) = std::fs::read_dir(&schema) else { return Ok(tables) };
    for folder in folders {
        let folder = folder.map_err(TestkitError::io(format!("reading {}", schema.display())))?;
        let name = folder.file_name().to_string_lossy().into_owned();
        let target = match name.split_once('.') {
            Some(("events", _)) => Target::Events,
            Some(("accounts", _)) => Target::Accounts,
            _ => continue,
        };
        if folder.path().join("_delta_log").is_dir() {
            tables.push((folder.path(), target));
        }
    }
    Ok(tables)
}

/// Rows are as many as different events, and these as many as the offsets that are covered; the amounts are those sent.
fn holds_all(table: &Value, target: Target, whole: Option<&Ledger>) -> Result<u64, String> {
    let rows = table["rows"].as_u64().ok_or_else(|| format!("no rows in {table}"))?;
    let highest = table["highest"].as_object().into_iter().flatten();
    let covered: u64 = highest.filter_map(|(_, offset)| offset.as_u64()).map(|offset| offset + 1).sum();
    if table["events"] != rows || covered != rows {
        return Err(format!("{rows} rows, {} different events, {covered} offsets covered", table["events"]));
    }
    let Some(ledger) = whole else { return Ok(rows) };
    let lanes = ledger.lanes.iter().filter(|lane| lane.target == target);
    let sent: i64 = lanes.map(|lane| lane.total(ledger.seed, lane.acknowledged())).sum();
    let amount = match target {
        Target::Events => "amount",
        Target::Accounts => "balance",
    };
    if table["sums"][amount] == sent {
        return Ok(rows);
    }
    Err(format!("the amounts sum to {}, sent were {sent}", table["sums"][amount]))
}
