//! The measurements as a table for people and as JSON for programs.

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::measure::{
    BackfillResult, IngestResult, LatencyResult, LookupResult, Measurement, MemoryResult, RecomputeResult,
    RestartResult, StartResult,
};
use crate::{Machine, NexmarkOutcome, NexmarkResult, Percentiles, Usage};

/// Everything that was measured, and on what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// Version of this binary.
    pub version: String,
    /// The measurements, in the order they were taken.
    pub measurements: Vec<Measurement>,
}

impl Report {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// As a table.
    #[must_use]
    pub fn table(&self) -> String {
        let machine = &self.machine;
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["workload", "measured", "value"]);
        for measurement in &self.measurements {
            let (name, rows) = rows(measurement);
            for (i, (what, value)) in rows.into_iter().enumerate() {
                table.add_row([if i == 0 { name.to_owned() } else { String::new() }, what, value]);
            }
        }
        format!(
            "highwater {} on {} ({} cores), {:.1} GiB, {}\n{table}",
            self.version,
            machine.processor,
            machine.cores,
            machine.memory_bytes as f64 / f64::from(1 << 30),
            machine.system
        )
    }
}

type Rows = Vec<(String, String)>;

fn rows(measurement: &Measurement) -> (&'static str, Rows) {
    match measurement {
        Measurement::Ingest(result) => ("ingest", ingest(result)),
        Measurement::Latency(result) => ("latency", latency(result)),
        Measurement::Lookup(result) => ("lookup", lookup(result)),
        Measurement::Memory(result) => ("memory", memory(result)),
        Measurement::Restart(result) => ("restart", restart(result)),
        Measurement::Rank(result) => {
            let mut rows = crate::rank::rows(result, &percentiles);
            rows.extend(usage(&result.usage));
            ("rank", rows)
        }
        Measurement::Backfill(result) => ("backfill", backfill(result)),
        Measurement::Recompute(result) => ("recompute", recompute(result)),
        Measurement::Nexmark(result) => ("nexmark", nexmark(result)),
    }
}

fn row(what: impl Into<String>, value: impl Into<String>) -> (String, String) {
    (what.into(), value.into())
}

fn ingest(result: &IngestResult) -> Rows {
    let runs: Vec<String> = result.runs_events_per_second.iter().map(|rate| format!("{rate:.0}")).collect();
    let mut rows = vec![
        row("events/s until visible (median)", format!("{:.0}", result.events_per_second)),
        row("all runs", runs.join(", ")),
        row("exact", if result.exact { "yes" } else { "NO: the view's sum is not that of the events" }),
        row(
            "load",
            format!(
                "{} events, {} users, {} connections, {} events a request",
                result.events, result.users, result.connections, result.batch
            ),
        ),
        row("acknowledged, by request", percentiles(&result.acknowledged)),
        row("sent again", result.retries.to_string()),
    ];
    if let Some(seconds) = result.processor_s_per_million {
        rows.push(row("processor s per million events", format!("{seconds:.3}")));
    }
    if let Some(bytes) = result.written_bytes_per_event {
        rows.push(row(
            "bytes written per event",
            format!("{bytes:.1} ({:.1} sent)", per(result.sent_bytes, result.events)),
        ));
    }
    rows.extend(usage(&result.usage));
    rows
}

fn latency(result: &LatencyResult) -> Rows {
    let mut rows = vec![
        row("due until visible, by event", percentiles(&result.visible)),
        row(
            "load",
            format!(
                "{} events/s for {:.1} s, {} users, {} events a request",
                result.events_per_second, result.seconds, result.users, result.batch
            ),
        ),
        row("requests failed", result.failed_requests.to_string()),
        row("most under way", result.most_in_flight.to_string()),
    ];
    rows.extend(usage(&result.usage));
    rows
}

fn lookup(result: &LookupResult) -> Rows {
    let mut rows = vec![
        row("by day and user", percentiles(&result.by_day_and_user)),
        row("by user", percentiles(&result.by_user)),
        row(
            "load",
            format!(
                "{} lookups/s for {:.1} s beside {} events/s ({:.0} stored), {} users",
                result.lookups_per_second,
                result.seconds,
                result.ingest_events_per_second,
                result.stored_events_per_second,
                result.users
            ),
        ),
        row("lookups failed", result.failed_lookups.to_string()),
    ];
    rows.extend(usage(&result.usage));
    rows
}

