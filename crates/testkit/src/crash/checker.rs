//! Judges a server that runs: asks through SQL and applies the invariants.

use std::time::{Duration, Instant};

use highwater_client::Client;
use serde_json::{Map, Value};

use super::app::{self, RECOUNTS, SCHEMA};
use super::event::Target;
use super::invariants::{Knowledge, acknowledged_is_durable, offsets_dense, stored_once};
use super::ledger::Ledger;
use super::observed::{self, StoredLane};
use crate::TestkitError;

/// How long the views may take to show what was acknowledged before.
const VISIBLE_LIMIT: Duration = Duration::from_secs(60);

/// What was stored may lag behind what was acknowledged only for a while: what SQL reads is a version, and versions
/// follow. Everything else must hold in every version.
pub(super) async fn check_log(ledger: &Ledger, client: &Client) -> Result<(), TestkitError> {
    for target in [Target::Events, Target::Accounts] {
        let known: Vec<u64> = lanes(ledger, target).map(|lane| lane.acknowledged()).collect();
        let deadline = Instant::now() + VISIBLE_LIMIT;
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let stored = observed::stream(client, target).await?;
            offsets_dense(target.stream(), &stored)?;
            let mut behind = None;
            for (lane, acknowledged) in lanes(ledger, target).zip(&known) {
                let empty = StoredLane { producer: lane.producer, ..StoredLane::default() };
                let lane_stored = stored.lanes.iter().find(|stored| stored.producer == lane.producer);
                let lane_stored = lane_stored.copied().unwrap_or(empty);
                stored_once(ledger, lane, lane_stored)?;
                let known = Knowledge { acknowledged: *acknowledged, ..Knowledge::of(lane) };
                behind = behind.or(acknowledged_is_durable(known, lane_stored).err());
            }
            match behind {
                None => break,
                Some(error) if Instant::now() > deadline => return Err(error),
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// Every view equals its SQL over the stream, both read at one version.
pub(super) async fn check_views(client: &Client) -> Result<(), TestkitError> {
    for recount in RECOUNTS {
        none(client, &recount.differences(), "version = SQL over its offsets", recount.view).await?;
    }
    none(client, &app::variant_differences(), "version = SQL over its offsets", app::VARIANT).await
}

/// Every batch result equals its view's SQL over exactly the records below its mark.
pub(super) async fn check_marks(client: &Client) -> Result<(), TestkitError> {
    for recount in RECOUNTS {
        let mut seen = mark(client, recount.view).await?;
        while let Some(at) = seen {
            let invariant = "batch result = SQL over what is below its mark";
            let outcome = none(client, &recount.differences_at(&at), invariant, recount.view).await;
            // A recomputation that goes on after the start may put another result in place meanwhile.
            seen = mark(client, recount.view).await?;
            if seen.as_ref() == Some(&at) {
                outcome?;
                break;
            }
        }
    }
    Ok(())
}

/// The mark of a view's batch result, if there is one.
async fn mark(client: &Client, view: &str) -> Result<Option<String>, TestkitError> {
    let sql = format!("SELECT mark FROM highwater.views WHERE schema = '{SCHEMA}' AND name = '{view}'");
    let found = observed::rows(client, &sql).await?;
    Ok(found.first().and_then(|row| row["mark"].as_str()).map(str::to_owned))
}

/// A query that must find nothing.
async fn none(client: &Client, sql: &str, invariant: &'static str, view: &str) -> Result<(), TestkitError> {
    let differing = observed::rows(client, sql).await?;
    if differing.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = differing.into_iter().map(|row| Value::Object(row).to_string()).collect();
    Err(TestkitError::Broken { invariant, detail: format!("{view}: {}", shown.join("\n  ")) })
}

/// All rows of all views, in order, to be compared with a later state.
pub(super) async fn dump(client: &Client) -> Result<Vec<Vec<Map<String, Value>>>, TestkitError> {
    let mut dump = Vec::new();
    for recount in RECOUNTS {
        let sql = format!("SELECT * FROM {SCHEMA}.{} ORDER BY {}", recount.view, recount.key);
        dump.push(observed::rows(client, &sql).await?);
    }
    Ok(dump)
}

fn lanes(ledger: &Ledger, target: Target) -> impl Iterator<Item = &super::ledger::Lane> {
    ledger.lanes.iter().filter(move |lane| lane.target == target)
}
