//! Answers about times in zones, column by column: the loop shared by `AT TIME ZONE`, `local_date` and `local_hour`. Neighbouring
//! rows are near in time, so each answer is kept with the window of time in which it holds: while times stay inside, a row
//! costs a comparison.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, NullBufferBuilder, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::{Result, exec_err};

use super::scalar::{Arguments, Function, Text, any_constants, is_text};
use super::zone::{ZoneTable, check_constant};

const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3_600;

/// `local_date(time, zone)`: the DATE that calendars of a zone showed at an instant.
pub(super) const LOCAL_DATE: Function = Function {
    name: "local_date",
    aliases: &[],
    usage: "local_date(time TIMESTAMPTZ, zone TEXT)",
    accepts: accepts_instant_and_zone,
    returns: |_| DataType::Date32,
    check: |constants| check_constant(constants.get(1).copied().flatten()),
    compute: |arguments| local(arguments, Question::Date, &DataType::Date32),
};

/// `local_hour(time, zone)`: the hour, 0 to 23, that clocks of a zone showed at an instant.
pub(super) const LOCAL_HOUR: Function = Function {
    name: "local_hour",
    aliases: &[],
    usage: "local_hour(time TIMESTAMPTZ, zone TEXT)",
    accepts: accepts_instant_and_zone,
    returns: |_| DataType::Int32,
    check: |constants| check_constant(constants.get(1).copied().flatten()),
    compute: |arguments| local(arguments, Question::Hour, &DataType::Int32),
};

/// `known_zone(zone)`: the zone's name if it is one, else NULL, so that names in a column can be checked before use.
pub(super) const KNOWN_ZONE: Function = Function {
    name: "known_zone",
    aliases: &[],
    usage: "known_zone(zone TEXT)",
    accepts: |types| match types {
        [zone] if is_text(zone) => Some(vec![DataType::Utf8]),
        _ => None,
    },
    returns: |_| DataType::Utf8,
    check: any_constants,
    compute: |arguments| {
        let zones = arguments.column(0)?;
        let known = |zone: &&str| zone.parse::<chrono_tz::Tz>().is_ok();
        let names: StringArray = zones.as_string::<i32>().iter().map(|zone| zone.filter(known)).collect();
        Ok(Arc::new(names))
    },
};

fn accepts_instant_and_zone(types: &[DataType]) -> Option<Vec<DataType>> {
    let [time, zone] = types else { return None };
    let time = match time {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        text if is_text(text) => highwater_model::micros_utc(),
        _ => return None,
    };
    is_text(zone).then(|| vec![time, DataType::Utf8])
}

fn local(arguments: &Arguments<'_>, question: Question, data_type: &DataType) -> Result<ArrayRef> {
    let answers = ask(&arguments.column(0)?, arguments.text(1)?, question)?;
    // Days and hours of all times fit.
    Ok(cast(&answers, data_type)?)
}

/// What to answer for each time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question {
    /// The local time at an instant, in the unit of the instant.
    Local,
    /// The instant at a local time.
    Instant,
    /// Days since 1970-01-01 of the local date at an instant.
    Date,
    /// The local hour at an instant.
    Hour,
}

/// Answers for a column of timestamps, NULL where the time or the zone is.
///
/// # Errors
///
/// For an unknown zone, and a time outside the years that calendars of zones reach.
pub(super) fn ask(times: &ArrayRef, zones: Text, question: Question) -> Result<Int64Array> {
    let per_second = match times.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => 1,
        DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1_000_000_000,
        other => return exec_err!("{other} is not a time"),
    };
    let times = cast(times, &DataType::Int64)?;
    let times = times.as_primitive::<Int64Type>();
    let mut zones = Zones::new(zones)?;
    let mut values = Vec::with_capacity(times.len());
    let mut nulls = NullBufferBuilder::new(times.len());
    for (row, &time) in times.values().iter().enumerate() {
        let clock = if times.is_valid(row) { zones.at(row)? } else { None };
        let Some(clock) = clock else {
            values.push(0);
            nulls.append_null();
            continue;
        };
        if time < clock.window.from || time >= clock.window.to {
            let Some(window) = clock.window_around(time, per_second, question) else {
                return exec_err!("a time is out of range for its time zone");
            };
            clock.window = window;
        }
        let answer = match question {
            Question::Local | Question::Instant => time.checked_add(clock.window.answer),
            Question::Date | Question::Hour => Some(clock.window.answer),
        };
        let Some(answer) = answer else {
            return exec_err!("a time is out of range for its time zone");
        };
        values.push(answer);
        nulls.append_non_null();
    }
    Ok(Int64Array::new(values.into(), nulls.finish()))
}

/// Times in their own unit, `from` inclusive, `to` exclusive, with the same answer; for times, what to add.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    from: i64,
    to: i64,
    answer: i64,
}

/// A zone, and the answer at the last time asked for.
struct Clock {
    zone: Arc<ZoneTable>,
    window: Window,
}

impl Clock {
    fn new(name: &str) -> Result<Self> {
        Ok(Self { zone: ZoneTable::by_name(name)?, window: Window::default() })
    }

    fn window_around(&self, time: i64, per_second: i64, question: Question) -> Option<Window> {
        let seconds = time.div_euclid(per_second);
        let stretch = match question {
            Question::Instant => self.zone.at_local(seconds)?,
            Question::Local | Question::Date | Question::Hour => self.zone.at_instant(seconds)?,
        };
        let offset = i64::from(stretch.offset);
        // The stretch of local time, a day or an hour, in which the answer stays, cut to that of the offset.
        let within = |length: i64| {
            let number = (seconds + offset).div_euclid(length);
            let from = number * length - offset;
            (stretch.from.max(from), stretch.to.min(from + length), number)
        };
        let (from, to, answer) = match question {
            Question::Local => (stretch.from, stretch.to, offset * per_second),
            Question::Instant => (stretch.from, stretch.to, -offset * per_second),
            Question::Date => within(DAY_SECONDS),
            Question::Hour => {
                let (from, to, number) = within(HOUR_SECONDS);
                (from, to, number.rem_euclid(24))
            }
        };
        Some(Window { from: from.saturating_mul(per_second), to: to.saturating_mul(per_second), answer })
    }
}

/// The zone of each row.
enum Zones {
    /// The same for all; `None`: NULL.
    One(Option<Box<Clock>>),
    /// A column, with the zones met so far.
    Each(Text, HashMap<String, Clock>),
}

impl Zones {
    fn new(zones: Text) -> Result<Self> {
        match zones {
            Text::One(None) => Ok(Self::One(None)),
            Text::One(Some(name)) => Ok(Self::One(Some(Box::new(Clock::new(&name)?)))),
            column @ Text::Each(_) => Ok(Self::Each(column, HashMap::new())),
        }
    }

    fn at(&mut self, row: usize) -> Result<Option<&mut Clock>> {
        match self {
            Self::One(clock) => Ok(clock.as_deref_mut()),
            Self::Each(names, met) => {
                let Some(name) = names.at(row) else { return Ok(None) };
                if !met.contains_key(name) {
                    met.insert(name.to_owned(), Clock::new(name)?);
                }
                Ok(met.get_mut(name))
            }
        }
    }
}