fn backfill(result: &BackfillResult) -> Rows {
    let mut rows = vec![
        row("live, due until visible, while building", percentiles(&result.meanwhile)),
        row("the same before", percentiles(&result.alone)),
        row("built in", format!("{:.1} s, {:.0} events/s", result.built_s, result.history_events_per_second)),
        row("exact", if result.exact { "yes" } else { "NO: the audit found differing rows" }),
        row(
            "load",
            format!(
                "{} events/s beside a history of {} events, {} users",
                result.events_per_second, result.history_events, result.users
            ),
        ),
    ];
    rows.extend(usage(&result.usage));
    rows
}

fn recompute(result: &RecomputeResult) -> Rows {
    let mut rows = vec![
        row("recomputed and compared", format!("{:.2} s, {:.0} events/s", result.seconds, result.events_per_second)),
        row("exact", if result.exact { "yes" } else { "NO: what is served differs" }),
        row("archive", format!("{} events, complete {:.1} s after the last", result.events, result.archive_wait_s)),
    ];
    if let Some(seconds) = result.peer_seconds {
        let ratio = seconds / result.seconds;
        rows.push(row("the other program", format!("{seconds:.2} s: we take {:.2} of its time", 1.0 / ratio)));
    }
    rows.extend(usage(&result.usage));
    rows
}

fn memory(result: &MemoryResult) -> Rows {
    let mut rows = vec![
        row("bytes per group", format!("{:.1}", result.bytes_per_group)),
        row("groups", format!("{} in {} bytes", result.groups, result.view_bytes)),
    ];
    if let Some(bytes) = result.process_bytes_per_group {
        rows.push(row("process growth per group", format!("{bytes:.1} bytes")));
    }
    rows.extend(usage(&result.usage));
    rows
}

fn restart(result: &RestartResult) -> Rows {
    let start = |start: &StartResult| {
        format!("{:.3} s to the right answer ({:.3} s to listening)", start.right_answer_s, start.listening_s)
    };
    vec![
        row("after a stop", start(&result.after_stop)),
        row("after kill -9", start(&result.after_kill)),
        row(
            "after kill -9: lost, doubled",
            format!("{}, {} steps", result.after_kill.lost_steps, result.after_kill.doubled_steps),
        ),
        row("load", format!("{} groups, {} events", result.groups, result.events)),
    ]
}

fn nexmark(result: &NexmarkResult) -> Rows {
    let outcome = |outcome: &NexmarkOutcome| match outcome {
        NexmarkOutcome::Ran { events_per_second, rows, equals_batch, usage, .. } => format!(
            "{events_per_second:.0} events/s, {rows} rows, {}{}",
            if *equals_batch { "equal to batch" } else { "NOT EQUAL TO BATCH" },
            usage.processor_s.map(|seconds| format!(", {seconds:.1} s of processor")).unwrap_or_default()
        ),
        NexmarkOutcome::Refused { reason } => format!("refused: {reason}"),
    };
    let queries = result.queries.iter();
    let mut rows: Rows =
        queries.map(|query| row(format!("{} {}", query.query, query.about), outcome(&query.outcome))).collect();
    let order = if result.shuffled > 1 { format!("shuffled by {}", result.shuffled) } else { "in order".to_owned() };
    let killed = if result.killed { ", killed in the middle" } else { "" };
    rows.push(row("load", format!("{} events {order}{killed}, {} a request", result.events, result.batch)));
    rows
}

fn usage(usage: &Usage) -> Rows {
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    [
        ("server: processor", usage.processor_s.map(|seconds| format!("{seconds:.2} s"))),
        ("server: peak memory", usage.peak_memory_bytes.map(mebibytes)),
        ("server: written", usage.written_bytes.map(mebibytes)),
        ("server: fsyncs", usage.fsyncs.map(|count| count.to_string())),
    ]
    .into_iter()
    .filter_map(|(what, value)| Some(row(what, value?)))
    .collect()
}

fn percentiles(told: &Percentiles) -> String {
    format!(
        "p50 {:.2} ms, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.2} ({} measured)",
        told.p50_ms, told.p90_ms, told.p99_ms, told.p999_ms, told.max_ms, told.count
    )
}

fn per(bytes: u64, events: u64) -> f64 {
    bytes as f64 / events.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_workload() {
        let result = MemoryResult {
            groups: 10,
            view_bytes: 1_000,
            bytes_per_group: 100.0,
            process_bytes_per_group: None,
            usage: Usage { fsyncs: Some(3), ..Usage::default() },
        };
        let report = Report {
            machine: Machine::here(),
            version: "0".to_owned(),
            measurements: vec![Measurement::Memory(result)],
        };
        assert!(report.json().contains("\"workload\": \"memory\""));
        let table = report.table();
        assert!(table.contains("bytes per group") && table.contains("server: fsyncs"), "{table}");
        assert!(!table.contains("processor s"));
    }
}
