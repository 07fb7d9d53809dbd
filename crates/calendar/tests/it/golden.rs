//! Random rules with the times that python-dateutil gives them (`scripts/calendar_golden` writes the file): another
//! library's reading of the same specification, where the two do not differ by choice.

use chrono::NaiveDateTime;
use highwater_calendar::Rule;

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").unwrap()
}

#[test]
fn random_rules_as_dateutil_reads_them() {
    let text = include_str!("../golden/dateutil.txt");
    let mut cases = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(' ');
        let (start, last, rule) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        let wanted: Vec<NaiveDateTime> = fields.map(time).collect();
        let rule = Rule::parse(rule).unwrap();
        let given: Vec<NaiveDateTime> = rule.occurrences(time(start), time(last)).take(12).collect();
        assert_eq!(given, wanted, "{line}");
        cases += 1;
    }
    assert!(cases > 900);
}
