//! The times that a rule gives, in order. Periods (years, …, seconds) are visited one after the other; the times of one
//! are known by their number, so that neither a rule with 70,000 times a month nor one that looks for a time for ever needs
//! memory. Whoever asks says from when to when and how many steps it may take.

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use super::days::{DayFilter, date_of, first_week, week_begin, week_year};
use super::parse::{Frequency, Rule, Until};
use crate::value::DAY;

/// The last second of the year 9999: dates have four digits.
const LAST: i64 = 253_402_300_799;

/// What is asked of a rule: civil seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// `DTSTART`.
    pub(crate) start: i64,
    /// Whether `DTSTART` is a date, so that parts about the clock do not count.
    pub(crate) is_day: bool,
    /// Earlier times are counted but not given.
    pub(crate) from: i64,
    /// The last time that is given at most.
    pub(crate) to: i64,
}

/// The times of a rule.
#[derive(Debug)]
pub(crate) struct Occurrences<'a> {
    rule: &'a Rule,
    filter: DayFilter<'a>,
    /// The months of a year that are looked at; none: all.
    months: Vec<i64>,
    /// The year that period 0 of a rule of weeks is.
    week_base: i64,
    window: Window,
    /// Number of the period that comes next; a multiple of the interval.
    period: i64,
    /// Times that `COUNT` leaves.
    left: Option<u32>,
    /// The period at hand: its times are all combinations of these.
    days: Vec<i64>,
    hours: Vec<i64>,
    minutes: Vec<i64>,
    seconds: Vec<i64>,
    /// Which of them `BYSETPOS` takes.
    picked: Option<Vec<usize>>,
    /// The next of them, or of all.
    next: usize,
    /// What it may still look at; 0 when it gave up.
    pub(crate) steps: u64,
}

impl Rule {
    /// The times from a start on up to a last one, at most a million steps far; the start is not among them unless the rule
    /// gives it. An `UNTIL` in UTC is read in the zone of the start.
    pub fn occurrences(&self, start: NaiveDateTime, last: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let start = start.and_utc().timestamp();
        let window = Window { start, is_day: false, from: start, to: last.and_utc().timestamp() };
        Occurrences::new(self, window, 1_000_000)
            .filter_map(|civil| Some(chrono::DateTime::from_timestamp(civil, 0)?.naive_utc()))
    }
}

impl<'a> Occurrences<'a> {
    pub(crate) fn new(rule: &'a Rule, window: Window, steps: u64) -> Self {
        let until = match rule.until {
            Some(Until::Local(until) | Until::Utc(until)) => until,
            None => i64::MAX,
        };
        let window = Window { to: window.to.min(until).min(LAST), ..window };
        let date = date_of(window.start.div_euclid(DAY)).unwrap_or(NaiveDate::MIN);
        let clock = window.start.rem_euclid(DAY);
        let or = |list: &[i64], own: i64| match list {
            _ if window.is_day => vec![0],
            [] => vec![own],
            list => list.to_vec(),
        };
        let filter = DayFilter::new(rule, date);
        let by_month = rule.frequency == Frequency::Yearly && rule.weeks.is_empty();
        let mut occurrences = Self {
            rule,
            months: if by_month { filter.months() } else { Vec::new() },
            filter,
            week_base: 0,
            window,
            period: 0,
            left: rule.count,
            days: Vec::new(),
            hours: or(&rule.hours, clock / 3600),
            minutes: or(&rule.minutes, clock / 60 % 60),
            seconds: or(&rule.seconds, clock % 60),
            picked: None,
            next: 0,
            steps,
        };
        occurrences.week_base = occurrences.first_week_year(date);
        if rule.count.is_none() {
            occurrences.skip_ahead(date);
        }
        occurrences
    }

    /// The first year of a rule of weeks. Early in January and late in December a day may belong to the weeks of another year;
    /// intervals are counted from that one only when the rule gives the start itself (as libical does).
    fn first_week_year(&self, start: NaiveDate) -> i64 {
        let is_given = self.filter.takes(self.window.start.div_euclid(DAY));
        if is_given || self.rule.interval == 1 {
            i64::from(week_year(start, self.rule.week_start))
        } else {
            i64::from(start.year())
        }
    }

