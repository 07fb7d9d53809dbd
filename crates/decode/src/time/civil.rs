//! Calendar arithmetic and digit reading for the hand-written time layouts.

use super::Moment;

/// Days since 1970-01-01 of a proleptic Gregorian date, `None` when there is no such day.
/// Algorithm: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
pub(super) fn days(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The fields of a wall clock and calendar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Civil {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) nanos: u32,
}

impl Civil {
    /// The moment on its own clock; `None` when a field is out of range (a leap second is).
    pub(super) fn moment(&self) -> Option<Moment> {
        if self.hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let days = days(i64::from(self.year), self.month, self.day)?;
        let seconds = days * 86_400 + i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        Some(Moment { seconds, nanos: self.nanos })
    }
}

/// Exactly `N` digits at the front of `text`.
#[inline]
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<u32> {
    let mut value = 0;
    for byte in text.first_chunk::<N>()? {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(value)
}

/// A run of digits after a decimal point as nanoseconds (digits after the ninth are dropped), and its length.
pub(super) fn fraction(text: &[u8]) -> Option<(u32, usize)> {
    let length = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if length == 0 {
        return None;
    }
    let nanos =
        (0..9).fold(0, |nanos, place| nanos * 10 + if place < length { u32::from(text[place] - b'0') } else { 0 });
    Some((nanos, length))
}

/// `YYYY-MM-DD` and nothing else, as days since 1970-01-01.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits::<4>(text)?, digits::<2>(&text[5..])?, digits::<2>(&text[8..])?);
    i32::try_from(days(i64::from(year), month, day)?).ok()
}
