//! Instants as local `YYYY-MM-DD HH:MM:SS` text in an IANA zone, fast: the zone is asked once per quarter of an hour
//! (no zone changes its offset within one) and the date is written once per local day.
//!
//! This text cannot tell the two passes through a repeated hour apart. So a simulated watch never shows a time of a
//! repeated hour: it stands still at the last second before the repetition until the second pass is over. A skipped
//! hour never shows because text is made from instants.

use chrono::{DateTime, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

const QUARTER_HOUR_S: i64 = 15 * 60;
const DAY_S: i64 = 86_400;
const TEXT_LEN: usize = "2016-02-02 18:41:39".len();

/// Writes instants as local text; keeps what it wrote last.
#[derive(Clone, Debug)]
pub struct LocalText {
    zone: Tz,
    text: [u8; TEXT_LEN],
    /// The UTC second the text shows.
    second: i64,
    /// The quarter of an hour (UTC seconds) for which `offset_s` and `held_s` hold.
    quarter: i64,
    offset_s: i64,
    /// In a repeated hour: the UTC second the watch stands still at.
    held_s: Option<i64>,
    local_day: i64,
}

impl LocalText {
    /// A watch in a zone.
    #[must_use]
    pub fn new(zone: Tz) -> Self {
        Self {
            zone,
            text: *b"0000-00-00 00:00:00",
            second: i64::MIN,
            quarter: i64::MIN,
            offset_s: 0,
            held_s: None,
            local_day: i64::MIN,
        }
    }

    /// The text of an instant (microseconds since the epoch). Years before 0 or after 9999 show as `0000-00-00`.
    #[inline]
    pub fn at(&mut self, micros: i64) -> &[u8; TEXT_LEN] {
        let second = micros.div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            self.show(second);
        }
        &self.text
    }

    fn show(&mut self, second: i64) {
        let quarter = second.div_euclid(QUARTER_HOUR_S);
        if quarter != self.quarter {
            self.quarter = quarter;
            self.enter(quarter);
        }
        let local = self.held_s.unwrap_or(second) + self.offset_s;
        let day = local.div_euclid(DAY_S);
        if day != self.local_day {
            self.local_day = day;
            self.show_day(day);
        }
        let of_day = local.rem_euclid(DAY_S);
        two_digits(&mut self.text[11..13], of_day / 3600);
        two_digits(&mut self.text[14..16], of_day / 60 % 60);
        two_digits(&mut self.text[17..19], of_day % 60);
    }

    /// Looks up offset and repetition of a quarter of an hour.
    fn enter(&mut self, quarter: i64) {
        let start = quarter * QUARTER_HOUR_S;
        self.held_s = None;
        self.offset_s = self.offset_at(start);
        let mut earlier = start;
        while self.is_repeated(earlier) {
            earlier -= QUARTER_HOUR_S;
            self.held_s = Some(earlier + QUARTER_HOUR_S - 1);
            self.offset_s = self.offset_at(earlier);
        }
    }

    fn offset_at(&self, second: i64) -> i64 {
        let Some(utc) = DateTime::from_timestamp(second, 0) else { return 0 };
        i64::from(self.zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc())
    }

    fn is_repeated(&self, second: i64) -> bool {
        let Some(utc) = DateTime::from_timestamp(second, 0) else { return false };
        let local = utc.with_timezone(&self.zone).naive_local();
        matches!(self.zone.offset_from_local_datetime(&local), chrono::LocalResult::Ambiguous(..))
    }

    fn show_day(&mut self, day: i64) {
        use chrono::Datelike;
        let date = i32::try_from(day)
            .ok()
            .and_then(NaiveDate::from_epoch_days)
            .filter(|date| (0..=9999).contains(&date.year()));
        let (year, month, of_month) = date.map_or((0, 0, 0), |d| (d.year(), d.month(), d.day()));
        two_digits(&mut self.text[0..2], i64::from(year / 100));
        two_digits(&mut self.text[2..4], i64::from(year % 100));
        two_digits(&mut self.text[5..7], i64::from(month));
        two_digits(&mut self.text[8..10], i64::from(of_month));
    }
}

fn two_digits(text: &mut [u8], number: i64) {
    text[0] = b'0' + (number / 10 % 10) as u8;
    text[1] = b'0' + (number % 10) as u8;
}
