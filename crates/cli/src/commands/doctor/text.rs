//! The report for people: tables of what is there, then what is wrong with file, byte and what to do, then one line that
//! says it all.

use std::path::Path;

use comfy_table::{Table, presets};
use highwater_api::{EngineStatus, MemoryHolder, MemoryStatus};
use highwater_engine::{CheckpointInspection, FolderFinding, Inspection, PartitionInspection};

use super::run::Checkup;

/// What was found.
pub(super) fn inspection(data: &Path, found: &Inspection) -> String {
    let declared = if found.declared.is_empty() { "nothing".to_owned() } else { found.declared.join(", ") };
    let mut text = format!("data folder {}: {declared} declared\n", data.display());
    if !found.streams.is_empty() {
        text.push_str(&format!("{}\n", streams(found)));
    }
    if !found.checkpoints.is_empty() {
        text.push_str(&format!("{}\n", checkpoints(found)));
    }
    for note in &found.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    for finding in &found.findings {
        text.push_str(&wrong(finding));
    }
    text
}

/// What was done about it, and how things stand.
pub(super) fn outcome(checkup: &Checkup) -> String {
    let mut sizes = table(&["on disk", "bytes"]);
    for (name, bytes) in &checkup.sizes {
        sizes.add_row([name.clone(), bytes.to_string()]);
    }
    let mut text = format!("{sizes}\n");
    for done in &checkup.repairs.done {
        text.push_str(&format!("repaired: {done}\n"));
    }
    if let Some(left) = &checkup.left {
        left.findings.iter().for_each(|finding| text.push_str(&wrong(finding)));
    }
    text.push_str(&summary(checkup.now()));
    text
}

/// One line: how much there is and whether it is sound.
fn summary(now: &Inspection) -> String {
    let segments: u64 = now.streams.iter().map(|stream| stream.segments).sum();
    let records: u64 =
        now.streams.iter().flat_map(|stream| &stream.partitions).map(|partition| partition.records).sum();
    let there = [
        many(now.streams.len() as u64, "log"),
        many(segments, "segment"),
        many(records, "record"),
        many(now.checkpoints.len() as u64, "checkpoint"),
    ]
    .join(", ");
    let partitions = now.streams.iter().flat_map(|stream| &stream.partitions);
    let given_up: u64 = partitions.map(|partition| partition.given_up).sum();
    match now.findings.len() {
        0 if given_up > 0 => {
            format!("sound: {there}; every checksum matches; {} were given up earlier\n", many(given_up, "offset"))
        }
        0 => format!("sound: {there}; all offsets are there and every checksum matches\n"),
        wrong => format!("not sound: {} in {there}\n", many(wrong as u64, "finding")),
    }
}

