//! The fuzz body on seeded mutations of good and bad calendars: what a fuzzer does, bounded and repeatable.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fuzz_calendar;

const SEEDS: [&str; 7] = [
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=America/New_York:20060904T090000\r\n\
     DTEND;TZID=America/New_York:20060904T100000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231T000000Z\r\n\
     EXDATE;TZID=America/New_York:20060906T090000\r\nSUMMARY:caf\u{e9}\\, \r\n  folded\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:b\nDTSTART;VALUE=DATE:20070228\nDURATION:P2D\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1\n\
     RDATE;VALUE=DATE:20080101,20080202\nTRANSP:TRANSPARENT\nEND:VEVENT\nBEGIN:VEVENT\nUID:b\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20120229\n\
     DTSTART;VALUE=DATE:20120301\nSEQUENCE:2\nEND:VEVENT\nEND:VCALENDAR\n",
    "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:16010101T020000\nRRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\nTZOFFSETFROM:-0400\n\
     TZOFFSETTO:-0500\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20070311T020000\nRDATE:20080309T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\n\
     END:DAYLIGHT\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=X:20080309T023000\nDURATION:PT36H\nRRULE:FREQ=DAILY;COUNT=5;BYHOUR=1,2\nEND:VEVENT\n",
    "BEGIN:VFREEBUSY\nUID:f\nFREEBUSY;FBTYPE=BUSY:19980318T030000Z/19980318T040000Z,20080318T030000Z/PT1H\nFREEBUSY;FBTYPE=FREE:20080318T030000Z/P1D\nEND:VFREEBUSY\n",
    "BEGIN:VEVENT\nUID:c\nDTSTART:20160101T000000Z\nDTEND:20160101T001500Z\nRRULE:FREQ=MINUTELY;INTERVAL=20;BYSETPOS=1,-1;BYSECOND=0,30\n\
     EXRULE:FREQ=HOURLY;BYMINUTE=20\nRDATE;VALUE=PERIOD:20160202T000000Z/P1D,20160203T000000Z/20160203T010000Z\nEND:VEVENT\n",
    "BEGIN:VEVENT\nUID:d\nDTSTART:20160101T000000\nRRULE:FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=SU;WKST=WE\nSTATUS:CONFIRMED\nEND:VEVENT\n\
     BEGIN:VEVENT\nUID:d\nRECURRENCE-ID:20160103T000000\nDTSTART:20160105T000000\nSTATUS:CANCELLED\nEND:VEVENT\n",
    "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nUID:e\nEND:VEVENT\nBEGIN:VTODO\nDUE:20160101\nEND:VTODO\nEND:VCALENDAR\n",
];

const SPLICES: [&str; 34] = [
    "\n",
    "\r\n",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "=",
    "\"",
    "/",
    "\\",
    "-",
    "9",
    "0",
    "\0",
    "é",
    "\u{feff}",
    "BEGIN:VEVENT\n",
    "END:VEVENT\n",
    "BEGIN:VCALENDAR\n",
    "END:VCALENDAR\n",
    "FREQ=SECONDLY",
    "FREQ=YEARLY",
    ";COUNT=4294967295",
    ";INTERVAL=4294967295",
    "00000101T000000",
    "99991231T235959Z",
    "P9999999999D",
    ";TZID=America/Sao_Paulo",
    ";TZID=X",
    ";VALUE=DATE",
    "RRULE:FREQ=DAILY;BYSECOND=0,1,2,3\n",
    "RECURRENCE-ID:20160101T000000Z\n",
    ";BYSETPOS=-366",
];

fn mutate(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    for _ in 0..random.random_range(0..8) {
        let at = random.random_range(0..=input.len());
        let end = random.random_range(at..=input.len().min(at + 60));
        match random.random_range(0..6) {
            0 if at < input.len() => input[at] = random.random(),
            1 if at < input.len() => input[at] = *b"0123456789".choose(random).unwrap(),
            2 => {
                let copy = input[at..end].to_vec();
                let to = random.random_range(0..=input.len());
                input.splice(to..to, copy);
            }
            3 => drop(input.drain(at..end)),
            4 if random.random_bool(0.2) => input.truncate(at),
            _ => {
                let splice = SPLICES.choose(random).unwrap();
                input.splice(at..at, splice.bytes());
            }
        }
    }
}

#[test]
fn mutations_of_calendars() {
    let mut random = ChaCha8Rng::seed_from_u64(0xca1e);
    let rounds: usize = std::env::var("HIGHWATER_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000);
    for seed in SEEDS {
        fuzz_calendar(seed.as_bytes());
    }
    for _ in 0..rounds {
        let mut input = SEEDS.choose(&mut random).unwrap().as_bytes().to_vec();
        if random.random_bool(0.3) {
            input.extend_from_slice(SEEDS.choose(&mut random).unwrap().as_bytes());
        }
        mutate(&mut random, &mut input);
        let shown = input.clone();
        let outcome = std::panic::catch_unwind(move || fuzz_calendar(&input));
        assert!(outcome.is_ok(), "{:?}", String::from_utf8_lossy(&shown));
    }
}
