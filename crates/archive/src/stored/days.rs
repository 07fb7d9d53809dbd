//! The UTC day of a row, by which the files of a table are divided.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, Date32Array};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use chrono::{Datelike, NaiveDate};

const SECONDS_A_DAY: i64 = 86_400;

/// The day of each value of a timestamp or date column; the local day where there is no zone. NULL for NULL and for
/// days outside the years 1 to 9999, which other readers cannot tell.
pub(crate) fn days_of(times: &ArrayRef) -> Result<Date32Array, ArrowError> {
    let days = match times.data_type() {
        DataType::Date32 => times.as_primitive::<Date32Type>().unary_opt(|day| in_calendar(i64::from(day))),
        DataType::Timestamp(TimeUnit::Second, _) => {
            times.as_primitive::<TimestampSecondType>().unary_opt(|at| day_of(at, 1))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            times.as_primitive::<TimestampMillisecondType>().unary_opt(|at| day_of(at, 1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            times.as_primitive::<TimestampMicrosecondType>().unary_opt(|at| day_of(at, 1_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            times.as_primitive::<TimestampNanosecondType>().unary_opt(|at| day_of(at, 1_000_000_000))
        }
        other => return Err(ArrowError::CastError(format!("{other} has no day: name a timestamp or a date"))),
    };
    Ok(days)
}

fn day_of(at: i64, units_a_second: i64) -> Option<i32> {
    in_calendar(at.div_euclid(units_a_second * SECONDS_A_DAY))
}

fn in_calendar(day: i64) -> Option<i32> {
    let day = i32::try_from(day).ok()?;
    date_of_day(day).map(|_| day)
}

/// The date of a day counted from 1970-01-01, within the years 1 to 9999.
pub(crate) fn date_of_day(day: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?.num_days_from_ce();
    let date = NaiveDate::from_num_days_from_ce_opt(epoch.checked_add(day)?)?;
    (1..=9999).contains(&date.year()).then_some(date)
}
