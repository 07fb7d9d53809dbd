//! The logs' part of an inspection: every segment read whole, and compared with what the catalog knows.

use std::path::Path;

use highwater_log::{EmbeddedLog, Finding, Log, LogError, PartitionReport, StreamReport};
use highwater_model::{ObjectId, PartitionId};
use highwater_sql::Catalog;

use super::report::{FolderFinding, FolderPart, Inspection, Lost, PartitionInspection, Remedy, StreamInspection};
use crate::error::EngineError;

/// Inspects all logs.
pub(super) fn inspect(
    opened: &EmbeddedLog,
    catalog: Option<&Catalog>,
    data: &Path,
    inspection: &mut Inspection,
) -> Result<(), EngineError> {
    for report in opened.examine()? {
        let name = name_of(catalog, report.stream);
        inspection.findings.extend(report.findings.iter().filter_map(|found| finding(&report, found, &name)));
        inspection.notes.extend(notes(&report, &name));
        inspection.streams.push(stream(&report, name));
    }
    if let Some(catalog) = catalog {
        compare(opened, catalog, data, inspection);
    }
    Ok(())
}

/// Says why the logs cannot be opened at all.
pub(super) fn closed(error: &LogError, data: &Path, inspection: &mut Inspection) {
    let (file, position, what) = match error {
        LogError::Damaged { path, position, reason } => (path.clone(), Some(*position), reason.clone()),
        other => (data.join("log"), None, other.to_string()),
    };
    let advice = match error {
        LogError::Damaged { .. } => "restore it from a backup; no log of this folder was checked".to_owned(),
        LogError::Invalid(_) => "nothing was changed; no log of this folder was checked".to_owned(),
        _ => "mend that and run this again; no log of this folder was checked".to_owned(),
    };
    inspection.findings.push(FolderFinding {
        part: FolderPart::Log,
        file,
        position,
        what,
        lost: Vec::new(),
        in_doubt: Vec::new(),
        advice,
        remedy: Remedy::None,
    });
}

/// What a stream or table is called; by its id when the catalog does not tell.
pub(super) fn name_of(catalog: Option<&Catalog>, id: ObjectId) -> String {
    match catalog.and_then(|catalog| catalog.get(id)) {
        Some(entry) => entry.name.to_string(),
        None => format!("stream {id}"),
    }
}

fn stream(report: &StreamReport, name: String) -> StreamInspection {
    let StreamReport { stream: id, segments, bytes, .. } = *report;
    let partitions = report.partitions.iter().map(|partition| inspected(report, partition)).collect();
    StreamInspection { id, name, folder: report.folder.clone(), segments, bytes, partitions }
}

fn inspected(report: &StreamReport, partition: &PartitionReport) -> PartitionInspection {
    let PartitionReport { partition: id, bounds, records, bytes } = *partition;
    let sum = |quarantined| {
        let found = report.findings.iter().filter(|finding| finding.quarantined == quarantined);
        let lost = found.flat_map(|finding| &finding.lost).filter(|lost| lost.partition == id);
        lost.map(|lost| lost.len()).sum()
    };
    let (lost, given_up) = (sum(false), sum(true));
    let in_doubt = report.findings.iter().any(|finding| !finding.quarantined && finding.untold.contains(&id));
    let (first, next) = (bounds.earliest, bounds.next);
    PartitionInspection { name: id.to_string(), first, next, records, bytes, lost, given_up, in_doubt }
}

/// A finding of the log as one of the folder; `None` for what was given up before.
fn finding(report: &StreamReport, found: &Finding, name: &str) -> Option<FolderFinding> {
    if found.quarantined {
        return None;
    }
    let (remedy, advice) = if found.repairable {
        let advice = format!(
            "restore the file from a backup, or give up what is lost with `highwater doctor --repair`: {name} then \
             takes events again"
        );
        (Remedy::GiveUp(found.stream), advice)
    } else {
        let advice = format!(
            "restore the file from a backup; without one, move {} out of the data folder: {name} then begins empty",
            report.folder.display()
        );
        (Remedy::None, advice)
    };
    Some(FolderFinding {
        part: FolderPart::Log,
        file: found.path.clone(),
        position: Some(found.position),
        what: found.reason.clone(),
        lost: lost(found, name),
        in_doubt: in_doubt(report, found, name),
        advice,
        remedy,
    })
}

fn lost(found: &Finding, name: &str) -> Vec<Lost> {
    let lost = |range: &highwater_model::PartitionRange| Lost {
        stream: name.to_owned(),
        partition: range.partition.to_string(),
        first: range.first,
        next: range.next,
    };
    found.lost.iter().map(lost).collect()
}

/// Partitions that may have lost more than is known.
fn in_doubt(report: &StreamReport, found: &Finding, name: &str) -> Vec<String> {
    if !found.untold.is_empty() && report.partitions.is_empty() {
        return vec![format!("{name} all partitions")];
    }
    found.untold.iter().map(|partition| format!("{name} {}", of(*partition))).collect()
}

/// `partition 3` or `rejects`.
fn of(partition: PartitionId) -> String {
    if partition.is_rejects() { partition.to_string() } else { format!("partition {partition}") }
}

/// What was given up or cut off before.
fn notes(report: &StreamReport, name: &str) -> Vec<String> {
    let holes = report.findings.iter().filter(|finding| finding.quarantined).map(|hole| {
        let ranges: Vec<String> = hole
            .lost
            .iter()
            .map(|lost| format!("{} offsets {}..{}", of(lost.partition), lost.first, lost.next))
            .collect();
        let what = if ranges.is_empty() { "no records".to_owned() } else { ranges.join(", ") };
        format!("{name}: given up earlier at byte {} of {}: {what}", hole.position, hole.path.display())
    });
    let aside = report.aside.iter().map(|file| {
        format!(
            "{name}: {} bytes set aside in {}; nobody reads them, remove them when you like",
            file.bytes,
            file.path.display()
        )
    });
    holes.chain(aside).collect()
}

/// Logs that the catalog does not know, and those it knows that are not there.
fn compare(opened: &EmbeddedLog, catalog: &Catalog, data: &Path, inspection: &mut Inspection) {
    let held = opened.streams();
    let folder = |id: ObjectId| data.join("log").join(id.to_string());
    let mut add = |id: ObjectId, what: String, advice: &str| {
        inspection.findings.push(FolderFinding {
            part: FolderPart::Log,
            file: folder(id),
            position: None,
            what,
            lost: Vec::new(),
            in_doubt: Vec::new(),
            advice: advice.to_owned(),
            remedy: Remedy::None,
        });
    };
    for id in held.iter().filter(|id| **id >= catalog.next_id()) {
        let what = format!("the catalog never knew a stream {id}");
        add(*id, what, "restore the catalog.json that belongs to this log; no server starts on the two together");
    }
    for entry in catalog.entries().filter(|entry| entry.kind.is_logged() && !held.contains(&entry.id)) {
        let what = format!("the log of {} {} is missing", entry.kind.noun(), entry.name);
        add(entry.id, what, "restore the folder from a backup; without it, a start begins an empty one");
    }
    for id in held.into_iter().filter(|id| *id < catalog.next_id()) {
        if !catalog.get(id).is_some_and(|entry| entry.kind.is_logged()) {
            inspection.notes.push(format!(
                "{} belonged to a stream that was dropped; the next start removes it",
                folder(id).display()
            ));
        }
    }
}
