//! The report for programs: one JSON document.

use std::path::Path;

use highwater_engine::{
    CheckpointInspection, FolderFinding, FolderPart, Inspection, PartitionInspection, Remedy, StreamInspection,
};
use serde_json::{Value, json};

use super::run::Checkup;

/// `streams`, `checkpoints` and `findings` are as they were found, `left` what is wrong after repairs; `sound` is the
/// outcome.
pub(super) fn document(data: &Path, checkup: &Checkup) -> Value {
    let now = checkup.now();
    let Inspection { declared, streams, checkpoints, findings: found, notes } = &checkup.found;
    json!({
        "data": data,
        "sound": now.findings.is_empty(),
        "declared": declared,
        "streams": streams.iter().map(stream).collect::<Vec<_>>(),
        "checkpoints": checkpoints.iter().map(checkpoint).collect::<Vec<_>>(),
        "findings": findings(found),
        "notes": notes,
        "repairs": checkup.repairs.done,
        "left": findings(&now.findings),
        "sizes": checkup.sizes.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect::<Vec<_>>(),
    })
}

fn stream(stream: &StreamInspection) -> Value {
    json!({
        "id": stream.id,
        "stream": stream.name,
        "folder": stream.folder,
        "segments": stream.segments,
        "bytes": stream.bytes,
        "partitions": stream.partitions.iter().map(partition).collect::<Vec<_>>(),
    })
}

fn partition(partition: &PartitionInspection) -> Value {
    json!({
        "partition": partition.name,
        "first": partition.first,
        "next": partition.next,
        "records": partition.records,
        "bytes": partition.bytes,
        "lost": partition.lost,
        "given_up": partition.given_up,
        "in_doubt": partition.in_doubt,
        "sound": partition.lost == 0 && !partition.in_doubt,
    })
}

fn checkpoint(checkpoint: &CheckpointInspection) -> Value {
    let covers = checkpoint
        .covers
        .iter()
        .map(|covered| json!({"stream": covered.stream, "partition": covered.partition, "next": covered.next}));
    json!({
        "file": checkpoint.file,
        "bytes": checkpoint.bytes,
        "format": checkpoint.format,
        "full": checkpoint.full,
        "objects": checkpoint.objects,
        "covers": covers.collect::<Vec<_>>(),
        "sound": checkpoint.full.is_some(),
        "verdict": checkpoint.verdict,
    })
}

fn findings(findings: &[FolderFinding]) -> Vec<Value> {
    let lost = |lost: &highwater_engine::Lost| json!({"stream": lost.stream, "partition": lost.partition, "first": lost.first, "next": lost.next});
    let finding = |finding: &FolderFinding| {
        json!({
            "part": match finding.part {
                FolderPart::Catalog => "catalog",
                FolderPart::Log => "log",
                FolderPart::State => "state",
            },
            "file": finding.file,
            "byte": finding.position,
            "what": finding.what,
            "lost": finding.lost.iter().map(lost).collect::<Vec<_>>(),
            "in_doubt": finding.in_doubt,
            "next": finding.advice,
            "repair": match finding.remedy {
                Remedy::None => "none",
                Remedy::SetAside => "set aside",
                Remedy::GiveUp(_) => "give up",
            },
        })
    };
    findings.iter().map(finding).collect()
}
