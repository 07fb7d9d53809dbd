//! The calendar by hand against chrono, day by day and zone by zone.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use proptest::prelude::*;

use super::zone::Zone;
use super::{Moment, civil, compare, rfc3339};

#[test]
fn every_day_of_ten_thousand_years() {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
    while date.year() < 10_000 {
        let days = civil::days(i64::from(date.year()), date.month(), date.day());
        assert_eq!(days, Some((date - epoch).num_days()));
        if date.succ_opt().unwrap().month() != date.month() {
            assert_eq!(civil::days(i64::from(date.year()), date.month(), date.day() + 1), None);
        }
        date = date.succ_opt().unwrap();
    }
}

proptest! {
    #[test]
    fn rfc3339_is_what_chrono_prints(seconds in -62_135_596_800_i64..253_402_300_799, nanos in 0_u32..1_000_000_000, minutes in -1439_i32..1440) {
        let offset = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
        let time = DateTime::from_timestamp(seconds, nanos).unwrap().with_timezone(&offset);
        prop_assume!((1..=9999).contains(&time.year()));
        let stamp = rfc3339::parse(time.to_rfc3339().as_bytes()).unwrap();
        prop_assert_eq!(stamp.offset, Some(minutes * 60));
        prop_assert_eq!(stamp.local, Moment { seconds: seconds + i64::from(minutes) * 60, nanos });
    }

    #[test]
    fn what_is_read_as_rfc3339_chrono_reads_too(text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
        if let Some(stamp) = rfc3339::parse(text.as_bytes()) {
            let time = DateTime::parse_from_rfc3339(&text).unwrap();
            prop_assert_eq!(time.timestamp() + i64::from(stamp.offset.unwrap()), stamp.local.seconds);
            prop_assert_eq!(time.timestamp_subsec_nanos(), stamp.local.nanos);
        }
    }

    #[test]
    fn patterns_by_hand_and_by_chrono(text in "[0-9]{1,5}[-/]?[0-9]{1,2}[-/]?[0-9]{1,4}[ T]{0,2}[0-9]{1,2}:?[0-9]{1,2}:?[0-9]{1,2}(\\.[0-9]{0,10})?( ?[aApP][mM])?") {
        compare(&text);
    }

    #[test]
    fn zones_remember_right(times in prop::collection::vec(1_400_000_000_i64..1_500_000_000, 1..40), name in prop::sample::select(vec!["America/Los_Angeles", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "Europe/London"])) {
        let tz: chrono_tz::Tz = name.parse().unwrap();
        let mut zone = Zone::new(tz);
        for seconds in times.iter().flat_map(|time| [*time, time + 1799, time - 3601]) {
            let local = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let read = zone.utc(Moment { seconds, nanos: 0 }).ok().map(|moment| moment.seconds);
            prop_assert_eq!(read, tz.from_local_datetime(&local).single().map(|time| time.timestamp()));
        }
    }
}

#[test]
fn zones_around_every_transition() {
    for name in ["America/Los_Angeles", "Australia/Lord_Howe", "Europe/Berlin", "America/St_Johns", "Africa/Casablanca"]
    {
        let tz: chrono_tz::Tz = name.parse().unwrap();
        let mut zone = Zone::new(tz);
        // Every quarter of an hour of two years.
        for quarter in 0..70_080 {
            let seconds = 1_451_606_400 + quarter * 900;
            let local = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let read = zone.utc(Moment { seconds, nanos: 7 }).ok().map(|moment| moment.seconds);
            assert_eq!(read, tz.from_local_datetime(&local).single().map(|time| time.timestamp()), "{name} {local}");
        }
    }
}
