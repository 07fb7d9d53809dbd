//! `AT TIME ZONE` means what it means in PostgreSQL. Expected values are what PostgreSQL 16 gives by its rules
//! (documentation, appendix B.2: a repeated local time is taken in standard time, a skipped one moves forward).

use crate::fixture::value;

fn check(cases: &[(&str, &str)]) {
    for (expr, expected) in cases {
        assert_eq!(value(&format!("SELECT {expr}")).as_deref(), Ok(*expected), "{expr}");
    }
}

#[test]
fn an_instant_becomes_local_wall_time() {
    check(&[
        ("TIMESTAMPTZ '2016-02-03 02:41:39Z' AT TIME ZONE 'America/Los_Angeles'", "2016-02-02T18:41:39"),
        ("TIMESTAMPTZ '2016-07-03 02:41:39Z' AT TIME ZONE 'America/Los_Angeles'", "2016-07-02T19:41:39"),
        ("TIMESTAMPTZ '2020-06-01 00:00:00Z' AT TIME ZONE 'Asia/Kolkata'", "2020-06-01T05:30:00"),
        ("TIMESTAMPTZ '2020-06-01 00:00:00.123456Z' AT TIME ZONE 'UTC'", "2020-06-01T00:00:00.123456"),
        ("TIMESTAMPTZ '1969-12-31 23:59:59.5Z' AT TIME ZONE 'Asia/Kathmandu'", "1970-01-01T05:29:59.500"),
    ]);
}

#[test]
fn around_changes_of_the_clock() {
    check(&[
        // Los Angeles, forward on 2018-03-11 at 10:00 UTC, back on 2018-11-04 at 09:00 UTC.
        ("TIMESTAMPTZ '2018-03-11 09:59:59Z' AT TIME ZONE 'America/Los_Angeles'", "2018-03-11T01:59:59"),
        ("TIMESTAMPTZ '2018-03-11 10:00:00Z' AT TIME ZONE 'America/Los_Angeles'", "2018-03-11T03:00:00"),
        ("TIMESTAMPTZ '2018-11-04 08:59:59Z' AT TIME ZONE 'America/Los_Angeles'", "2018-11-04T01:59:59"),
        ("TIMESTAMPTZ '2018-11-04 09:00:00Z' AT TIME ZONE 'America/Los_Angeles'", "2018-11-04T01:00:00"),
        // Skipped: read with the offset from before, so 02:30 is 03:30.
        ("TIMESTAMP '2018-03-11 02:30:00' AT TIME ZONE 'America/Los_Angeles'", "2018-03-11T10:30:00Z"),
        // Repeated: standard time.
        ("TIMESTAMP '2018-11-04 01:30:00' AT TIME ZONE 'America/Los_Angeles'", "2018-11-04T09:30:00Z"),
        ("TIMESTAMP '2018-11-04 00:59:59' AT TIME ZONE 'America/Los_Angeles'", "2018-11-04T07:59:59Z"),
        // Berlin, back on 2021-10-31 at 01:00 UTC.
        ("TIMESTAMP '2021-10-31 02:30:00' AT TIME ZONE 'Europe/Berlin'", "2021-10-31T01:30:00Z"),
        ("TIMESTAMPTZ '2021-10-31 00:30:00Z' AT TIME ZONE 'Europe/Berlin'", "2021-10-31T02:30:00"),
        // Lord Howe moves by half an hour.
        ("TIMESTAMP '2021-10-03 02:15:00' AT TIME ZONE 'Australia/Lord_Howe'", "2021-10-02T15:45:00Z"),
        // Samoa skipped the whole of 2011-12-30.
        ("TIMESTAMP '2011-12-30 12:00:00' AT TIME ZONE 'Pacific/Apia'", "2011-12-30T22:00:00Z"),
        // Southern summer time.
        ("TIMESTAMPTZ '2021-01-15 12:00:00Z' AT TIME ZONE 'Australia/Sydney'", "2021-01-15T23:00:00"),
        ("TIMESTAMPTZ '2021-07-15 12:00:00Z' AT TIME ZONE 'Australia/Sydney'", "2021-07-15T22:00:00"),
    ]);
}

#[test]
fn there_and_back_and_other_types() {
    check(&[
        (
            "TIMESTAMP '2016-02-02 18:41:39' AT TIME ZONE 'America/Los_Angeles' AT TIME ZONE 'Asia/Tokyo'",
            "2016-02-03T11:41:39",
        ),
        ("DATE '2020-01-01' AT TIME ZONE 'America/New_York'", "2019-12-31T19:00:00"),
        ("arrow_typeof(TIMESTAMPTZ(9) '2020-01-01 00:00:00Z' AT TIME ZONE 'UTC')", "Timestamp(ns)"),
        ("arrow_typeof(TIMESTAMP '2020-01-01 00:00:00' AT TIME ZONE 'UTC')", "Timestamp(µs, \"UTC\")"),
        (
            "date_trunc('day', TIMESTAMPTZ '2016-02-03 02:41:39Z' AT TIME ZONE 'America/Los_Angeles')",
            "2016-02-02T00:00:00",
        ),
        ("timezone('Asia/Tokyo', TIMESTAMPTZ '2020-01-01 00:00:00Z')", "2020-01-01T09:00:00"),
    ]);
    assert_eq!(value("SELECT CAST(NULL AS TIMESTAMPTZ) AT TIME ZONE 'UTC' IS NULL").as_deref(), Ok("true"));
    assert_eq!(value("SELECT TIMESTAMPTZ '2020-01-01 00:00:00Z' AT TIME ZONE NULL IS NULL").as_deref(), Ok("true"));
}

#[test]
fn a_column_of_zones() {
    let sql = "SELECT string_agg(CAST(ts AT TIME ZONE zone AS TEXT), ' ' ORDER BY i) FROM (VALUES \
        (1, TIMESTAMPTZ '2020-01-01 00:00:00Z', 'Asia/Tokyo'), (2, TIMESTAMPTZ '2020-07-01 00:00:00Z', 'Europe/Paris'), \
        (3, TIMESTAMPTZ '2020-07-01 00:00:00Z', NULL)) AS t (i, ts, zone)";
    assert_eq!(value(sql).as_deref(), Ok("2020-01-01T09:00:00 2020-07-01T02:00:00"));
}

#[test]
fn an_unknown_zone_names_the_near_one() {
    let problem = value("SELECT TIMESTAMPTZ '2020-01-01 00:00:00Z' AT TIME ZONE 'America/Los_Angels'").unwrap_err();
    assert!(problem.contains("did you mean 'America/Los_Angeles'?"), "{problem}");
}