    /// Begins with the period of the first time wanted, or shortly before.
    fn skip_ahead(&mut self, start: NaiveDate) {
        let Some(from) = date_of(self.window.from.min(LAST).div_euclid(DAY)) else { return };
        let week_start = self.rule.week_start;
        let periods = match self.rule.frequency {
            Frequency::Yearly if !self.rule.weeks.is_empty() => i64::from(week_year(from, week_start)) - self.week_base,
            Frequency::Yearly => i64::from(from.year()) - i64::from(start.year()),
            Frequency::Monthly => months(from) - months(start),
            Frequency::Weekly => (week_begin(from, week_start) - week_begin(start, week_start)) / 7,
            Frequency::Daily => i64::from(from.to_epoch_days()) - i64::from(start.to_epoch_days()),
            _ => (self.window.from - self.base()) / self.unit(),
        };
        self.period = periods.max(0) / self.rule.interval * self.rule.interval;
    }

    /// Seconds of a period of hours, minutes or seconds.
    fn unit(&self) -> i64 {
        match self.rule.frequency {
            Frequency::Hourly => 3600,
            Frequency::Minutely => 60,
            _ => 1,
        }
    }

    /// When period 0 of such a rule begins.
    fn base(&self) -> i64 {
        self.window.start - self.window.start.rem_euclid(self.unit())
    }

    /// Goes on to the next period that holds something. `false` when there is none within the window, or no step left.
    fn fill(&mut self) -> bool {
        loop {
            if self.steps == 0 {
                return false;
            }
            let found = if self.rule.frequency >= Frequency::Daily { self.fill_days() } else { self.fill_clock() };
            match found {
                None => return false,
                Some(false) => {}
                Some(true) => {
                    self.pick();
                    return true;
                }
            }
        }
    }

    /// The days of the next period; `None` after the window.
    fn fill_days(&mut self) -> Option<bool> {
        let (first, end) = self.bounds()?;
        if first.checked_mul(DAY)? > self.window.to {
            return None;
        }
        self.period = self.period.checked_add(self.rule.interval)?;
        self.days.clear();
        if self.months.is_empty() {
            self.add_days(first, end);
        } else {
            // Most rules of years are about one month: the others are not worth looking at.
            let january = months(date_of(first)?);
            for month in self.months.clone() {
                self.add_days(month_begin(january + month - 1)?, month_begin(january + month)?);
            }
        }
        Some(!self.days.is_empty())
    }

    fn add_days(&mut self, first: i64, end: i64) {
        self.steps = self.steps.saturating_sub((end - first) as u64);
        self.days.extend((first..end).filter(|day| self.filter.takes(*day)));
    }

    /// First day and day after the last of the next period of days.
    fn bounds(&self) -> Option<(i64, i64)> {
        let start = date_of(self.window.start.div_euclid(DAY))?;
        let week_start = self.rule.week_start;
        match self.rule.frequency {
            Frequency::Yearly if !self.rule.weeks.is_empty() => {
                let year = i32::try_from(self.week_base.checked_add(self.period)?).ok()?;
                Some((first_week(year, week_start)?, first_week(year.checked_add(1)?, week_start)?))
            }
            Frequency::Yearly => {
                let months = i64::from(start.year()).checked_add(self.period)?.checked_mul(12)?;
                Some((month_begin(months)?, month_begin(months + 12)?))
            }
            Frequency::Monthly => {
                let months = months(start).checked_add(self.period)?;
                Some((month_begin(months)?, month_begin(months + 1)?))
            }
            Frequency::Weekly => {
                let first = week_begin(start, week_start).checked_add(self.period.checked_mul(7)?)?;
                Some((first, first.checked_add(7)?))
            }
            _ => {
                let day = i64::from(start.to_epoch_days()).checked_add(self.period)?;
                Some((day, day.checked_add(1)?))
            }
        }
    }

