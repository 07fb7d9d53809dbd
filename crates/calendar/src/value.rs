//! The value types that times are made of (RFC 5545, 3.3): dates, date-times, durations, offsets, periods. Times are
//! seconds since 1970, *civil* ones (what a clock shows) or instants; both fit `i64` for the years 0 to 9999, which are all
//! that four digits can say, so that no sum below overflows.

use chrono::NaiveDate;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Days and seconds of a duration at most: a hundred centuries.
const MOST_DAYS: i64 = 3_652_500;

/// A date or time as written, without its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A day, counted from 1970-01-01.
    Date(i64),
    /// Civil seconds.
    Local(i64),
    /// An instant.
    Utc(i64),
}

/// A duration: days are civil, seconds exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) days: i64,
    pub(crate) seconds: i64,
}

/// A day from `YYYYMMDD`.
pub(crate) fn date(text: &str) -> Option<i64> {
    let digits = |from: usize, to: usize| number(text.get(from..to)?);
    if text.len() != 8 {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let date = NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    Some(i64::from(date.to_epoch_days()))
}

/// Seconds of a day from `HHMMSS`; second 60 is 59, as RFC 5545 (3.3.12) says for clocks without leap seconds.
fn time(text: &str) -> Option<i64> {
    if text.len() != 6 {
        return None;
    }
    let digits = |from: usize, to: usize| number(text.get(from..to)?);
    let (hour, minute, second) = (digits(0, 2)?, digits(2, 4)?, digits(4, 6)?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// A date or date-time.
pub(crate) fn when(text: &str) -> Option<When> {
    let text = text.trim();
    let Some((day, clock)) = text.split_once(['T', 't']) else { return date(text).map(When::Date) };
    let day = date(day)? * DAY;
    match clock.strip_suffix(['Z', 'z']) {
        Some(clock) => Some(When::Utc(day + time(clock)?)),
        None => Some(When::Local(day + time(clock)?)),
    }
}

/// A duration such as `P7W`, `-P1DT12H`, `PT15M`.
pub(crate) fn span(text: &str) -> Option<Span> {
    let text = text.trim().to_ascii_uppercase();
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let mut rest = text.strip_prefix('P')?;
    let (mut span, mut in_time, mut parts) = (Span::default(), false, 0);
    while !rest.is_empty() {
        if let Some(clock) = rest.strip_prefix('T') {
            (rest, in_time) = (clock, true);
            continue;
        }
        let end = rest.find(|character: char| !character.is_ascii_digit())?;
        let amount = number(&rest[..end])?;
        let (days, seconds) = match (rest[end..].chars().next()?, in_time) {
            ('W', false) => (7, 0),
            ('D', false) => (1, 0),
            ('H', true) => (0, 3600),
            ('M', true) => (0, 60),
            ('S', true) => (0, 1),
            _ => return None,
        };
        span.days = span.days.checked_add(amount.checked_mul(days)?)?;
        span.seconds = span.seconds.checked_add(amount.checked_mul(seconds)?)?;
        parts += 1;
        rest = &rest[end + 1..];
    }
    let fits = span.days <= MOST_DAYS && span.seconds <= MOST_DAYS * DAY && parts > 0;
    fits.then(|| Span { days: sign * span.days, seconds: sign * span.seconds })
}

/// Seconds east of UTC from `+HHMM` or `-HHMMSS`.
pub(crate) fn offset(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let seconds = match digits.len() {
        4 => time(&format!("{digits}00"))?,
        6 => time(digits)?,
        _ => return None,
    };
    Some(sign * seconds)
}

/// A number of ASCII digits alone.
pub(crate) fn number(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        assert_eq!(when("19700102"), Some(When::Date(1)));
        assert_eq!(when("19700101T000001"), Some(When::Local(1)));
        assert_eq!(when("19691231T235959Z"), Some(When::Utc(-1)));
        assert_eq!(when("20161231T235960Z"), when("20161231T235959Z"));
        for text in
            ["", "2026", "20260230", "20260101T", "20260101T240000", "20260101T1200", "T120000", "2026010é", "+2026101"]
        {
            assert_eq!(when(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(span("P15DT5H0M20S"), Some(Span { days: 15, seconds: 18_020 }));
        assert_eq!(span("-p7w"), Some(Span { days: -49, seconds: 0 }));
        for text in ["", "P", "PT", "P1H", "PT1D", "P1", "15M", "P99999999999999999999D", "P9999999W", "P-1D"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn offsets() {
        assert_eq!((offset("-0500"), offset("+013000"), offset("-0000")), (Some(-18_000), Some(5_400), Some(0)));
        assert!(offset("5").is_none() && offset("+99999").is_none() && offset("+2500").is_none());
    }
}
