//! Points in time by declared encoding.

use arrow_schema::TimeUnit;
use highwater_model::{TimeEncoding, micros_utc, nanos_utc};

use super::*;

fn zoned(encoding: Option<TimeEncoding>) -> Column {
    Column { time: encoding, ..required("t", micros_utc()) }
}

fn pattern(pattern: &str, zone: Option<&str>) -> Option<TimeEncoding> {
    Some(TimeEncoding::Pattern { pattern: pattern.to_owned(), zone: zone.map(str::to_owned) })
}

fn text(column: Column, text: &str) -> Result<String, String> {
    value(column, &format!("\"{text}\""))
}

#[test]
fn rfc3339() {
    for (given, expected) in [
        ("2016-02-02T18:41:39Z", "2016-02-02T18:41:39Z"),
        ("2016-02-02t18:41:39z", "2016-02-02T18:41:39Z"),
        ("2016-02-02 18:41:39-08:00", "2016-02-03T02:41:39Z"),
        ("2016-02-02 18:41:39+00", "2016-02-02T18:41:39Z"),
        ("2016-02-02 18:41:39+0530", "2016-02-02T13:11:39Z"),
        ("2016-02-02T18:41:39.5Z", "2016-02-02T18:41:39.500Z"),
        ("2016-02-02T18:41:39.123456789Z", "2016-02-02T18:41:39.123456Z"),
        ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
    ] {
        assert_eq!(text(zoned(None), given).as_deref(), Ok(expected), "{given}");
    }
    for bad in [
        "2016-02-02T18:41Z",
        "2016-02-30T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2016-02-02T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2016-02-02T18:41:39.Z",
        "2016-02-02T18:41:39+25:00",
        "2016-02-02T18:41:39+1",
        "2016-02-02T18:41:39 Z",
        "20160202T184139Z",
        "",
        "now",
    ] {
        assert!(text(zoned(None), bad).is_err(), "{bad}");
    }
    let missing = text(zoned(None), "2016-02-02T18:41:39").unwrap_err();
    assert_eq!(
        missing,
        "time \"2016-02-02T18:41:39\" has no zone; send an offset such as Z or -08:00, or declare the column's pattern and zone"
    );
    assert!(value(zoned(None), "1454438499").unwrap_err().contains("declare the unit"));
}

