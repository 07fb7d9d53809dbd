//! What people and programs are told, for folders made up here; real ones are in `crates/testkit/tests/doctor.rs`.

use std::path::Path;

use highwater_engine::{
    CheckpointInspection, Covered, FolderFinding, FolderPart, Inspection, Lost, PartitionInspection, Remedy,
    StreamInspection,
};
use highwater_model::ObjectId;

use super::repair::Repairs;
use super::run::Checkup;
use super::{document, text};

fn partition(name: &str, records: u64, lost: u64) -> PartitionInspection {
    PartitionInspection {
        name: name.to_owned(),
        first: 0,
        next: records + lost,
        records,
        bytes: records * 10,
        lost,
        given_up: 0,
        in_doubt: false,
    }
}

fn inspection(findings: Vec<FolderFinding>) -> Inspection {
    let lost = if findings.is_empty() { 0 } else { 5 };
    Inspection {
        declared: vec!["1 stream".to_owned()],
        streams: vec![StreamInspection {
            id: ObjectId(1),
            name: "public.steps".to_owned(),
            folder: "data/log/1".into(),
            segments: 2,
            bytes: 700,
            partitions: vec![partition("0", 40, lost), partition("rejects", 2, 0)],
        }],
        checkpoints: vec![CheckpointInspection {
            file: "data/state/000000000001.checkpoint".into(),
            bytes: 99,
            format: Some(1),
            full: Some(true),
            objects: 3,
            covers: vec![
                Covered { stream: "public.steps".to_owned(), partition: "0".to_owned(), next: 30 },
                Covered { stream: "public.steps".to_owned(), partition: "1".to_owned(), next: 12 },
            ],
            verdict: "loaded".to_owned(),
        }],
        findings,
        notes: vec!["something worth knowing".to_owned()],
    }
}

fn damaged() -> FolderFinding {
    FolderFinding {
        part: FolderPart::Log,
        file: "data/log/1/00000000000000000001.seg".into(),
        position: Some(321),
        what: "a checksum of records does not match".to_owned(),
        lost: vec![Lost { stream: "public.steps".to_owned(), partition: "0".to_owned(), first: 10, next: 15 }],
        in_doubt: vec!["public.steps rejects".to_owned()],
        advice: "restore the file".to_owned(),
        remedy: Remedy::GiveUp(ObjectId(1)),
    }
}

fn checkup(found: Inspection, left: Option<Inspection>) -> Checkup {
    let done = left.iter().map(|_| "set aside x as y".to_owned()).collect();
    Checkup { found, repairs: Repairs { done, refused: None }, left, sizes: vec![("log".to_owned(), 700)] }
}

#[test]
fn a_sound_folder_is_told_in_full_and_called_sound() {
    let told = text::inspection(Path::new("data"), &inspection(Vec::new()));
    for part in ["1 stream declared", "public.steps", "0..40", "match", "full", "public.steps 42", "something worth"] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let outcome = text::outcome(&checkup(inspection(Vec::new()), None));
    assert!(
        outcome.ends_with(
            "sound: 1 log, 2 segments, 42 records, 1 checkpoint; all offsets are there and every checksum matches\n"
        ),
        "{outcome}"
    );
}

#[test]
fn what_was_given_up_is_not_called_complete() {
    let mut found = inspection(Vec::new());
    found.streams[0].partitions[0].given_up = 7;
    assert_eq!(text::checksums(&found.streams[0].partitions[0]), "match (7 offsets given up)");
    let outcome = text::outcome(&checkup(found, None));
    assert!(outcome.contains("every checksum matches; 7 offsets were given up earlier"), "{outcome}");
}

#[test]
fn findings_name_file_byte_loss_and_what_to_do() {
    let told = text::inspection(Path::new("data"), &inspection(vec![damaged()]));
    for part in [
        "damaged: data/log/1/00000000000000000001.seg at byte 321: a checksum of records does not match",
        "lost: public.steps partition 0: offsets 10..15 (5 records)",
        "lost: public.steps rejects: whatever followed",
        "next: restore the file",
        "broken: 5 lost",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    assert!(text::outcome(&checkup(inspection(vec![damaged()]), None)).contains("not sound: 1 finding in"));
    let asked = text::given_up(&damaged());
    assert!(asked.contains("offsets 10..15 (5 records)") && asked.contains("from byte 321 on"), "{asked}");
}

#[test]
fn the_document_tells_what_was_and_what_is_left() {
    let told =
        document::document(Path::new("data"), &checkup(inspection(vec![damaged()]), Some(inspection(Vec::new()))));
    assert_eq!(told["sound"], true);
    assert_eq!(told["findings"][0]["byte"], 321);
    assert_eq!(told["findings"][0]["lost"][0]["next"], 15);
    assert_eq!(told["findings"][0]["repair"], "give up");
    assert_eq!(told["left"].as_array().map(Vec::len), Some(0));
    assert_eq!(told["repairs"][0], "set aside x as y");
    assert_eq!(told["streams"][0]["partitions"][0]["records"], 40);
    assert_eq!(told["streams"][0]["partitions"][0]["sound"], false);
    assert_eq!(told["checkpoints"][0]["covers"][1]["next"], 12);
    assert_eq!(document::document(Path::new("data"), &checkup(inspection(vec![damaged()]), None))["sound"], false);
}
