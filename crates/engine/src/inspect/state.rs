//! The saved state's part of an inspection: every checkpoint read whole, and compared with the log it is a cache of.

use std::path::Path;

use highwater_log::{EmbeddedLog, Log};
use highwater_sql::Catalog;
use highwater_views::{CheckpointReport, CheckpointUse, Checkpoints};

use super::log::name_of;
use super::report::{CheckpointInspection, Covered, FolderFinding, FolderPart, Inspection, Remedy};
use crate::error::EngineError;
use crate::open::ahead_of_log;

/// Inspects all checkpoints.
pub(super) fn inspect(
    data: &Path,
    log: Option<&EmbeddedLog>,
    catalog: Option<&Catalog>,
    inspection: &mut Inspection,
) -> Result<(), EngineError> {
    let advice = advice(log, catalog);
    let folder = data.join("state");
    inspection.notes.extend(aside(&folder));
    for report in Checkpoints::examine(&folder)? {
        let (position, refused) = match &report.fate {
            CheckpointUse::Refused { position, reason } => (*position, Some(reason.clone())),
            CheckpointUse::Loaded => (None, ahead(&report, log, catalog)),
            CheckpointUse::Replaced => (None, None),
        };
        let verdict = match (&refused, &report.fate) {
            (Some(why), _) => why.clone(),
            (None, CheckpointUse::Replaced) => "replaced by a newer one".to_owned(),
            (None, _) => "loaded".to_owned(),
        };
        if let Some(what) = refused {
            inspection.findings.push(FolderFinding {
                part: FolderPart::State,
                file: report.path.clone(),
                position,
                what,
                lost: Vec::new(),
                in_doubt: Vec::new(),
                advice: advice.clone(),
                remedy: Remedy::SetAside,
            });
        }
        inspection.checkpoints.push(inspected(report, catalog, verdict));
    }
    Ok(())
}

/// Files that were set aside earlier.
fn aside(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok());
    let mut notes: Vec<String> = files
        .filter(|file| file.file_name().to_string_lossy().contains(".checkpoint.damaged"))
        .map(|file| {
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            let path = file.path();
            format!("{bytes} bytes set aside in {}; nobody reads them, remove them when you like", path.display())
        })
        .collect();
    notes.sort_unstable();
    notes
}

/// Why a checkpoint cannot belong to the log, if it cannot.
fn ahead(report: &CheckpointReport, log: Option<&EmbeddedLog>, catalog: Option<&Catalog>) -> Option<String> {
    ahead_of_log(log?, catalog?, &report.content.as_ref()?.offsets)
}

fn inspected(report: CheckpointReport, catalog: Option<&Catalog>, verdict: String) -> CheckpointInspection {
    let covers = report.content.iter().flat_map(|content| content.offsets.iter());
    let covers = covers.map(|(stream, partition, next)| Covered {
        stream: name_of(catalog, stream),
        partition: partition.to_string(),
        next,
    });
    CheckpointInspection {
        covers: covers.collect(),
        full: report.content.as_ref().map(|content| content.full),
        objects: report.content.as_ref().map_or(0, |content| content.objects),
        file: report.path,
        bytes: report.bytes,
        format: report.format,
        verdict,
    }
}

/// What to do about state that cannot be used, and what computing it again will lack.
fn advice(log: Option<&EmbeddedLog>, catalog: Option<&Catalog>) -> String {
    let mut advice =
        "nothing is lost: `highwater doctor --repair` sets the file aside, and the next start computes what \
                      it held again from the log"
            .to_owned();
    let trimmed = trimmed(log, catalog);
    if !trimmed.is_empty() {
        advice.push_str(&format!(
            "; but {} let go of records by retention, and what is computed again counts only those still held",
            trimmed.join(", ")
        ));
    }
    advice
}

/// Streams whose logs do not begin at their beginning any more.
fn trimmed(log: Option<&EmbeddedLog>, catalog: Option<&Catalog>) -> Vec<String> {
    let (Some(log), Some(catalog)) = (log, catalog) else { return Vec::new() };
    let logged = catalog.entries().filter_map(|entry| Some((entry, entry.kind.stream_schema()?)));
    let begins_late = logged.filter(|(entry, schema)| {
        (0..schema.partitions).any(|partition| {
            let partition = highwater_model::PartitionId(partition);
            log.bounds(entry.id, partition).is_ok_and(|bounds| bounds.earliest > 0)
        })
    });
    begins_late.map(|(entry, _)| entry.name.to_string()).collect()
}