#[test]
fn timestamps_without_a_zone() {
    let local = || required("t", DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(text(local(), "2016-02-02 18:41:39.25").as_deref(), Ok("2016-02-02T18:41:39.250"));
    assert_eq!(text(local(), "2016-02-02T18:41:39Z").as_deref(), Ok("2016-02-02T18:41:39"));
    assert!(text(local(), "2016-02-02T18:41:39-08:00").unwrap_err().contains("TIMESTAMPTZ"));
    let patterned = Column { time: pattern("%d.%m.%Y %H:%M", None), ..local() };
    assert_eq!(text(patterned, "02.02.2016 18:41").as_deref(), Ok("2016-02-02T18:41:00"));
}

#[test]
fn nanoseconds() {
    let nanos = || required("t", nanos_utc());
    assert_eq!(text(nanos(), "2016-02-02T18:41:39.123456789Z").as_deref(), Ok("2016-02-02T18:41:39.123456789Z"));
    assert_eq!(text(nanos(), "1677-09-21T00:12:43.145224192Z").as_deref(), Ok("1677-09-21T00:12:43.145224192Z"));
    assert!(text(nanos(), "1677-09-21T00:12:43.145224191Z").is_err());
    assert!(text(nanos(), "2263-01-01T00:00:00Z").unwrap_err().contains("out of the column's range"));
}

#[test]
fn counts_since_the_epoch() {
    use TimeEncoding::*;
    for (encoding, given, expected) in [
        (EpochSeconds, "1454438499", "2016-02-02T18:41:39Z"),
        (EpochSeconds, "1454438499.1", "2016-02-02T18:41:39.100Z"),
        (EpochSeconds, "1454438499.1234567", "2016-02-02T18:41:39.123456Z"),
        (EpochSeconds, "-0.0000001", "1969-12-31T23:59:59.999999Z"),
        (EpochSeconds, "\"1454438499.25\"", "2016-02-02T18:41:39.250Z"),
        (EpochSeconds, "1.454438499e9", "2016-02-02T18:41:39Z"),
        (EpochMillis, "1454438499123", "2016-02-02T18:41:39.123Z"),
        (EpochMillis, "1454438499123.5", "2016-02-02T18:41:39.123500Z"),
        (EpochMicros, "1454438499123456", "2016-02-02T18:41:39.123456Z"),
        (EpochNanos, "1454438499123456789", "2016-02-02T18:41:39.123456Z"),
        (EpochNanos, "-1", "1969-12-31T23:59:59.999999Z"),
        (EpochNanos, "\"-1\"", "1969-12-31T23:59:59.999999Z"),
    ] {
        assert_eq!(value(zoned(Some(encoding.clone())), given).as_deref(), Ok(expected), "{encoding:?} {given}");
    }
    for (encoding, bad) in [
        (EpochSeconds, "9223372036854775807"),
        (EpochSeconds, "1e400"),
        (EpochSeconds, "\"2016-02-02T18:41:39Z\""),
        (EpochMillis, "true"),
        (EpochMillis, "\"\""),
    ] {
        assert!(value(zoned(Some(encoding.clone())), bad).is_err(), "{encoding:?} {bad}");
    }
}

#[test]
fn patterns_in_a_zone() {
    let los_angeles = || zoned(pattern("%Y-%m-%d %H:%M:%S", Some("America/Los_Angeles")));
    for (given, expected) in [
        ("2016-02-02 18:41:39", "2016-02-03T02:41:39Z"),
        ("2016-07-02 18:41:39", "2016-07-03T01:41:39Z"),
        ("2016-03-13 01:59:59", "2016-03-13T09:59:59Z"),
        ("2016-03-13 03:00:00", "2016-03-13T10:00:00Z"),
        ("2016-11-06 00:59:59", "2016-11-06T07:59:59Z"),
        ("2016-11-06 02:00:00", "2016-11-06T10:00:00Z"),
        ("1883-11-18 12:10:00", "1883-11-18T20:10:00Z"),
    ] {
        assert_eq!(text(los_angeles(), given).as_deref(), Ok(expected), "{given}");
    }
    assert_eq!(
        text(los_angeles(), "2016-11-06 01:30:00").unwrap_err(),
        "local time 2016-11-06 01:30:00 is ambiguous in zone America/Los_Angeles: occurs twice (offset -07:00 and -08:00); send the offset or UTC"
    );
    assert_eq!(
        text(los_angeles(), "2016-03-13 02:30:00").unwrap_err(),
        "local time 2016-03-13 02:30:00 does not exist in zone America/Los_Angeles: the clocks skip it; send the offset or UTC"
    );
    // An instant can be read one way only, so it is.
    let instant = "2016-11-06T01:30:00-08:00";
    assert_eq!(text(los_angeles(), instant).as_deref(), Ok("2016-11-06T09:30:00Z"));
    let local = Column {
        time: pattern("%m/%d/%Y %H:%M", None),
        ..required("t", DataType::Timestamp(TimeUnit::Microsecond, None))
    };
    assert!(text(local, instant).is_err(), "a local time takes no offset");
    assert!(text(los_angeles(), "2016-02-02T18:41:39").is_err());
    assert!(text(los_angeles(), "2016-02-02 18:41:60").is_err());
    assert!(text(los_angeles(), "2016-02-02 18:41:39 ").is_ok(), "blanks around a text are no part of it");
}

#[test]
fn other_patterns() {
    for (written, zone, given, expected) in [
        ("%Y%m%d %H%M%S", Some("America/Los_Angeles"), "20160202 184139", "2016-02-03T02:41:39Z"),
        ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "4/12/2016 1:00:00 AM", "2016-04-12T01:00:00Z"),
        ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "4/12/2016 12:00:00 AM", "2016-04-12T00:00:00Z"),
        ("%m/%d/%Y %I:%M:%S %p", Some("UTC"), "4/12/2016 12:00:00 pm", "2016-04-12T12:00:00Z"),
        ("%Y-%m-%d %H:%M:%S%.f", Some("UTC"), "2016-02-02 18:41:39.25", "2016-02-02T18:41:39.250Z"),
        ("%Y-%m-%d %H:%M:%S.%f", Some("UTC"), "2016-02-02 18:41:39.25", "2016-02-02T18:41:39.250Z"),
        ("%d %b %Y", Some("UTC"), "2 Feb 2016", "2016-02-02T00:00:00Z"),
        ("%Y-%m-%d %H", Some("UTC"), "2016-02-02 18", "2016-02-02T18:00:00Z"),
        ("%Y-%m-%d %H:%M:%S %z", None, "2016-02-02 18:41:39 -0800", "2016-02-03T02:41:39Z"),
        ("%s", None, "1454438499", "2016-02-02T18:41:39Z"),
    ] {
        assert_eq!(text(zoned(pattern(written, zone)), given).as_deref(), Ok(expected), "{written} {given}");
    }
    assert_eq!(value(zoned(pattern("%Y%m%d", Some("UTC"))), "20160202").as_deref(), Ok("2016-02-02T00:00:00Z"));
    let day = Column { time: pattern("%m/%d/%Y", None), ..required("d", DataType::Date32) };
    assert_eq!(text(day, "4/12/2016").as_deref(), Ok("2016-04-12"));
}
