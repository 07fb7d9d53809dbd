//! `timezone(zone, time)`, which `time AT TIME ZONE zone` is rewritten to, with PostgreSQL's meaning:
//! a TIMESTAMPTZ becomes the local TIMESTAMP of the zone, a TIMESTAMP is read as local time and becomes a TIMESTAMPTZ.

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

use super::local_time::{Question, ask};
use super::scalar::{Arguments, Function, is_text};
use super::zone::check_constant;

/// The function's name.
pub(crate) const TIMEZONE: &str = "timezone";

/// The function; see the file's header.
pub(super) const FUNCTION: Function = Function {
    name: TIMEZONE,
    aliases: &[],
    usage: "time AT TIME ZONE 'Area/City', the time a TIMESTAMPTZ or TIMESTAMP",
    accepts,
    returns: |types| types.get(1).map_or_else(highwater_model::micros_utc, turned),
    check: |constants| check_constant(constants.first().copied().flatten()),
    compute,
};

fn accepts(types: &[DataType]) -> Option<Vec<DataType>> {
    let [zone, time] = types else { return None };
    let time = match time {
        DataType::Timestamp(unit, None) => DataType::Timestamp(*unit, None),
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        // As PostgreSQL: a date or an untyped text is taken for a TIMESTAMPTZ.
        DataType::Date32 => highwater_model::micros_utc(),
        text if is_text(text) => highwater_model::micros_utc(),
        _ => return None,
    };
    is_text(zone).then(|| vec![DataType::Utf8, time])
}

/// With a zone if there was none, without if there was.
fn turned(time: &DataType) -> DataType {
    match time {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, None),
        DataType::Timestamp(unit, None) => DataType::Timestamp(*unit, Some("UTC".into())),
        other => other.clone(),
    }
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let times = arguments.column(1)?;
    let question = match times.data_type() {
        DataType::Timestamp(_, Some(_)) => Question::Local,
        _ => Question::Instant,
    };
    let answers = ask(&times, arguments.text(0)?, question)?;
    Ok(cast(&answers, &turned(times.data_type()))?)
}
