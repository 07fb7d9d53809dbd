//! The reader of one time column: encoding, zone and the column's unit, with the zone's memory.

use std::sync::Arc;

use arrow_schema::TimeUnit;
use chrono_tz::Tz;
use highwater_model::TimeEncoding;

use super::epoch::Epoch;
use super::pattern::{Pattern, Reading};
use super::zone::Zone;
use super::{Moment, rfc3339};
use crate::decimal::Misfit;
use crate::fault::{Fault, Outcome, shorten};

/// How a time column is read; compiled once per schema.
#[derive(Clone, Debug)]
pub(crate) struct TimePlan {
    /// Units of the column in a second: 1, 10^3, 10^6 or 10^9.
    per_second: i64,
    /// Whether the column is `TIMESTAMPTZ`.
    zoned: bool,
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Encoding {
    Rfc3339,
    Epoch(Epoch),
    Pattern { pattern: Arc<Pattern>, zone: Option<Tz> },
}

impl TimePlan {
    /// Compiles the encoding of a column; the error says what to declare instead.
    pub(crate) fn new(unit: TimeUnit, zoned: bool, encoding: Option<&TimeEncoding>) -> Result<Self, String> {
        let digits = match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        let encoding = match encoding {
            None | Some(TimeEncoding::Rfc3339) => Encoding::Rfc3339,
            Some(TimeEncoding::EpochSeconds) => Encoding::Epoch(Epoch::new(0, digits)),
            Some(TimeEncoding::EpochMillis) => Encoding::Epoch(Epoch::new(3, digits)),
            Some(TimeEncoding::EpochMicros) => Encoding::Epoch(Epoch::new(6, digits)),
            Some(TimeEncoding::EpochNanos) => Encoding::Epoch(Epoch::new(9, digits)),
            Some(TimeEncoding::Pattern { pattern, zone }) => Self::pattern(pattern, zone.as_deref(), zoned)?,
        };
        Ok(Self { per_second: 10_i64.pow(digits.unsigned_abs()), zoned, encoding })
    }

    fn pattern(pattern: &str, zone: Option<&str>, zoned: bool) -> Result<Encoding, String> {
        let compiled = Pattern::new(pattern)?;
        let zone = zone
            .map(|name| {
                name.parse::<Tz>().map_err(|_| {
                    format!("there is no time zone \"{name}\"; use an IANA name such as Europe/Berlin or UTC")
                })
            })
            .transpose()?;
        match (zoned, compiled.is_absolute(), zone) {
            (true, false, None) => {
                Err(format!("pattern '{pattern}' holds no offset; declare the IANA zone the times are in"))
            }
            (false, true, _) => Err(format!("pattern '{pattern}' holds an offset; declare the column as TIMESTAMPTZ")),
            (false, false, Some(zone)) => Err(format!(
                "a TIMESTAMP without a zone cannot be read in zone {zone}; declare the column as TIMESTAMPTZ"
            )),
            _ => Ok(Encoding::Pattern { pattern: Arc::new(compiled), zone }),
        }
    }
}

/// Reads the values of one column in one body.
#[derive(Debug)]
pub(crate) struct TimeReader {
    plan: TimePlan,
    zone: Option<Zone>,
}

impl TimeReader {
    pub(crate) fn new(plan: &TimePlan) -> Self {
        let zone = match &plan.encoding {
            Encoding::Pattern { zone: Some(zone), .. } => Some(Zone::new(*zone)),
            _ => None,
        };
        Self { plan: plan.clone(), zone }
    }

    /// A whole number, as the column's value. `None` when the encoding wants the number's text.
    #[inline]
    pub(crate) fn integer(&self, value: i64) -> Option<Outcome<i64>> {
        match &self.plan.encoding {
            Encoding::Epoch(epoch) => Some(epoch.whole(value).map_or_else(|| out_of_range(&value.to_string()), Ok)),
            Encoding::Rfc3339 | Encoding::Pattern { .. } => None,
        }
    }

