//! `timezone(zone, time)`, which `time AT TIME ZONE zone` is rewritten to, with PostgreSQL's meaning:
//! a TIMESTAMPTZ becomes the local TIMESTAMP of the zone, a TIMESTAMP is read as local time and becomes a TIMESTAMPTZ.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, PrimitiveBuilder};
use datafusion::arrow::datatypes::{
    ArrowTimestampType, DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::zone::Offsets;

/// The function's name.
pub(crate) const TIMEZONE: &str = "timezone";

/// The function; see the file's header.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Timezone {
    signature: Signature,
}

impl Timezone {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Timezone {
    fn name(&self) -> &str {
        TIMEZONE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [zone, time] = types else {
            return plan_err!("AT TIME ZONE takes a time and a zone");
        };
        let zone = match zone {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => DataType::Utf8,
            DataType::Dictionary(_, value) if value.is_string() => DataType::Utf8,
            other => return plan_err!("the zone of AT TIME ZONE is a text such as 'Europe/Paris', not {other}"),
        };
        let time = match time {
            DataType::Timestamp(unit, None) => DataType::Timestamp(*unit, None),
            DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
            // As PostgreSQL: a date or an untyped text is taken for a TIMESTAMPTZ.
            DataType::Date32 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                highwater_model::micros_utc()
            }
            other => return plan_err!("AT TIME ZONE takes a TIMESTAMPTZ or TIMESTAMP, not {other}"),
        };
        Ok(vec![zone, time])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [_, DataType::Timestamp(unit, Some(_))] => Ok(DataType::Timestamp(*unit, None)),
            [_, DataType::Timestamp(unit, None)] => Ok(DataType::Timestamp(*unit, Some("UTC".into()))),
            _ => plan_err!("AT TIME ZONE takes a TIMESTAMPTZ or TIMESTAMP"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zone, time] = args.args.as_slice() else {
            return plan_err!("AT TIME ZONE takes a time and a zone");
        };
        let constant = matches!((zone, time), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let time = time.to_array(rows)?;
        let zones = Zones::new(zone, rows)?;
        let shifted = match time.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => shift::<TimestampSecondType>(&time, zones, 1),
            DataType::Timestamp(TimeUnit::Millisecond, _) => shift::<TimestampMillisecondType>(&time, zones, 1_000),
            DataType::Timestamp(TimeUnit::Microsecond, _) => shift::<TimestampMicrosecondType>(&time, zones, 1_000_000),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                shift::<TimestampNanosecondType>(&time, zones, 1_000_000_000)
            }
            other => return plan_err!("AT TIME ZONE takes a TIMESTAMPTZ or TIMESTAMP, not {other}"),
        }?;
        if constant {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&shifted, 0)?))
        } else {
            Ok(ColumnarValue::Array(shifted))
        }
    }
}

/// The zone of each row.
enum Zones {
    /// The same for all; `None`: NULL.
    One(Option<Box<Offsets>>),
    /// A column, with the zones met so far.
    Column(ArrayRef, HashMap<String, Offsets>),
}

impl Zones {
    fn new(zone: &ColumnarValue, rows: usize) -> Result<Self> {
        match zone {
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))) => {
                Ok(Self::One(Some(Box::new(Offsets::new(parse(name)?)))))
            }
            ColumnarValue::Scalar(value) if value.is_null() => Ok(Self::One(None)),
            other => Ok(Self::Column(other.to_array(rows)?, HashMap::new())),
        }
    }

    fn at(&mut self, row: usize) -> Result<Option<&mut Offsets>> {
        match self {
            Self::One(offsets) => Ok(offsets.as_deref_mut()),
            Self::Column(names, met) => {
                let names = names.as_string::<i32>();
                if names.is_null(row) {
                    return Ok(None);
                }
                let name = names.value(row);
                if !met.contains_key(name) {
                    met.insert(name.to_owned(), Offsets::new(parse(name)?));
                }
                Ok(met.get_mut(name))
            }
        }
    }
}

fn parse(name: &str) -> Result<Tz> {
    match Tz::from_str(name) {
        Ok(zone) => Ok(zone),
        Err(_) => exec_err!("no time zone '{name}': {}", crate::parse::zone_hint(name)),
    }
}

fn shift<T: ArrowTimestampType>(time: &ArrayRef, mut zones: Zones, per_second: i64) -> Result<ArrayRef> {
    let times: &PrimitiveArray<T> = time.as_primitive();
    let to_local = matches!(time.data_type(), DataType::Timestamp(_, Some(_)));
    let mut shifted = PrimitiveBuilder::<T>::with_capacity(times.len());
    for row in 0..times.len() {
        if times.is_null(row) {
            shifted.append_null();
            continue;
        }
        let Some(offsets) = zones.at(row)? else {
            shifted.append_null();
            continue;
        };
        let value = times.value(row);
        let seconds = value.div_euclid(per_second);
        let offset =
            if to_local { offsets.at_instant(seconds) } else { offsets.at_local(seconds).map(|offset| -offset) };
        let moved = offset.and_then(|offset| value.checked_add(i64::from(offset) * per_second));
        match moved {
            Some(moved) => shifted.append_value(moved),
            None => return exec_err!("a time is out of range for AT TIME ZONE"),
        }
    }
    let zone = if to_local { None } else { Some(Arc::<str>::from("UTC")) };
    Ok(Arc::new(shifted.finish().with_timezone_opt(zone)))
}
