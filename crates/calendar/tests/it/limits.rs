//! What a hostile or broken file costs: limits are kept and named, and nothing takes long. The tests would not end if
//! something were quadratic or endless.

use highwater_calendar::{Calendar, Expansion, Horizon, Limits};

use crate::cases::{at, event};

fn expand(text: &str, limits: Limits) -> (Calendar, Expansion) {
    let horizon = Horizon { from: at("1990-01-01T00:00:00Z"), to: at("2030-01-01T00:00:00Z"), zone: chrono_tz::UTC };
    let calendar = Calendar::read(text.as_bytes(), &limits);
    let expansion = calendar.expand(&horizon);
    (calendar, expansion)
}

#[test]
fn files_have_a_size() {
    let (calendar, expansion) =
        expand(&event("DTSTART:20260101T000000Z"), Limits { file_bytes: 20, ..Limits::default() });
    assert!(calendar.diagnostics().to_string().contains("at most 20 are read"));
    assert!(expansion.instances.is_empty());
}

#[test]
fn events_and_calendars_have_so_many_instances() {
    let limits = Limits { instances_per_event: 5, ..Limits::default() };
    for lines in [
        "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY",
        "DTSTART:20260101T000000Z\nRDATE:20260102,20260101T000001Z,20260101T000002Z,20260101T000003Z,20260101T000004Z,20260101T000005Z",
    ] {
        let (_, expansion) = expand(&event(lines), limits);
        assert_eq!(expansion.instances.len(), 5, "{lines}");
        assert!(expansion.diagnostics.to_string().contains("more than 5 instances"), "{}", expansion.diagnostics);
    }
    let many: String =
        (0..9).map(|n| event("DTSTART:20260101T000000Z").replace("UID:u", &format!("UID:{n}"))).collect();
    let (_, expansion) = expand(&many, Limits { instances: 4, ..Limits::default() });
    assert_eq!((expansion.instances.len(), expansion.diagnostics.0.len()), (4, 1));
}

#[test]
fn rules_that_find_nothing_give_up() {
    let lines = "DTSTART:19700101T000000Z\nRRULE:FREQ=SECONDLY;INTERVAL=2;BYSECOND=1;COUNT=3";
    let (_, expansion) = expand(&event(lines), Limits::default());
    assert!(expansion.diagnostics.to_string().contains("take too long"), "{}", expansion.diagnostics);
    let many: String = (0..3_000).map(|n| event(lines).replace("UID:u", &format!("UID:{n}"))).collect();
    let (_, expansion) = expand(&many, Limits { steps: 2_000_000, ..Limits::default() });
    assert_eq!(expansion.instances.len(), 0);
}

#[test]
fn long_lists_and_many_mistakes() {
    let wrong = format!("DTSTART:20260101T000000Z\nEXDATE;TZID={}:{}", "a/".repeat(10_000), "x,".repeat(100_000));
    let (calendar, expansion) = expand(&event(&wrong), Limits::default());
    assert_eq!((calendar.diagnostics().0.len(), expansion.instances.len()), (201, 1));
    assert!(calendar.diagnostics().0.iter().all(|finding| finding.message.len() < 2_000 && finding.source.len() < 600));
    let text = "BEGIN:A\n".repeat(300_000) + &"END:B\n".repeat(10);
    assert!(!expand(&text, Limits::default()).0.diagnostics().0.is_empty());
    let text = "BEGIN:A\nEND:A\n".repeat(2_000);
    assert_eq!(expand(&text, Limits { components: 1_000, ..Limits::default() }).0.diagnostics().0.len(), 201);
}

#[test]
fn many_zones_of_many_changes() {
    let zone = "BEGIN:VTIMEZONE\nTZID:z\nBEGIN:STANDARD\nDTSTART:16010101T000000\nRRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:STANDARD\nEND:VTIMEZONE\n";
    let (_, expansion) = expand(&zone.repeat(3_000), Limits::default());
    assert!(!expansion.diagnostics.0.is_empty());
}
