//! Other people's calendars: those of libical and ical.js, when they lie beside the checkout or in the folder that
//! `HIGHWATER_ICS` names. They are not part of the repository; without them the tests say so.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use highwater_calendar::{Calendar, Horizon, Limits, Rule};

use crate::cases::at;

fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ics");
    let folder = std::env::var_os("HIGHWATER_ICS").map_or_else(beside, PathBuf::from);
    let there = folder.join("libical").is_dir();
    if !there {
        eprintln!("SKIPPED: no calendars in {}; set HIGHWATER_ICS to a folder that holds them", folder.display());
    }
    there.then_some(folder)
}

fn time(text: &str) -> NaiveDateTime {
    let text = text.trim_end_matches('Z');
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T000000") };
    NaiveDateTime::parse_from_str(&text, "%Y%m%dT%H%M%S").unwrap()
}

/// Every rule of libical's own test gives exactly the instances expected there.
#[test]
fn the_cases_of_libical() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("libical/icalrecur_cases.txt")).unwrap();
    let (mut cases, mut failures) = (0, Vec::new());
    for case in text.split("\n\n") {
        let line = |name: &str| case.lines().find_map(|line| line.strip_prefix(name));
        let (Some(rule), Some(start), Some(wanted)) = (line("RRULE:"), line("DTSTART:"), line("INSTANCES:")) else {
            continue;
        };
        cases += 1;
        let wanted: Vec<NaiveDateTime> = wanted.split(',').map(time).collect();
        let given: Vec<NaiveDateTime> =
            Rule::parse(rule).unwrap().occurrences(time(start), time("99991231T235959")).take(1000).collect();
        if given != wanted {
            failures.push(format!("{rule} from {start}:\n  wanted {wanted:?}\n  given  {given:?}"));
        }
    }
    assert_eq!(cases, 74);
    assert!(failures.is_empty(), "{} of {cases} differ:\n{}", failures.len(), failures.join("\n"));
}

fn all_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, files) } else { files.push(path) }
    }
    files.sort();
}

/// No file is too strange to be read and expanded; what is wrong with it is told with its line.
#[test]
fn every_file_is_read() {
    let Some(folder) = folder() else { return };
    let mut files = Vec::new();
    all_files(&folder, &mut files);
    assert!(files.len() >= 80);
    let horizon =
        Horizon { from: at("1990-01-01T00:00:00Z"), to: at("2030-01-01T00:00:00Z"), zone: chrono_tz::Europe::Lisbon };
    let mut with_instances = 0;
    for file in &files {
        let mut bytes = std::fs::read(file).unwrap();
        if file.extension().is_some_and(|extension| extension == "gz") {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        }
        let lines = bytes.split(|byte| *byte == b'\n').count() as u32;
        let calendar = Calendar::read(&bytes, &Limits::default());
        let expansion = calendar.expand(&horizon);
        for finding in calendar.diagnostics().0.iter().chain(&expansion.diagnostics.0) {
            assert!(finding.line <= lines && !finding.message.is_empty() && finding.hint.is_some(), "{finding}");
        }
        with_instances += usize::from(!expansion.instances.is_empty());
    }
    assert!(with_instances >= 20, "{with_instances} of {} files hold something", files.len());
}

fn expanded(folder: &Path, file: &str) -> Vec<String> {
    let calendar = Calendar::read(&std::fs::read(folder.join(file)).unwrap(), &Limits::default());
    let horizon = Horizon { from: at("2012-01-01T00:00:00Z"), to: at("2013-05-01T00:00:00Z"), zone: chrono_tz::UTC };
    calendar.expand(&horizon).instances.iter().map(|i| i.start.format("%Y-%m-%dT%H:%M").to_string()).collect()
}

/// A series with dates added, excluded and replaced across zones: worked out by hand from the file.
#[test]
fn a_series_of_ical_js() {
    let Some(folder) = folder() else { return };
    assert_eq!(
        expanded(&folder, "ical.js/samples/recur_instances.ics"),
        [
            "2012-10-02T22:00",
            "2012-11-06T18:00",
            "2012-11-07T04:00",
            "2012-11-10T18:00",
            "2012-11-30T18:00",
            "2013-01-01T18:00",
            "2013-03-05T18:00",
        ]
    );
    assert_eq!(expanded(&folder, "ical.js/samples/multiple_rrules.ics").len(), 36);
}

/// Of this event libical does not count the start, because its rule does not give it. RFC 5545 leaves the case open; we do:
/// an appointment was made for that time.
const OUT_OF_STEP: &str = "but starting on Tuesday";

/// libical says of some events how many instances they have.
#[test]
fn the_numbers_of_events_of_libical() {
    let Some(folder) = folder() else { return };
    let text = std::fs::read_to_string(folder.join("libical/recur.txt")).unwrap();
    let horizon = Horizon {
        from: at("1990-01-01T00:00:00Z"),
        to: at("2090-01-01T00:00:00Z"),
        zone: chrono_tz::America::New_York,
    };
    let (mut cases, mut failures) = (0, Vec::new());
    for event in text.split("END:VEVENT") {
        let wanted = event.lines().find_map(|line| line.strip_prefix("X-EXPECT-NUMEVENTS:"));
        let Some(wanted) = wanted.and_then(|wanted| wanted.trim().parse::<usize>().ok()) else { continue };
        cases += 1;
        let wanted = wanted + usize::from(event.contains(OUT_OF_STEP));
        let calendar = Calendar::read(format!("{event}END:VEVENT\n").as_bytes(), &Limits::default());
        let given = calendar.expand(&horizon).instances.len();
        if given != wanted {
            failures.push(format!("wanted {wanted}, given {given}:{event}"));
        }
    }
    assert!(cases > 5 && failures.is_empty(), "{} of {cases} differ:\n{}", failures.len(), failures.join("\n"));
}
