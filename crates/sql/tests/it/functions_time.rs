//! `AT TIME ZONE`, `local_date` and `local_hour` against the offsets that `chrono-tz` gives one time at a time, for every
//! zone: on a grid over two centuries, and second by second around each change of the clocks.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use highwater_sql::datafusion::arrow::array::{
    Array, AsArray, Int64Array, StringArray, TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use highwater_sql::datafusion::arrow::compute::cast;
use highwater_sql::datafusion::arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::call::{call, column, constant};
use crate::fixture::value;

/// 1890-01-01 and 2110-01-01: a decade more than the tables cover, on both sides.
const FIRST: i64 = -2_524_521_600;
const LAST: i64 = 4_417_977_600;
const DAY: i64 = 86_400;

fn civil(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(seconds, 0).unwrap().naive_utc()
}

fn offset_at(zone: Tz, instant: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&civil(instant)).fix().local_minus_utc())
}

/// PostgreSQL's rule: the second of two instants, or the offset from before a gap.
fn instant_of(zone: Tz, local: i64) -> i64 {
    let offset = match zone.offset_from_local_datetime(&civil(local)) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => offset.fix(),
        LocalResult::None => GapInfo::new(&civil(local), &zone).unwrap().begin.unwrap().1.fix(),
    };
    local - i64::from(offset.local_minus_utc())
}

/// Seconds where something may go wrong: a grid that wanders through the hours, and the surroundings of each change.
fn times_of_interest(zone: Tz) -> Vec<i64> {
    let grid: Vec<i64> = (0..).map(|i| FIRST + i * (3 * DAY + 4_567)).take_while(|time| *time < LAST).collect();
    let mut times: Vec<i64> = grid.iter().copied().step_by(5).collect();
    for pair in grid.windows(2) {
        let (mut same, mut changed) = (pair[0], pair[1]);
        let before = offset_at(zone, same);
        let after = offset_at(zone, changed);
        if before == after {
            continue;
        }
        while changed - same > 1 {
            let middle = same.midpoint(changed);
            if offset_at(zone, middle) == before { same = middle } else { changed = middle }
        }
        for around in [0, before, after] {
            times.extend([-3_600, -2, -1, 0, 1, 2, 1_800, 3_600].map(|step| changed + around + step));
        }
    }
    times.extend([-2_208_988_800, 4_102_444_800].iter().flat_map(|edge| [-1, 0, 1, 3 * DAY].map(|step| edge + step)));
    times
}

#[test]
fn all_zones_agree_with_one_lookup_a_time() {
    for zone in TZ_VARIANTS {
        let times = times_of_interest(zone);
        let instants = column(TimestampSecondArray::from(times.clone()).with_timezone("UTC"));
        let name = || constant(zone.name());
        let local = call("timezone", vec![name(), instants.clone()]).unwrap();
        let dates = call("local_date", vec![instants.clone(), name()]).unwrap();
        let hours = call("local_hour", vec![instants, name()]).unwrap();
        let back = call("timezone", vec![name(), column(TimestampSecondArray::from(times.clone()))]).unwrap();
        let (local, back) = (cast(&local, &DataType::Int64).unwrap(), cast(&back, &DataType::Int64).unwrap());
        for (row, &time) in times.iter().enumerate() {
            let expected = time + offset_at(zone, time);
            assert_eq!(local.as_primitive::<Int64Type>().value(row), expected, "{zone} at {}", civil(time));
            let date = i64::from(dates.as_primitive::<Date32Type>().value(row));
            assert_eq!(date, expected.div_euclid(DAY), "{zone}, date at {}", civil(time));
            let hour = i64::from(hours.as_primitive::<Int32Type>().value(row));
            assert_eq!(hour, expected.rem_euclid(DAY) / 3_600, "{zone}, hour at {}", civil(time));
            let instant = back.as_primitive::<Int64Type>().value(row);
            assert_eq!(instant, instant_of(zone, time), "{zone} from local {}", civil(time));
        }
    }
}

