//! Other programs (Polars through the `deltalake` package, DuckDB) find in the folder what was written. Skipped, loudly,
//! when they are not installed: `scripts/setup-tests`.

use std::collections::BTreeMap;
use std::process::Command;

use highwater_archive::{Archive, Table};
use serde_json::{Value, json};

use super::fixture::{append, events, range, settings, spec, values_of};

fn found_by_others(root: &std::path::Path) -> Option<Value> {
    let folder = root.join(spec().folder);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/archive_readers");
    let output = Command::new(script).arg(&folder).output().unwrap();
    if output.status.code() == Some(77) {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    Some(found[folder.to_str().unwrap()].clone())
}

/// What the events of these ranges amount to.
fn expected(ranges: &[highwater_model::PartitionRange]) -> Value {
    let all = events(ranges);
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    let mut steps = 0;
    for event in &all {
        let (ts, _, count) = values_of(*event);
        let day = ts.and_then(chrono::DateTime::from_timestamp_micros).map(|at| at.date_naive().to_string());
        *days.entry(day.unwrap_or_else(|| "None".into())).or_default() += 1;
        steps += count.unwrap_or(0);
    }
    let highest: BTreeMap<String, u64> = ranges.iter().map(|r| (r.partition.to_string(), r.next - 1)).collect();
    json!({ "rows": all.len(), "events": all.len(), "highest": highest, "days": days, "sums": { "steps": steps } })
}

fn agree(root: &std::path::Path, table: &Table, ranges: &[highwater_model::PartitionRange]) {
    let Some(found) = found_by_others(root) else { return };
    let wanted = expected(ranges);
    assert_eq!(wanted["rows"], table.snapshot().rows);
    for reader in ["polars", "duckdb"] {
        for what in ["rows", "events", "highest", "days", "sums"] {
            assert_eq!(found[reader][what], wanted[what], "{what} by {}", found[reader]["through"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_programs_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(settings(folder.path().to_str().unwrap())).unwrap();
    let table = archive.table(spec()).await.unwrap();
    // Past a checkpoint, so that they read that too.
    for step in 0..52 {
        append(&table, &[range(0, step * 20, step * 20 + 20), range(1, step * 3, step * 3 + 3)]).await.unwrap();
    }
    let ranges = [range(0, 0, 1040), range(1, 0, 156)];
    agree(folder.path(), &table, &ranges);
    table.compact().await.unwrap();
    table.vacuum(std::time::Duration::ZERO).await.unwrap();
    agree(folder.path(), &table, &ranges);
}
