//! A rule as written, checked. A part that is wrong refuses the whole rule: a rule that is half understood would show
//! busy times that nobody meant.

use chrono::Weekday;

use crate::value::{DAY, When, number, when};

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frequency {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Where a rule ends, that moment included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Civil seconds; a date is its last second.
    Local(i64),
    /// An instant.
    Utc(i64),
}

/// A recurrence rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: i64,
    pub(crate) count: Option<u32>,
    pub(crate) until: Option<Until>,
    pub(super) week_start: Weekday,
    pub(super) months: Vec<i64>,
    pub(super) weeks: Vec<i64>,
    pub(super) year_days: Vec<i64>,
    pub(super) month_days: Vec<i64>,
    /// Weekdays with which one of the month or year; 0: every one.
    pub(super) weekdays: Vec<(i64, Weekday)>,
    pub(super) hours: Vec<i64>,
    pub(super) minutes: Vec<i64>,
    pub(super) seconds: Vec<i64>,
    pub(super) positions: Vec<i64>,
}

impl Rule {
    /// Reads the value of an `RRULE`.
    ///
    /// # Errors
    /// Says which part is wrong and what it may be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("\"{part}\" is no NAME=value"))?;
            let name = name.trim().to_ascii_uppercase();
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(format!("{name} stands twice"));
            }
            parts.push((name, value.trim()));
        }
        let frequency = match parts.iter().find(|(name, _)| name == "FREQ") {
            Some((_, value)) => frequency(value)?,
            None => return Err("FREQ is missing".to_owned()),
        };
        let mut rule = Self::every(frequency);
        for (name, value) in &parts {
            rule.set(name, value)?;
        }
        rule.check()?;
        Ok(rule)
    }

    /// Whether it may give several times a day.
    pub(crate) fn is_within_a_day(&self) -> bool {
        self.frequency < Frequency::Daily
    }

    fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: Weekday::Mon,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "FREQ" => {}
            "INTERVAL" => self.interval = i64::from(at_least_one(name, value)?),
            "COUNT" => self.count = Some(at_least_one(name, value)?),
            "UNTIL" => self.until = Some(until(value)?),
            "WKST" => {
                self.week_start = weekday(value).ok_or_else(|| format!("WKST={value} is no weekday: MO to SU"))?
            }
            "BYMONTH" => self.months = list(name, value, 1, 12, false)?,
            "BYWEEKNO" => self.weeks = list(name, value, 1, 53, true)?,
            "BYYEARDAY" => self.year_days = list(name, value, 1, 366, true)?,
            "BYMONTHDAY" => self.month_days = list(name, value, 1, 31, true)?,
            "BYDAY" => self.weekdays = weekdays(value)?,
            "BYHOUR" => self.hours = list(name, value, 0, 23, false)?,
            "BYMINUTE" => self.minutes = list(name, value, 0, 59, false)?,
            "BYSECOND" => {
                // Second 60 is 59 where clocks know no leap seconds (RFC 5545, 3.3.12).
                self.seconds = list(name, value, 0, 60, false)?.into_iter().map(|second| second.min(59)).collect();
                self.seconds.dedup();
            }
            "BYSETPOS" => self.positions = list(name, value, 1, 366, true)?,
            "RSCALE" if value.eq_ignore_ascii_case("GREGORIAN") => {}
            "SKIP" if value.eq_ignore_ascii_case("OMIT") => {}
            _ => return Err(format!("{name}={value} is not understood")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let has_ordinals = self.weekdays.iter().any(|(nth, _)| *nth != 0);
        if has_ordinals && (self.frequency < Frequency::Monthly || !self.weeks.is_empty()) {
            return Err("BYDAY takes numbers only with FREQ=MONTHLY, or YEARLY without BYWEEKNO".to_owned());
        }
        if !self.weeks.is_empty() && self.frequency != Frequency::Yearly {
            return Err("BYWEEKNO needs FREQ=YEARLY".to_owned());
        }
        let takes_year_days = self.frequency <= Frequency::Hourly || self.frequency == Frequency::Yearly;
        if !self.year_days.is_empty() && !takes_year_days {
            return Err("BYYEARDAY cannot stand with FREQ=DAILY, WEEKLY or MONTHLY".to_owned());
        }
        if !self.month_days.is_empty() && self.frequency == Frequency::Weekly {
            return Err("BYMONTHDAY cannot stand with FREQ=WEEKLY".to_owned());
        }
        if self.count.is_some() && self.until.is_some() {
            return Err("COUNT and UNTIL cannot stand together".to_owned());
        }
        Ok(())
    }
}

fn frequency(value: &str) -> Result<Frequency, String> {
    Ok(match value.to_ascii_uppercase().as_str() {
        "SECONDLY" => Frequency::Secondly,
        "MINUTELY" => Frequency::Minutely,
        "HOURLY" => Frequency::Hourly,
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return Err(format!("FREQ={value} is none of SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY")),
    })
}

fn at_least_one(name: &str, value: &str) -> Result<u32, String> {
    match number(value).and_then(|count| u32::try_from(count).ok()) {
        Some(count) if count > 0 => Ok(count),
        _ => Err(format!("{name}={value} must be a number from 1 to {}", u32::MAX)),
    }
}

fn until(value: &str) -> Result<Until, String> {
    match when(value) {
        Some(When::Date(day)) => Ok(Until::Local(day * DAY + DAY - 1)),
        Some(When::Local(civil)) => Ok(Until::Local(civil)),
        Some(When::Utc(instant)) => Ok(Until::Utc(instant)),
        None => Err(format!("UNTIL={value} is no date (20261231) or time (20261231T120000Z)")),
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) => Some(-number(digits)?),
        None => number(text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Numbers between bounds (also negative ones, counted from the end), sorted, each once: so a list is never longer than
/// its range.
fn list(name: &str, value: &str, least: i64, most: i64, from_end: bool) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    for text in value.split(',') {
        let fits = |n: &i64| (least..=most).contains(n) || (from_end && (-most..=-least).contains(n));
        match signed(text.trim()).filter(fits) {
            Some(number) => numbers.push(number),
            None => return Err(format!("{name} holds \"{text}\", which is no number from {least} to {most}")),
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn weekdays(value: &str) -> Result<Vec<(i64, Weekday)>, String> {
    let mut days = Vec::new();
    for text in value.split(',').map(str::trim) {
        let wrong = || format!("BYDAY holds \"{text}\", which is no weekday (MO to SU, or such as 1MO, -1FR)");
        let start = text.len().saturating_sub(2);
        let (nth, day) = (text.get(..start).ok_or_else(wrong)?, text.get(start..).ok_or_else(wrong)?);
        let nth = match nth {
            "" => 0,
            nth => signed(nth).filter(|nth| *nth != 0 && nth.abs() <= 53).ok_or_else(wrong)?,
        };
        let day = (nth, weekday(day).ok_or_else(wrong)?);
        if !days.contains(&day) {
            days.push(day);
        }
    }
    Ok(days)
}
