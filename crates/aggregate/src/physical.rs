//! The primitive Arrow type that carries a logical one (timestamps are `Int64`, dates `Int32`), so that aggregates are
//! compiled once for each carrier and not once for each unit. Zero-copy both ways.

use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::{DataType, IntervalUnit};

use crate::AggregateError;

/// The type whose values a column of `data_type` really stores, for the types that have one.
pub(crate) fn carrier(data_type: &DataType) -> Option<DataType> {
    use DataType::{
        Date32, Date64, Decimal32, Decimal64, Decimal128, Decimal256, Duration, Float16, Float32, Float64, Int8, Int16,
        Int32, Int64, Interval, Time32, Time64, Timestamp, UInt8, UInt16, UInt32, UInt64,
    };
    match data_type {
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16 | Float32 | Float64 => {
            Some(data_type.clone())
        }
        Date32 | Time32(_) | Decimal32(..) | Interval(IntervalUnit::YearMonth) => Some(Int32),
        Date64 | Time64(_) | Timestamp(..) | Duration(_) | Decimal64(..) => Some(Int64),
        Decimal128(..) | Decimal256(..) => Some(data_type.clone()),
        _ => None,
    }
}

/// The same values under another type with the same layout.
pub(crate) fn relabel(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, AggregateError> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    Ok(make_array(array.to_data().into_builder().data_type(to.clone()).build()?))
}
