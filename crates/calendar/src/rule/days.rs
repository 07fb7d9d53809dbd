//! Which days a rule takes, and the weeks of a year.

use chrono::{Datelike, NaiveDate, Weekday};

use super::parse::{Frequency, Rule};

/// A rule's conditions on days, with what it leaves open taken from its start (RFC 5545, 3.3.10: "derived from the
/// DTSTART").
#[derive(Clone, Debug)]
pub(super) struct DayFilter<'a> {
    rule: &'a Rule,
    month: Option<i64>,
    month_day: Option<i64>,
    weekday: Option<Weekday>,
}

impl<'a> DayFilter<'a> {
    pub(super) fn new(rule: &'a Rule, start: NaiveDate) -> Self {
        let has_days = !rule.month_days.is_empty() || !rule.weekdays.is_empty() || !rule.year_days.is_empty();
        let is_yearly = rule.frequency == Frequency::Yearly;
        let (mut month, mut month_day, mut weekday) = (None, None, None);
        if is_yearly && rule.weeks.is_empty() && rule.year_days.is_empty() && rule.weekdays.is_empty() {
            month = rule.months.is_empty().then(|| i64::from(start.month()));
        }
        match rule.frequency {
            _ if has_days => {}
            Frequency::Yearly if !rule.weeks.is_empty() => weekday = Some(start.weekday()),
            Frequency::Yearly | Frequency::Monthly => month_day = Some(i64::from(start.day())),
            Frequency::Weekly => weekday = Some(start.weekday()),
            _ => {}
        }
        Self { rule, month, month_day, weekday }
    }

    /// The months it takes days of; none: all.
    pub(super) fn months(&self) -> Vec<i64> {
        self.month.map_or_else(|| self.rule.months.clone(), |month| vec![month])
    }

    /// Whether the rule takes a day of one of its periods.
    pub(super) fn takes(&self, day: i64) -> bool {
        let Some(date) = date_of(day) else { return false };
        let rule = self.rule;
        let (month, month_day) = (i64::from(date.month()), i64::from(date.day()));
        self.month.is_none_or(|wanted| wanted == month)
            && self.month_day.is_none_or(|wanted| wanted == month_day)
            && self.weekday.is_none_or(|wanted| wanted == date.weekday())
            && (rule.months.is_empty() || rule.months.contains(&month))
            && holds(&rule.month_days, month_day, days_of_month(date))
            && holds(&rule.year_days, i64::from(date.ordinal()), days_of_year(date))
            && self.takes_week(date)
            && self.takes_weekday(date)
    }

    fn takes_week(&self, date: NaiveDate) -> bool {
        if self.rule.weeks.is_empty() {
            return true;
        }
        let start = self.rule.week_start;
        let year = week_year(date, start);
        let (Some(first), Some(next)) = (first_week(year, start), first_week(year + 1, start)) else { return false };
        let week = (i64::from(date.to_epoch_days()) - first) / 7 + 1;
        holds(&self.rule.weeks, week, (next - first) / 7)
    }

    fn takes_weekday(&self, date: NaiveDate) -> bool {
        let weekdays = &self.rule.weekdays;
        if weekdays.is_empty() {
            return true;
        }
        let (place, length) = match self.rule.frequency {
            Frequency::Yearly if self.rule.months.is_empty() => (i64::from(date.ordinal()), days_of_year(date)),
            _ => (i64::from(date.day()), days_of_month(date)),
        };
        let (nth, from_end) = ((place - 1) / 7 + 1, -((length - place) / 7 + 1));
        weekdays
            .iter()
            .any(|(wanted, day)| *day == date.weekday() && (*wanted == 0 || *wanted == nth || *wanted == from_end))
    }
}

/// Whether a list is empty or holds a place among `length`, counted from the front or from the end.
fn holds(list: &[i64], place: i64, length: i64) -> bool {
    list.is_empty() || list.contains(&place) || list.contains(&(place - length - 1))
}

/// The date of a day since 1970.
pub(super) fn date_of(day: i64) -> Option<NaiveDate> {
    i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days)
}

fn days_of_month(date: NaiveDate) -> i64 {
    i64::from(date.num_days_in_month())
}

fn days_of_year(date: NaiveDate) -> i64 {
    if date.leap_year() { 366 } else { 365 }
}

/// The day on which a weekday's week of a day begins.
pub(super) fn week_begin(date: NaiveDate, start: Weekday) -> i64 {
    i64::from(date.to_epoch_days()) - i64::from(date.weekday().days_since(start))
}

/// The first day of the first week of a year: the first with at least four days in the year (ISO 8601 for Monday).
pub(super) fn first_week(year: i32, start: Weekday) -> Option<i64> {
    // The fourth of January is always in it.
    NaiveDate::from_ymd_opt(year, 1, 4).map(|date| week_begin(date, start))
}

/// The year whose weeks a day belongs to.
pub(super) fn week_year(date: NaiveDate, start: Weekday) -> i32 {
    let (day, year) = (i64::from(date.to_epoch_days()), date.year());
    if first_week(year + 1, start).is_some_and(|next| day >= next) {
        year + 1
    } else if first_week(year, start).is_some_and(|first| day < first) {
        year - 1
    } else {
        year
    }
}
