//! Small calendars: lengths, whole days, zones, transparency, free/busy, characters.

use chrono::{DateTime, Utc};
use highwater_calendar::{Calendar, Expansion, Horizon, Limits};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The expansion of events (the lines between BEGIN:VEVENT and END:VEVENT each) seen from New York in 2026.
pub(crate) fn expand(text: &str) -> Expansion {
    let horizon = Horizon {
        from: at("2026-01-01T00:00:00Z"),
        to: at("2027-01-01T00:00:00Z"),
        zone: chrono_tz::America::New_York,
    };
    let calendar = Calendar::read(text.as_bytes(), &Limits::default());
    assert!(calendar.diagnostics().0.is_empty(), "{}", calendar.diagnostics());
    let expansion = calendar.expand(&horizon);
    assert!(expansion.diagnostics.0.is_empty(), "{}", expansion.diagnostics);
    expansion
}

pub(crate) fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nSUMMARY:s\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
}

/// `start/end`, without what all of 2026 shares.
pub(crate) fn spans(expansion: &Expansion) -> Vec<String> {
    let text = |time: DateTime<Utc>| time.format("%m%dT%H%M").to_string();
    expansion.instances.iter().map(|i| format!("{}/{}", text(i.start), text(i.end))).collect()
}

fn of(lines: &str) -> Vec<String> {
    spans(&expand(&event(lines)))
}

#[test]
fn lengths() {
    assert_eq!(of("DTSTART:20260105T090000Z"), ["0105T0900/0105T0900"]);
    assert_eq!(of("DTSTART:20260105T090000Z\nDTEND:20260105T100000Z"), ["0105T0900/0105T1000"]);
    assert_eq!(of("DTSTART:20260105T090000Z\nDURATION:PT90M"), ["0105T0900/0105T1030"]);
    // Times without a zone are the viewer's: New York, UTC-5 in January.
    assert_eq!(of("DTSTART:20260105T090000\nDTEND:20260105T093000"), ["0105T1400/0105T1430"]);
    assert_eq!(of("DTSTART;TZID=Europe/Lisbon:20260705T090000\nDURATION:PT1H"), ["0705T0800/0705T0900"]);
}

#[test]
fn days_are_the_viewers() {
    assert_eq!(of("DTSTART;VALUE=DATE:20260105"), ["0105T0500/0106T0500"]);
    assert_eq!(of("DTSTART:20260105\nDTEND:20260108"), ["0105T0500/0108T0500"]);
    assert_eq!(of("DTSTART:20260105\nDTEND:20260105"), ["0105T0500/0106T0500"]);
    assert_eq!(of("DTSTART:20260105\nDURATION:P2D"), ["0105T0500/0107T0500"]);
    // The days of the two clock changes have 23 and 25 hours.
    assert_eq!(of("DTSTART:20260308\nRDATE;VALUE=DATE:20261101"), ["0308T0500/0309T0400", "1101T0400/1102T0500"]);
    assert!(expand(&event("DTSTART:20260105")).instances[0].all_day);
}

#[test]
fn clock_changes() {
    // Skipped: 02:30 is read with the offset before the gap, so it is 03:30; the time of day is back on the next day.
    let gap = "DTSTART;TZID=America/New_York:20260307T023000\nRRULE:FREQ=DAILY;COUNT=3\nDURATION:PT30M";
    assert_eq!(of(gap), ["0307T0730/0307T0800", "0308T0730/0308T0800", "0309T0630/0309T0700"]);
    // Repeated: 01:30 is the first pass.
    let overlap = "DTSTART;TZID=America/New_York:20261031T013000\nRRULE:FREQ=DAILY;COUNT=3\nDURATION:PT30M";
    assert_eq!(of(overlap), ["1031T0530/1031T0600", "1101T0530/1101T0600", "1102T0630/1102T0700"]);
    // DTEND fixes an exact length, DURATION's days are civil (RFC 5545, 3.8.5.3 and 3.3.6).
    let exact = "DTSTART;TZID=America/New_York:20260306T120000\nDTEND;TZID=America/New_York:20260307T120000\nRRULE:FREQ=DAILY;COUNT=2";
    assert_eq!(of(exact), ["0306T1700/0307T1700", "0307T1700/0308T1700"]);
    let civil = "DTSTART;TZID=America/New_York:20260306T120000\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=2";
    assert_eq!(of(civil), ["0306T1700/0307T1700", "0307T1700/0308T1600"]);
}

#[test]
fn until_is_compared_as_an_instant() {
    let until = |until| format!("DTSTART;TZID=America/New_York:20260105T200000\nRRULE:FREQ=DAILY;UNTIL={until}");
    assert_eq!(of(&until("20260107T010000Z")).len(), 2);
    assert_eq!(of(&until("20260107T005959Z")).len(), 1);
    assert_eq!(of(&until("20260107")).len(), 3);
    assert_eq!(of("DTSTART:20260105\nRRULE:FREQ=DAILY;UNTIL=20260107").len(), 3);
    assert_eq!(of("DTSTART:20260105\nRRULE:FREQ=DAILY;UNTIL=20260107T000000Z").len(), 3);
}