/// In order, backwards and at random, with fractions of a second, in a column of zones with NULLs: the windows of answers
/// that are kept from row to row never leak into another time or zone.
#[test]
fn any_order_of_times_and_zones() {
    const ZONES: [&str; 4] = ["America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/London"];
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut times: Vec<i64> =
        (0..3_000).map(|_| random.random_range(-4_000_000_000_000_000..4_000_000_000_000_000)).collect();
    times.extend((0..3_000).map(|i| 1_457_800_000_000_000 + i * 37_000_001));
    times.extend((0..3_000).rev().map(|i| 1_478_300_000_000_000 + i * 61_000_003));
    let times: Vec<Option<i64>> = times.into_iter().map(|time| random.random_bool(0.9).then_some(time)).collect();
    let zones: Vec<Option<&str>> =
        times.iter().map(|_| random.random_bool(0.9).then(|| ZONES[random.random_range(0..4)])).collect();
    let instants = column(TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC"));
    let names = column(StringArray::from(zones.clone()));
    let local = call("timezone", vec![names.clone(), instants.clone()]).unwrap();
    let dates = call("local_date", vec![instants.clone(), names.clone()]).unwrap();
    let hours = call("local_hour", vec![instants, names]).unwrap();
    for (row, (time, zone)) in times.iter().zip(&zones).enumerate() {
        let expected = time
            .zip(*zone)
            .map(|(time, zone)| time + 1_000_000 * offset_at(zone.parse().unwrap(), time.div_euclid(1_000_000)));
        let local = local.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(local.is_valid(row).then(|| local.value(row)), expected, "row {row}");
        let dates = dates.as_primitive::<Date32Type>();
        let date = dates.is_valid(row).then(|| i64::from(dates.value(row)));
        assert_eq!(date, expected.map(|local| local.div_euclid(DAY * 1_000_000)), "row {row}");
        let hours = hours.as_primitive::<Int32Type>();
        let hour = hours.is_valid(row).then(|| i64::from(hours.value(row)));
        assert_eq!(hour, expected.map(|local| local.div_euclid(3_600_000_000).rem_euclid(24)), "row {row}");
    }
}

#[test]
fn the_limits_of_nanoseconds() {
    let times = vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 20_000_000_000_000, i64::MAX];
    let utc = |times: &[i64]| column(TimestampNanosecondArray::from(times.to_vec()).with_timezone("UTC"));
    let same = call("timezone", vec![constant("UTC"), utc(&times)]).unwrap();
    assert_eq!(same.as_primitive::<TimestampNanosecondType>().values().to_vec(), times);
    let tokyo = call("timezone", vec![constant("Asia/Tokyo"), utc(&times[2..4])]).unwrap();
    assert_eq!(
        tokyo.as_primitive::<TimestampNanosecondType>().values().to_vec(),
        [32_399_999_999_999, 32_400_000_000_000]
    );
    let problem = call("timezone", vec![constant("Asia/Tokyo"), utc(&times)]).unwrap_err().to_string();
    assert!(problem.contains("out of range"), "{problem}");
    let far = column(TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC"));
    let problem = call("local_date", vec![far, constant("UTC")]).unwrap_err().to_string();
    assert!(problem.contains("out of range"), "{problem}");
}

#[test]
fn dates_and_hours_in_sql() {
    for (expr, expected) in [
        // 2016-03-13 in Los Angeles has 23 hours, from 08:00 to 07:00 UTC: 02:00 is skipped.
        ("local_date(TIMESTAMPTZ '2016-03-13 07:59:59.999999Z', 'America/Los_Angeles')", "2016-03-12"),
        ("local_date(TIMESTAMPTZ '2016-03-13 08:00:00Z', 'America/Los_Angeles')", "2016-03-13"),
        ("local_date(TIMESTAMPTZ '2016-03-14 06:59:59Z', 'America/Los_Angeles')", "2016-03-13"),
        ("local_hour(TIMESTAMPTZ '2016-03-13 09:59:59Z', 'America/Los_Angeles')", "1"),
        ("local_hour(TIMESTAMPTZ '2016-03-13 10:00:00Z', 'America/Los_Angeles')", "3"),
        ("local_hour(TIMESTAMPTZ '1969-12-31 18:14:59Z', 'Asia/Kathmandu')", "23"),
        ("local_date('2020-01-01T00:00:00Z', 'America/New_York')", "2019-12-31"),
        ("local_date(TIMESTAMPTZ '2020-01-01 00:00:00Z', NULL) IS NULL", "true"),
        ("local_hour(NULL, 'UTC') IS NULL", "true"),
        ("arrow_typeof(local_date(TIMESTAMPTZ '2020-01-01 00:00:00Z', 'UTC'))", "Date32"),
        ("arrow_typeof(local_hour(TIMESTAMPTZ '2020-01-01 00:00:00Z', 'UTC'))", "Int32"),
    ] {
        assert_eq!(value(&format!("SELECT {expr}")).as_deref(), Ok(expected), "{expr}");
    }
}

#[test]
fn mistakes_are_told_when_planning() {
    for (expr, message) in [
        ("local_date(TIMESTAMP '2020-01-01 00:00:00', 'UTC')", "write local_date(time TIMESTAMPTZ, zone TEXT)"),
        ("local_hour(TIMESTAMPTZ '2020-01-01 00:00:00Z')", "write local_hour(time TIMESTAMPTZ, zone TEXT)"),
        ("local_hour(TIMESTAMPTZ '2020-01-01 00:00:00Z', 'Europe/Pari')", "did you mean 'Europe/Paris'?"),
        ("1 AT TIME ZONE 'UTC'", "write time AT TIME ZONE 'Area/City'"),
    ] {
        let problem = crate::fixture::plan(&format!("SELECT {expr}"), "public").unwrap_err().to_string();
        assert!(problem.contains(message), "{expr}: {problem}");
    }
}

/// Text of any kind names a zone.
#[test]
fn all_kinds_of_text() {
    use highwater_sql::datafusion::arrow::array::{LargeStringArray, StringViewArray};
    let times = || column(TimestampSecondArray::from(vec![0]).with_timezone("UTC"));
    for zone in [column(LargeStringArray::from(vec!["Asia/Tokyo"])), column(StringViewArray::from(vec!["Asia/Tokyo"]))]
    {
        let local = call("timezone", vec![zone.clone(), times()]).unwrap();
        let local = cast(&local, &DataType::Int64).unwrap();
        assert_eq!(local.as_any().downcast_ref::<Int64Array>(), Some(&Int64Array::from(vec![32_400])));
        let hours = call("local_hour", vec![times(), zone]).unwrap();
        assert_eq!(hours.as_primitive::<Int32Type>().value(0), 9);
    }
}
