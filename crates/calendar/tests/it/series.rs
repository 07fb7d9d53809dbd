//! Series: added, excluded and replaced instances, versions, and instances on the horizon's edges.

use highwater_calendar::{Calendar, Horizon, Limits};

use crate::cases::{at, event, expand, spans};

fn of(lines: &str) -> Vec<String> {
    spans(&expand(&event(lines)))
}

/// A daily series of four with an event that replaces something.
fn with(replacement: &str) -> Vec<String> {
    let master = event("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4");
    spans(&expand(&format!("{master}{}", event(replacement))))
}

const FOUR: [&str; 4] = ["0105T0900/0105T1000", "0106T0900/0106T1000", "0107T0900/0107T1000", "0108T0900/0108T1000"];

#[test]
fn rules_dates_and_exceptions_together() {
    let lines = "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nRRULE:FREQ=WEEKLY;COUNT=2\nRDATE:20260120T100000Z,20260106T090000Z\n\
                 RDATE;VALUE=PERIOD:20260121T100000Z/PT2H,20260122T100000Z/20260122T103000Z\nEXDATE:20260106T090000Z\nEXRULE:FREQ=DAILY;INTERVAL=7;COUNT=2";
    assert_eq!(of(lines), ["0107T0900/0107T0900", "0120T1000/0120T1000", "0121T1000/0121T1200", "0122T1000/0122T1030"]);
}

#[test]
fn exceptions_match_across_zones_and_by_day() {
    let lines = "DTSTART;TZID=America/New_York:20260105T200000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260106T010000Z\nEXDATE;VALUE=DATE:20260107";
    assert_eq!(of(lines), ["0107T0100/0107T0100", "0109T0100/0109T0100"]);
    let days = "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260106T000000Z";
    assert_eq!(of(days), ["0105T0500/0106T0500", "0107T0500/0108T0500"]);
}

/// "The DTSTART property value always counts as the first occurrence."
#[test]
fn a_start_out_of_step_counts() {
    let lines = "DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY;COUNT=3;BYDAY=TH";
    assert_eq!(of(lines), ["0105T0900/0105T0900", "0108T0900/0108T0900", "0115T0900/0115T0900"]);
}

#[test]
fn one_instance_is_replaced() {
    assert_eq!(
        with("RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T150000Z\nDURATION:PT2H"),
        [FOUR[0], "0106T1500/0106T1700", FOUR[2], FOUR[3]]
    );
    assert_eq!(with("RECURRENCE-ID;TZID=America/New_York:20260106T040000\nDTSTART:20260106T150000Z").len(), 4);
    assert_eq!(with("RECURRENCE-ID;VALUE=DATE:20260106\nDTSTART:20260106T150000Z")[1], "0106T1500/0106T1500");
    assert_eq!(with("RECURRENCE-ID:20260106T090000Z\nSTATUS:CANCELLED"), [FOUR[0], FOUR[2], FOUR[3]]);
    // Moved to before the first one; into the horizon from outside it, and out of it.
    assert_eq!(with("RECURRENCE-ID:20260108T090000Z\nDTSTART:20260102T090000Z")[0], "0102T0900/0102T0900");
    assert_eq!(with("RECURRENCE-ID:20260108T090000Z\nDTSTART:20300102T090000Z"), FOUR[..3]);
}

#[test]
fn this_and_future_instances_move() {
    let later = "RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000Z\nDTSTART:20260107T113000Z\nDURATION:PT2H";
    assert_eq!(with(later), [FOUR[0], FOUR[1], "0107T1130/0107T1330", "0108T1130/0108T1330"]);
    let gone = "RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000Z\nDTSTART:20260107T090000Z\nSTATUS:CANCELLED";
    assert_eq!(with(gone), FOUR[..2]);
    // An instance with a replacement of its own keeps it, and a later range takes over from an earlier one.
    let master = event("DTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4");
    let one = event("RECURRENCE-ID:20260107T090000Z\nDTSTART:20260107T200000Z\nDURATION:PT1H");
    let range = event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T090000Z\nDTSTART:20260106T100000Z\nDURATION:PT1H");
    let next = event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260108T090000Z\nDTSTART:20260108T120000Z\nDURATION:PT1H");
    assert_eq!(
        spans(&expand(&format!("{next}{range}{one}{master}"))),
        [FOUR[0], "0106T1000/0106T1100", "0107T2000/0107T2100", "0108T1200/0108T1300"]
    );
}

#[test]
fn the_time_of_day_of_a_moved_range_is_civil() {
    let master = event("DTSTART;TZID=America/New_York:20260301T090000\nRRULE:FREQ=WEEKLY;COUNT=3");
    let range = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=America/New_York:20260301T090000\nDTSTART;TZID=America/New_York:20260302T100000",
    );
    assert_eq!(
        spans(&expand(&format!("{master}{range}"))),
        ["0302T1500/0302T1500", "0309T1400/0309T1400", "0316T1400/0316T1400"]
    );
}

#[test]
fn replacements_without_a_series_stand_alone() {
    assert_eq!(of("RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T150000Z"), ["0106T1500/0106T1500"]);
    assert_eq!(
        of("RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T090000Z\nDTSTART:20260106T150000Z"),
        ["0106T1500/0106T1500"]
    );
}

#[test]
fn the_latest_version_counts_whatever_the_order() {
    let old = event("DTSTART:20260105T090000Z\nSEQUENCE:1\nDTSTAMP:20260101T000000Z");
    let new = event("DTSTART:20260106T090000Z\nSEQUENCE:2\nDTSTAMP:20250101T000000Z");
    let stamped = event("DTSTART:20260107T090000Z\nSEQUENCE:2\nDTSTAMP:20260101T000000Z");
    assert_eq!(spans(&expand(&format!("{new}{old}"))), ["0106T0900/0106T0900"]);
    assert_eq!(spans(&expand(&format!("{stamped}{new}{old}"))), ["0107T0900/0107T0900"]);
    let cancelled = event("SEQUENCE:3").replace("BEGIN:VEVENT", "METHOD:CANCEL\nBEGIN:VEVENT");
    assert!(expand(&format!("{stamped}{cancelled}")).instances.is_empty());
}

#[test]
fn old_series_reach_the_horizon() {
    let text = event("DTSTART:19700101T090000Z\nDURATION:PT1H\nRRULE:FREQ=MINUTELY;INTERVAL=720");
    assert_eq!(expand(&text).instances.len(), 730);
    // Long instances that began before it.
    assert_eq!(of("DTSTART:20250101T000000Z\nDURATION:P400D\nRRULE:FREQ=YEARLY").len(), 2);
}

#[test]
fn edges_of_the_horizon() {
    let calendar = |lines: &str| Calendar::read(event(lines).as_bytes(), &Limits::default());
    let horizon = Horizon { from: at("2026-01-05T09:00:00Z"), to: at("2026-01-05T10:00:00Z"), zone: chrono_tz::UTC };
    let count = |lines: &str| calendar(lines).expand(&horizon).instances.len();
    assert_eq!(count("DTSTART:20260105T090000Z"), 1);
    assert_eq!(count("DTSTART:20260105T100000Z"), 0);
    assert_eq!(count("DTSTART:20260105T080000Z\nDURATION:PT1H"), 0);
    assert_eq!(count("DTSTART:20260105T080000Z\nDURATION:PT1H1S"), 1);
    let nothing = Horizon { from: horizon.to, to: horizon.from, ..horizon };
    assert!(calendar("DTSTART:20260105T090000Z\nDURATION:P9D").expand(&nothing).busy.is_empty());
}