    /// The next period of hours, minutes or seconds; those that a condition rules out are passed over together.
    fn fill_clock(&mut self) -> Option<bool> {
        let at = self.base().checked_add(self.period.checked_mul(self.unit())?)?;
        if at > self.window.to {
            return None;
        }
        self.steps -= 1;
        let (day, clock) = (at.div_euclid(DAY), at.rem_euclid(DAY));
        let is_out = |list: &[i64], own: i64| !list.is_empty() && !list.contains(&own);
        let skipped = if !self.filter.takes(day) {
            Some((day + 1) * DAY)
        } else if is_out(&self.rule.hours, clock / 3600) {
            Some(at - at.rem_euclid(3600) + 3600)
        } else if self.rule.frequency <= Frequency::Minutely && is_out(&self.rule.minutes, clock / 60 % 60) {
            Some(at - at.rem_euclid(60) + 60)
        } else if self.rule.frequency == Frequency::Secondly && is_out(&self.rule.seconds, clock % 60) {
            Some(at + 1)
        } else {
            None
        };
        let to = skipped.unwrap_or(at + 1);
        let (unit, interval) = (self.unit(), self.rule.interval);
        let periods = (to - self.base() + unit - 1) / unit;
        self.period = (periods + interval - 1) / interval * interval;
        self.days = vec![day];
        self.hours = vec![clock / 3600];
        if self.rule.frequency <= Frequency::Minutely {
            self.minutes = vec![clock / 60 % 60];
        }
        if self.rule.frequency == Frequency::Secondly {
            self.seconds = vec![clock % 60];
        }
        Some(skipped.is_none())
    }

    /// Times in the period at hand.
    fn total(&self) -> usize {
        self.days.len() * self.times_a_day()
    }

    fn times_a_day(&self) -> usize {
        self.hours.len() * self.minutes.len() * self.seconds.len()
    }

    /// Applies `BYSETPOS`, or goes to the first time that counts.
    fn pick(&mut self) {
        self.next = 0;
        let total = self.total() as i64;
        if self.rule.positions.is_empty() {
            let first = if self.left.is_some() { self.window.start } else { self.window.start.max(self.window.from) };
            self.next = self.days.partition_point(|day| *day < first.div_euclid(DAY)) * self.times_a_day();
            return;
        }
        let place = |position: &i64| if *position > 0 { position - 1 } else { total + position };
        let within = self.rule.positions.iter().map(place).filter(|place| (0..total).contains(place));
        let mut picked: Vec<usize> = within.map(|place| place as usize).collect();
        picked.sort_unstable();
        picked.dedup();
        self.picked = Some(picked);
    }

    /// The next time of the period at hand.
    fn take(&mut self) -> Option<i64> {
        let place = match &self.picked {
            Some(picked) => *picked.get(self.next)?,
            None => self.next,
        };
        let (minutes, seconds) = (self.minutes.len(), self.seconds.len());
        let day = *self.days.get(place / self.times_a_day())?;
        let of_day = place % self.times_a_day();
        self.next += 1;
        let hour = self.hours.get(of_day / (minutes * seconds))?;
        let minute = self.minutes.get(of_day / seconds % minutes)?;
        let second = self.seconds.get(of_day % seconds)?;
        Some(day * DAY + hour * 3600 + minute * 60 + second)
    }
}

impl Iterator for Occurrences<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        while self.left != Some(0) {
            let Some(at) = self.take() else { if self.fill() { continue } else { return None } };
            if at > self.window.to {
                return None;
            }
            if self.steps == 0 {
                return None;
            }
            self.steps -= 1;
            if at < self.window.start {
                continue;
            }
            self.left = self.left.map(|left| left - 1);
            if at >= self.window.from {
                return Some(at);
            }
        }
        None
    }
}

/// Months since the year 0.
fn months(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// The first day of a month.
fn month_begin(months: i64) -> Option<i64> {
    let year = i32::try_from(months.div_euclid(12)).ok()?;
    let date = NaiveDate::from_ymd_opt(year, months.rem_euclid(12) as u32 + 1, 1)?;
    Some(i64::from(date.to_epoch_days()))
}
