//! Rules: what is refused, and times beside those of the golden files.

use chrono::NaiveDateTime;

use super::{Occurrences, Rule, Window};

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").unwrap()
}

fn times(rule: &str, start: &str, last: &str) -> Vec<String> {
    let rule = Rule::parse(rule).unwrap();
    rule.occurrences(time(start), time(last)).map(|time| time.format("%Y%m%dT%H%M%S").to_string()).collect()
}

#[test]
fn wrong_rules_say_which_part() {
    for (rule, part) in [
        ("", "FREQ is missing"),
        ("FREQ=FORTNIGHTLY", "FREQ=FORTNIGHTLY"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;COUNT=-1", "COUNT=-1"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20260101", "COUNT and UNTIL"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL=tomorrow"),
        ("FREQ=MONTHLY;BYDAY=0MO", "0MO"),
        ("FREQ=MONTHLY;BYDAY=éa", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY takes numbers"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY takes numbers"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH holds \"13\""),
        ("FREQ=YEARLY;BYMONTHDAY=0", "BYMONTHDAY holds \"0\""),
        ("FREQ=YEARLY;RSCALE=HEBREW", "RSCALE=HEBREW"),
        ("FREQ=YEARLY;BYEASTER=0", "BYEASTER"),
        ("FREQ=YEARLY;COUNT", "COUNT"),
    ] {
        let problem = Rule::parse(rule).unwrap_err();
        assert!(problem.contains(part), "{rule}: {problem}");
    }
    assert!(Rule::parse("freq=yearly;rscale=gregorian;skip=omit;byday=-1su;").is_ok());
}

#[test]
fn what_never_comes_ends() {
    assert!(times("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "20260101T000000", "99991231T235959").is_empty());
    assert!(times("FREQ=SECONDLY;INTERVAL=2;BYSECOND=1", "20260101T000000", "99991231T235959").is_empty());
    assert_eq!(times("FREQ=YEARLY;INTERVAL=4294967295", "20260101T000000", "99991231T235959").len(), 1);
    assert_eq!(times("FREQ=SECONDLY;INTERVAL=4294967295", "99990101T000000", "99991231T235959").len(), 1);
}

#[test]
fn leap_seconds_are_the_second_before() {
    assert_eq!(
        times("FREQ=MINUTELY;BYSECOND=59,60;COUNT=2", "20260101T000000", "20270101T000000"),
        ["20260101T000059", "20260101T000159"]
    );
}

/// Starting late gives what starting at the beginning gives from then on.
#[test]
fn skipping_ahead_changes_nothing() {
    let start = time("20010131T233010").and_utc().timestamp();
    let to = time("20110201T000000").and_utc().timestamp();
    for text in [
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2,7;BYDAY=-1SU,2TU",
        "FREQ=YEARLY;BYWEEKNO=1,53;INTERVAL=2;WKST=SU",
        "FREQ=YEARLY;BYDAY=MO,TU;BYHOUR=1,2,3;BYSETPOS=1,7,-2",
        "FREQ=MONTHLY;INTERVAL=7;BYMONTHDAY=-1,13;BYMINUTE=0,30",
        "FREQ=WEEKLY;INTERVAL=5;WKST=WE;BYDAY=SU,WE",
        "FREQ=DAILY;INTERVAL=11;BYHOUR=0,12",
        "FREQ=HOURLY;INTERVAL=29;BYDAY=MO",
        "FREQ=MINUTELY;INTERVAL=997",
        "FREQ=SECONDLY;INTERVAL=40001;BYMONTH=1,6",
    ] {
        let rule = Rule::parse(text).unwrap();
        let window = Window { start, is_day: false, from: start, to };
        let all: Vec<i64> = Occurrences::new(&rule, window, u64::MAX).collect();
        assert!(all.len() > 3, "{text}: {}", all.len());
        for from in [all[1], all[all.len() / 2] + 1, all[all.len() - 1], to] {
            let later: Vec<i64> = Occurrences::new(&rule, Window { from, ..window }, u64::MAX).collect();
            let wanted: Vec<i64> = all.iter().copied().filter(|at| *at >= from).collect();
            assert_eq!(later, wanted, "{text} from {from}");
        }
    }
}