fn many(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn wrong(finding: &FolderFinding) -> String {
    let place = finding.position.map_or_else(String::new, |position| format!(" at byte {position}"));
    let mut text = format!("damaged: {}{place}: {}\n", finding.file.display(), finding.what);
    for lost in lost(finding) {
        text.push_str(&format!("  lost: {lost}\n"));
    }
    text.push_str(&format!("  next: {}\n", finding.advice));
    text
}

/// Everything that a repair of a finding would give up.
pub(super) fn given_up(finding: &FolderFinding) -> String {
    let position = finding.position.unwrap_or(0);
    let mut text = format!("  {} from byte {position} on:", finding.file.display());
    let lost = lost(finding);
    if lost.is_empty() {
        text.push_str(" no records");
    }
    for lost in lost {
        text.push_str(&format!("\n    {lost}"));
    }
    text
}

/// The records lost by a finding, in sentences.
fn lost(finding: &FolderFinding) -> Vec<String> {
    let known = finding.lost.iter().map(|lost| {
        let partition = match lost.partition.parse::<u32>() {
            Ok(number) => format!("partition {number}"),
            Err(_) => lost.partition.clone(),
        };
        let count = lost.next.saturating_sub(lost.first);
        format!("{} {partition}: offsets {}..{} ({})", lost.stream, lost.first, lost.next, many(count, "record"))
    });
    let doubt = finding.in_doubt.iter().map(|partition| {
        format!("{partition}: whatever followed its last record that can be read; nothing tells how many that were")
    });
    known.chain(doubt).collect()
}

fn streams(found: &Inspection) -> Table {
    let mut streams = table(&["log", "stream", "partition", "offsets", "records", "bytes", "checksums"]);
    for stream in &found.streams {
        for partition in &stream.partitions {
            streams.add_row([
                stream.id.to_string(),
                stream.name.clone(),
                partition.name.clone(),
                format!("{}..{}", partition.first, partition.next),
                partition.records.to_string(),
                partition.bytes.to_string(),
                checksums(partition),
            ]);
        }
    }
    streams
}

/// How a partition's checksums came out.
pub(super) fn checksums(partition: &PartitionInspection) -> String {
    match (partition.lost, partition.in_doubt, partition.given_up) {
        (0, false, 0) => "match".to_owned(),
        (0, false, given_up) => format!("match ({given_up} offsets given up)"),
        (0, true, _) => "broken at the end".to_owned(),
        (lost, _, _) => format!("broken: {lost} lost"),
    }
}

fn checkpoints(found: &Inspection) -> Table {
    let mut checkpoints = table(&["checkpoint", "kind", "format", "objects", "covers", "bytes", "a start finds it"]);
    for checkpoint in &found.checkpoints {
        let file = checkpoint.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = match checkpoint.full {
            Some(true) => "full",
            Some(false) => "delta",
            None => "?",
        };
        checkpoints.add_row([
            file,
            kind.to_owned(),
            checkpoint.format.map_or_else(|| "?".to_owned(), |format| format.to_string()),
            checkpoint.objects.to_string(),
            covers(checkpoint),
            checkpoint.bytes.to_string(),
            verdict(checkpoint),
        ]);
    }
    checkpoints
}

/// The records covered, by stream.
fn covers(checkpoint: &CheckpointInspection) -> String {
    let mut streams: Vec<(&str, u64)> = Vec::new();
    for covered in &checkpoint.covers {
        match streams.iter_mut().find(|(stream, _)| *stream == covered.stream) {
            Some((_, records)) => *records += covered.next,
            None => streams.push((&covered.stream, covered.next)),
        }
    }
    let streams: Vec<String> = streams.into_iter().map(|(stream, records)| format!("{stream} {records}")).collect();
    streams.join("\n")
}

fn verdict(checkpoint: &CheckpointInspection) -> String {
    if checkpoint.verdict == "loaded" { "sound, and loads it".to_owned() } else { checkpoint.verdict.clone() }
}

/// What a server says of itself.
pub(super) fn status(status: &EngineStatus) -> String {
    let mut streams = table(&["stream", "partitions", "records", "rejects", "lag", "bytes"]);
    for stream in &status.streams {
        streams.add_row([
            stream.name.clone(),
            stream.partitions.to_string(),
            stream.records.to_string(),
            stream.rejects.to_string(),
            stream.lag.to_string(),
            stream.bytes.to_string(),
        ]);
    }
    let mut views = table(&["view", "state", "rows", "lag", "bytes", "error"]);
    for view in &status.views {
        views.add_row([
            view.name.clone(),
            format!("{:?}", view.state).to_lowercase(),
            view.rows.to_string(),
            view.lag.to_string(),
            view.bytes.to_string(),
            view.error.clone().unwrap_or_default(),
        ]);
    }
    format!("version {}\n{streams}\n{views}\n{}", status.version, memory(&status.memory))
}

/// How much is held, and by whom most.
fn memory(memory: &MemoryStatus) -> String {
    let limit = memory.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("a limit of {limit} bytes"));
    let mut text = format!("memory: {} bytes held, {limit}, {} refusals\n", memory.held, memory.refused);
    if memory.limit.is_some_and(|limit| memory.held >= limit) {
        text.push_str(
            "  the limit is reached: new events and views are refused\n  \
             next: SET GLOBAL memory_limit = '…', or start with a larger --memory-limit, or DROP what is not needed\n",
        );
    }
    for MemoryHolder { relation, operator, bytes } in &memory.largest {
        let holder = relation.as_ref().map_or_else(|| operator.clone(), |relation| format!("{relation}, {operator}"));
        text.push_str(&format!("  {bytes} bytes: {holder}\n"));
    }
    text
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.iter().copied());
    table
}
