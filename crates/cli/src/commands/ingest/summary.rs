//! What became of the records, told at the end.

use std::time::Duration;

use highwater_api::{IngestReport, RejectedRecord};

use super::batches::Batch;
use crate::failure::Failure;

/// Rejected records shown; all are in `<stream>_rejects`.
const SHOWN: usize = 10;

/// Counts over all batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    stream: String,
    batches: u64,
    accepted: u64,
    rejected: u64,
    /// Records in batches that had been stored before.
    duplicates: u64,
    rejects: Vec<String>,
}

impl Summary {
    pub(super) fn new(stream: String) -> Self {
        Self { stream, ..Self::default() }
    }

    /// Adds what the server says of a batch.
    pub(super) fn add(&mut self, batch: &Batch, report: &IngestReport) {
        self.batches += 1;
        self.stream.clone_from(&report.stream);
        if report.duplicate {
            self.duplicates += batch.records;
            return;
        }
        self.accepted += report.accepted;
        self.rejected += report.rejected;
        let room = SHOWN.saturating_sub(self.rejects.len());
        self.rejects.extend(report.rejects.iter().take(room).map(|reject| describe(batch, reject)));
    }

    /// Records dealt with so far.
    pub(super) fn records(&self) -> u64 {
        self.accepted + self.rejected + self.duplicates
    }

    /// The text for people.
    pub(super) fn text(&self, elapsed: Option<Duration>) -> String {
        let mut text = format!("{}: {} accepted, {} rejected", self.stream, self.accepted, self.rejected);
        if self.duplicates > 0 {
            text.push_str(&format!(", {} stored before and not again", self.duplicates));
        }
        text.push_str(&format!(" ({} batches", self.batches));
        if let Some(seconds) = elapsed.map(|elapsed| elapsed.as_secs_f64().max(0.001)) {
            text.push_str(&format!(", {seconds:.1} s, {:.0} records/s", self.records() as f64 / seconds));
        }
        text.push(')');
        for reject in &self.rejects {
            text.push_str(&format!("\n  rejected: {reject}"));
        }
        let more = self.rejected.saturating_sub(self.rejects.len() as u64);
        if more > 0 && !self.rejects.is_empty() {
            text.push_str(&format!("\n  and {more} more; all are in {}_rejects", self.stream));
        }
        text
    }

    pub(super) fn print(&self, elapsed: Option<Duration>) {
        println!("{}", self.text(elapsed));
    }

    /// Success, unless something was rejected.
    pub(super) fn conclude(self) -> Result<(), Failure> {
        if self.rejected == 0 { Ok(()) } else { Err(Failure::Rejected(self.rejected, self.stream)) }
    }
}

fn describe(batch: &Batch, reject: &RejectedRecord) -> String {
    let place = match batch.line_shift.and_then(|shift| i64::try_from(reject.line).ok()?.checked_add(shift)) {
        Some(line) => format!("line {line}"),
        None => format!("record {}", batch.first_record + reject.record),
    };
    match &reject.column {
        Some(column) => format!("{place}: {column}: {}", reject.reason),
        None => format!("{place}: {}", reject.reason),
    }
}
