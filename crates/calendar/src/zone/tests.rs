//! Zones against `chrono-tz`, and against the words of RFC 5545 at gaps and overlaps.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::{Definition, Transitions, instant_of, local_of, read_definition, zone_named};
use crate::Limits;
use crate::findings::Findings;
use crate::text::read_components;

const NEW_YORK: &str = "BEGIN:VTIMEZONE\nTZID:Here\n\
BEGIN:STANDARD\nDTSTART:20071104T020000\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\n\
BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT\n\
END:VTIMEZONE\n";

/// 2007-04-01 and 2037-01-01.
const FROM: i64 = 1_175_385_600;
const TO: i64 = 2_114_380_800;

fn definition(text: &str) -> (Definition, usize) {
    let mut findings = Findings::new(10);
    let root = read_components(text.as_bytes(), &Limits::default(), &mut findings);
    let definition = read_definition(&root.components[0], &mut findings).unwrap();
    (definition, findings.finish().0.len())
}

fn new_york() -> Transitions {
    let (definition, findings) = definition(NEW_YORK);
    assert_eq!(findings, 0);
    definition.transitions(TO + 86_400, &mut 1_000_000, &mut Findings::new(10))
}

proptest! {
    #[test]
    fn a_definition_is_the_zone_it_defines(seconds in FROM..TO, hours in 0..4_i64) {
        let (own, named) = (new_york(), Tz::America__New_York);
        // Near changes, which random times seldom are: Sundays between 1 and 4 o'clock.
        let sunday = seconds - (seconds / 86_400 + 4) % 7 * 86_400 - seconds % 86_400;
        for at in [seconds, sunday + hours * 3600 + seconds % 3600] {
            prop_assert_eq!(own.civil(at), local_of(named, at));
            prop_assert_eq!(own.instant(at), instant_of(named, at));
        }
    }
}

/// The examples of RFC 5545, 3.3.5: 02:30 in the gap of 2007 is 07:30 UTC, 01:30 of the overlap is its first pass.
#[test]
fn gaps_and_overlaps_as_the_specification_says() {
    let (gap, overlap) = (1_173_580_200, 1_194_139_800);
    assert_eq!(instant_of(Tz::America__New_York, gap), 1_173_598_200);
    assert_eq!(instant_of(Tz::America__New_York, overlap), 1_194_154_200);
    assert_eq!((new_york().instant(gap), new_york().instant(overlap)), (1_173_598_200, 1_194_154_200));
    // A whole day that Samoa left out: 2011-12-30 12:00 is read with the offset before, -10.
    assert_eq!(instant_of(Tz::Pacific__Apia, 1_325_246_400), 1_325_246_400 + 36_000);
}

#[test]
fn names_of_zones() {
    for name in
        ["Europe/Prague", "/freeassociation.sourceforge.net/Tzfile/Europe/Prague", "/x/20050126_1/Europe/Prague"]
    {
        assert_eq!(zone_named(name), Some(Tz::Europe__Prague), "{name}");
    }
    assert_eq!(zone_named("america/new_york"), Some(Tz::America__New_York));
    assert_eq!(zone_named("Customized Time Zone"), None);
    assert_eq!(zone_named(&"a/".repeat(1_000_000)), None);
}

#[test]
fn dates_and_broken_parts_of_definitions() {
    let text = "BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
                RDATE:19800101T000000,19900101T000000Z\nRRULE:FREQ=OFTEN\nEND:STANDARD\n\
                BEGIN:DAYLIGHT\nDTSTART;VALUE=DATE:19850101\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nEND:DAYLIGHT\n\
                BEGIN:DAYLIGHT\nDTSTART:19850101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
    let (definition, findings) = definition(text);
    assert_eq!(findings, 2);
    let zone = definition.transitions(TO, &mut 1_000_000, &mut Findings::new(10));
    let offset = |instant: i64| zone.civil(instant) - instant;
    assert_eq!([-3_601, 0, 473_385_600, 631_152_000].map(offset), [3600, 7200, 10_800, 7200]);
}

#[test]
fn endless_changes_are_limited() {
    let text = NEW_YORK.replace("FREQ=YEARLY;BYMONTH=11;BYDAY=1SU", "FREQ=SECONDLY");
    let mut findings = Findings::new(10);
    definition(&text).0.transitions(TO, &mut 1_000_000, &mut findings);
    assert_eq!(findings.finish().0.len(), 1);
}
