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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_programs_read_every_type() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(settings(folder.path().to_str().unwrap())).unwrap();
    let rows: Vec<Option<u64>> = (0..64).map(|shift| (shift % 9 != 0).then_some(u64::MAX >> shift)).collect();
    let batch = super::types::all(&rows);
    let spec = super::types::spec(&batch, spec().folder);
    let table = archive.table(spec).await.unwrap();
    table.append(vec![batch], &[range(0, 0, 64)]).await.unwrap();
    let Some(found) = found_by_others(folder.path()) else { return };
    let sum = |of: fn(u64) -> i64| rows.iter().flatten().map(|value| of(*value)).sum::<i64>();
    for reader in ["polars", "duckdb"] {
        let found = &found[reader];
        assert_eq!((&found["rows"], &found["events"]), (&json!(64), &json!(64)), "{found}");
        assert_eq!(found["sums"]["u8"], sum(|value| i64::from(value as u8)), "{found}");
        assert_eq!(found["sums"]["i16"], sum(|value| i64::from(value as i16)), "{found}");
        assert_eq!(found["sums"]["u32"], sum(|value| i64::from(value as u32)), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_may_merge_files() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(settings(folder.path().to_str().unwrap())).unwrap();
    let table = archive.table(spec()).await.unwrap();
    for step in 0..6 {
        append(&table, &[range(0, step * 20, step * 20 + 20)]).await.unwrap();
    }
    let target =
        std::env::var("CARGO_TARGET_DIR").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target").into());
    let python = std::path::Path::new(&target).join("test-tools/bin/python");
    let merge = "import sys, deltalake; deltalake.DeltaTable(sys.argv[1]).optimize.compact()";
    match Command::new(python).args(["-c", merge]).arg(folder.path().join(spec().folder)).status() {
        Ok(status) if status.success() => {}
        _ => {
            eprintln!("\n!! SKIPPED: another writer of the archive; run scripts/setup-tests first\n");
            return;
        }
    }
    // We meet its commit, and what it merged is what we wrote.
    append(&table, &[range(0, 120, 140)]).await.unwrap();
    super::fixture::holds(&archive, &table, &[(0, 140)]).await;
    assert!(table.snapshot().files.len() <= 8);
    table.compact().await.unwrap();
    super::fixture::holds(&archive, &table, &[(0, 140)]).await;
}