    /// A number as it was written.
    pub(crate) fn number(&mut self, text: &str) -> Outcome<i64> {
        match &self.plan.encoding {
            Encoding::Rfc3339 => Fault::value(format!(
                "expected a time such as 2016-02-02T18:41:39Z, found the number {text}; for counts since the epoch declare the unit"
            )),
            Encoding::Epoch(_) | Encoding::Pattern { .. } => self.text(text),
        }
    }

    /// A text.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> Outcome<i64> {
        let text = text.trim_ascii();
        let moment = match &self.plan.encoding {
            Encoding::Rfc3339 => self.rfc3339(text)?,
            Encoding::Epoch(epoch) => return epoch.text(text.as_bytes()).or_else(|misfit| epoch_fault(misfit, text)),
            Encoding::Pattern { pattern, .. } => match pattern.read(text) {
                Ok(Reading::Instant(moment)) => moment,
                Ok(Reading::Local(moment)) => match &mut self.zone {
                    Some(zone) => zone.utc(moment)?,
                    None => moment,
                },
                Err(reason) => match self.written_as_instant(text) {
                    Some(moment) => moment,
                    None => return pattern_fault(pattern, text, &reason),
                },
            },
        };
        self.value(moment).map_or_else(|| out_of_range(text), Ok)
    }

    /// RFC 3339 with an offset can mean one instant only, so a column with a pattern takes it too.
    #[cold]
    fn written_as_instant(&self, text: &str) -> Option<Moment> {
        let stamp = rfc3339::parse(text.as_bytes()).filter(|_| self.plan.zoned)?;
        Some(Moment { seconds: stamp.local.seconds - i64::from(stamp.offset?), nanos: stamp.local.nanos })
    }

    fn rfc3339(&self, text: &str) -> Outcome<Moment> {
        let Some(stamp) = rfc3339::parse(text.as_bytes()) else {
            let example = if self.plan.zoned { "2016-02-02T18:41:39-08:00" } else { "2016-02-02T18:41:39" };
            return Fault::expected(&format!("a time such as {example} (RFC 3339)"), text);
        };
        match (self.plan.zoned, stamp.offset) {
            (true, Some(offset)) => {
                Ok(Moment { seconds: stamp.local.seconds - i64::from(offset), nanos: stamp.local.nanos })
            }
            (false, None | Some(0)) => Ok(stamp.local),
            (true, None) => Fault::value(format!(
                "time {} has no zone; send an offset such as Z or -08:00, or declare the column's pattern and zone",
                shorten(text)
            )),
            (false, Some(_)) => Fault::value(format!(
                "time {} has an offset, but the column is a TIMESTAMP without a zone; declare it as TIMESTAMPTZ",
                shorten(text)
            )),
        }
    }

    /// The column's value of a moment, dropping what is finer than its unit; `None` when it overflows.
    #[inline]
    fn value(&self, moment: Moment) -> Option<i64> {
        let parts = i64::from(moment.nanos) / (1_000_000_000 / self.plan.per_second);
        // In i128: the first seconds of the range overflow on the way to a value that fits.
        i64::try_from(i128::from(moment.seconds) * i128::from(self.plan.per_second) + i128::from(parts)).ok()
    }
}

#[cold]
fn out_of_range(text: &str) -> Outcome<i64> {
    Fault::value(format!("time {} is out of the column's range", shorten(text)))
}

#[cold]
fn epoch_fault(misfit: Misfit, text: &str) -> Outcome<i64> {
    match misfit {
        Misfit::OutOfRange => out_of_range(text),
        Misfit::NoNumber | Misfit::NotExact => Fault::expected("a count since the epoch (a number)", text),
    }
}

#[cold]
fn pattern_fault(pattern: &Pattern, text: &str, reason: &str) -> Outcome<i64> {
    Fault::value(format!("expected a time like '{}', found {} ({reason})", pattern.text(), shorten(text)))
}