#[test]
fn what_is_not_busy() {
    let busy = |lines: &str| expand(&event(&format!("DTSTART:20260105T090000Z\nDURATION:PT1H\n{lines}"))).busy.len();
    assert_eq!(busy("TRANSP:OPAQUE\nSTATUS:TENTATIVE"), 1);
    assert_eq!(busy("TRANSP:TRANSPARENT"), 0);
    let cancelled = expand(&event("DTSTART:20260105T090000Z\nSTATUS:CANCELLED"));
    assert!(cancelled.instances.is_empty());
    let request = event("DTSTART:20260105T090000Z").replace("BEGIN:VEVENT", "METHOD:CANCEL\nBEGIN:VEVENT");
    assert!(expand(&request).instances.is_empty());
}

#[test]
fn busy_times_are_merged_and_cut() {
    let text = [
        ("0101T000000", "PT1H"),
        ("0105T090000", "PT1H"),
        ("0105T100000", "PT1H"),
        ("0105T093000", "PT10M"),
        ("0106T000000", "P0D"),
    ]
    .map(|(start, length)| format!("BEGIN:VEVENT\nDTSTART:2026{start}Z\nDURATION:{length}\nEND:VEVENT\n"))
    .concat();
    let text = format!("{text}BEGIN:VEVENT\nDTSTART:20251231T000000Z\nDURATION:P1DT30M\nEND:VEVENT\n");
    let busy = expand(&text).busy;
    let busy: Vec<_> = busy.iter().map(|b| (b.start.to_rfc3339(), b.end.to_rfc3339())).collect();
    assert_eq!(busy.len(), 2);
    assert_eq!(busy[0], ("2026-01-01T00:00:00+00:00".into(), "2026-01-01T01:00:00+00:00".into()));
    assert_eq!(busy[1], ("2026-01-05T09:00:00+00:00".into(), "2026-01-05T11:00:00+00:00".into()));
}

#[test]
fn free_busy_components() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nUID:f\nFREEBUSY:20260105T090000Z/PT1H,20260105T093000Z/20260105T110000Z\n\
                FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260106T090000Z/PT1H\nFREEBUSY;FBTYPE=FREE:20260107T090000Z/PT1H\n\
                END:VFREEBUSY\nEND:VCALENDAR\n";
    let expansion = expand(text);
    assert_eq!((expansion.instances.len(), expansion.busy.len()), (3, 2));
    assert_eq!(expansion.busy[0].end, at("2026-01-05T11:00:00Z"));
}

#[test]
fn other_components_take_no_time() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VTODO\nDTSTART:20260105T090000Z\nDUE:20260106T090000Z\nEND:VTODO\n\
                BEGIN:VJOURNAL\nDTSTART:20260105T090000Z\nEND:VJOURNAL\nEND:VCALENDAR\n";
    assert!(expand(text).instances.is_empty());
}

#[test]
fn a_calendars_own_zone_wins() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Europe/Lisbon\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n";
    let text =
        event("DTSTART;TZID=Europe/Lisbon:20260105T090000").replace("BEGIN:VEVENT", &format!("{zone}BEGIN:VEVENT"));
    assert_eq!(spans(&expand(&text)), ["0105T0600/0105T0600"]);
    // Of the calendar that defines it alone.
    let both = format!("{text}{}", event("DTSTART;TZID=Europe/Lisbon:20260105T090000").replace("UID:u", "UID:v"));
    assert_eq!(spans(&expand(&both)), ["0105T0600/0105T0600", "0105T0900/0105T0900"]);
}

#[test]
fn findings_name_line_problem_and_remedy() {
    let text = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\nSUMMARY:caf\xe9\r\nDTSTART;TZID=Moon/Sea:20260105T090000\r\nRRULE:FREQ=DAILY;BYHOUR=25\r\n\
                 EXDATE:never\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nnonsense\r\nEND:VCALENDAR\r\n";
    let calendar = Calendar::read(text, &Limits::default());
    let findings: Vec<_> = calendar.diagnostics().0.iter().map(|d| (d.line, d.hint.is_some())).collect();
    assert_eq!(
        findings,
        [(4, true), (11, true), (5, true), (6, true), (7, true), (9, true)],
        "{}",
        calendar.diagnostics()
    );
    let horizon = Horizon { from: at("2026-01-01T00:00:00Z"), to: at("2027-01-01T00:00:00Z"), zone: chrono_tz::UTC };
    let expansion = calendar.expand(&horizon);
    assert_eq!(spans(&expansion), ["0105T0900/0105T0900"]);
    assert_eq!(&*expansion.instances[0].summary, "café");
}

#[test]
fn no_calendar_at_all() {
    for bytes in [&b""[..], b"\n\n", b"\xff\xfeB\0E\0", b"<html></html>"] {
        assert!(!Calendar::read(bytes, &Limits::default()).diagnostics().0.is_empty(), "{bytes:?}");
    }
}
