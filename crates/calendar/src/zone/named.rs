//! IANA zones, and what calendars call them.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};

/// Bytes of a name that is looked up; the longest in the database has 32.
const NAME_BYTES: usize = 200;

/// The zone that a `TZID` names: as it stands in the database, or behind a vendor's prefix
/// (`/freeassociation.sourceforge.net/Europe/Prague`).
pub(crate) fn zone_named(name: &str) -> Option<Tz> {
    let name = name.trim();
    let mut rest = (name.len() <= NAME_BYTES).then_some(name);
    while let Some(text) = rest {
        if let Ok(zone) = text.parse() {
            return Some(zone);
        }
        rest = text.split_once('/').map(|(_, rest)| rest);
    }
    TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(name))
}

fn time(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().naive_utc()
}

/// The civil seconds of an instant.
pub(crate) fn local_of(zone: Tz, instant: i64) -> i64 {
    instant + i64::from(zone.offset_from_utc_datetime(&time(instant)).fix().local_minus_utc())
}

/// The instant of civil seconds.
pub(crate) fn instant_of(zone: Tz, civil: i64) -> i64 {
    let local = time(civil);
    let offset = match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) => offset.fix().local_minus_utc(),
        LocalResult::Ambiguous(first, _) => first.fix().local_minus_utc(),
        LocalResult::None => {
            let before = GapInfo::new(&local, &zone).and_then(|gap| gap.begin);
            before.map_or(0, |(_, offset)| offset.fix().local_minus_utc())
        }
    };
    civil - i64::from(offset)
}
