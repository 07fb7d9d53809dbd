//! Which types the functions take, give, and encode their state as. Result types are those of DataFusion's functions of
//! the same name, but for `string_agg` (`TEXT` as everywhere) and `approx_distinct` (`BIGINT` as all counts). Used by
//! [`crate::build`] and by whoever plans calls.

use std::sync::Arc;

use arrow_schema::{
    DECIMAL32_MAX_PRECISION, DECIMAL32_MAX_SCALE, DECIMAL64_MAX_PRECISION, DECIMAL64_MAX_SCALE,
    DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DECIMAL256_MAX_PRECISION, DECIMAL256_MAX_SCALE, DataType, Field,
};

use crate::boolean::Truth;
use crate::count::Count;
use crate::float::{FloatSum, Moments};
use crate::hyperloglog::DistinctEstimate;
use crate::reading::BucketCounts;
use crate::{AggregateError, AggregateKind as Kind, AggregateSpec, entries, physical, sum};

impl AggregateSpec {
    /// The type of the results. The constant argument does not matter for it.
    ///
    /// # Errors
    /// When the function does not take these types.
    pub fn result_type(&self) -> Result<DataType, AggregateError> {
        self.check_types()?;
        Ok(match self.kind {
            Kind::Count | Kind::ApproxDistinct => DataType::Int64,
            Kind::Sum => wider(&self.arg_types[0], 10, 0),
            Kind::Avg => wider(&self.arg_types[0], 4, 4),
            Kind::Min
            | Kind::Max
            | Kind::First
            | Kind::Last
            | Kind::AnyValue
            | Kind::Mode
            | Kind::Median
            | Kind::PercentileCont
            | Kind::ApproxMedian
            | Kind::ApproxPercentile => self.arg_types[0].clone(),
            Kind::ArrayAgg => DataType::List(Arc::new(Field::new_list_field(self.arg_types[0].clone(), true))),
            Kind::StringAgg => DataType::Utf8,
            Kind::Histogram => BucketCounts::result_type(),
            Kind::BoolAnd | Kind::BoolOr => DataType::Boolean,
            Kind::VarSamp | Kind::VarPop | Kind::StddevSamp | Kind::StddevPop => DataType::Float64,
        })
    }

    /// The type of encoded states. It depends on everything in the spec but the sort directions and the constant.
    #[must_use]
    pub fn state_type(&self) -> DataType {
        let entries = || entries::state_type(&entries::value_fields(&self.arg_types));
        if self.distinct && self.kind.keeps_distinct_values() {
            return entries();
        }
        match self.kind {
            Kind::Count => Count::state_type(),
            Kind::Sum | Kind::Avg => match self.arg_types.first() {
                Some(DataType::UInt64) => sum::state_type::<u64>(),
                Some(DataType::Decimal128(..)) => sum::state_type::<i128>(),
                Some(DataType::Decimal256(..)) => sum::state_type::<arrow_buffer::i256>(),
                Some(DataType::Float64) => FloatSum::state_type(),
                _ => sum::state_type::<i64>(),
            },
            Kind::Min | Kind::Max | Kind::First | Kind::Last | Kind::AnyValue if self.append_only => {
                DataType::Struct(entries::value_fields(&self.arg_types))
            }
            Kind::Min
            | Kind::Max
            | Kind::First
            | Kind::Last
            | Kind::AnyValue
            | Kind::Mode
            | Kind::ArrayAgg
            | Kind::StringAgg
            | Kind::Median
            | Kind::PercentileCont
            | Kind::ApproxMedian
            | Kind::ApproxPercentile
            | Kind::Histogram => entries(),
            Kind::ApproxDistinct => DistinctEstimate::state_type(),
            Kind::BoolAnd | Kind::BoolOr => Truth::state_type(),
            Kind::VarSamp | Kind::VarPop | Kind::StddevSamp | Kind::StddevPop => Moments::state_type(),
        }
    }

    /// Whether everything fits together, the constant included.
    pub(crate) fn check(&self) -> Result<(), AggregateError> {
        self.check_types()?;
        if self.kind.accepts(self.constant.as_ref()) {
            return Ok(());
        }
        let needed = self.kind.constant().unwrap_or("no constant argument");
        Err(AggregateError::BadConstant { function: self.kind.name(), needed })
    }

    fn check_types(&self) -> Result<(), AggregateError> {
        use DataType::{
            Boolean, Decimal32, Decimal64, Decimal128, Decimal256, Duration, Float32, Float64, Int64, UInt64,
        };
        let types = self.arg_types.as_slice();
        let keyed = types.len() == self.order.len() + 1 && types.iter().all(is_sortable);
        let supported = match self.kind {
            Kind::Count => !self.distinct || matches!(types, [one] if is_sortable(one)),
            Kind::Sum => matches!(
                types,
                [Int64
                    | UInt64
                    | Float64
                    | Decimal32(..)
                    | Decimal64(..)
                    | Decimal128(..)
                    | Decimal256(..)
                    | Duration(_)]
            ),
            Kind::Avg => matches!(
                types,
                [Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) | Duration(_)]
            ),
            Kind::Min | Kind::Max | Kind::ApproxDistinct => {
                matches!(types, [one] if physical::carrier(one).is_some() || is_bytes(one) || *one == Boolean)
            }
            Kind::AnyValue | Kind::Mode => matches!(types, [one] if is_sortable(one)),
            Kind::First | Kind::Last | Kind::ArrayAgg => keyed,
            Kind::StringAgg => keyed && is_text(&types[0]),
            Kind::Median => {
                matches!(types, [Float32 | Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..)])
            }
            Kind::PercentileCont | Kind::ApproxMedian | Kind::ApproxPercentile => matches!(types, [Float32 | Float64]),
            Kind::BoolAnd | Kind::BoolOr => matches!(types, [Boolean]),
            Kind::VarSamp | Kind::VarPop | Kind::StddevSamp | Kind::StddevPop | Kind::Histogram => {
                matches!(types, [Float64])
            }
        };
        if supported && self.kind == Kind::ApproxDistinct && !self.append_only {
            return Err(AggregateError::AppendOnly(self.kind.name()));
        }
        if supported {
            return Ok(());
        }
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        Err(AggregateError::Unsupported { function: self.kind.name(), types: format!("({})", types.join(", ")) })
    }
}

/// Decimals with more digits, others unchanged.
fn wider(data_type: &DataType, digits: u8, places: i8) -> DataType {
    match *data_type {
        DataType::Decimal32(precision, scale) => DataType::Decimal32(
            DECIMAL32_MAX_PRECISION.min(precision + digits),
            DECIMAL32_MAX_SCALE.min(scale + places),
        ),
        DataType::Decimal64(precision, scale) => DataType::Decimal64(
            DECIMAL64_MAX_PRECISION.min(precision + digits),
            DECIMAL64_MAX_SCALE.min(scale + places),
        ),
        DataType::Decimal128(precision, scale) => DataType::Decimal128(
            DECIMAL128_MAX_PRECISION.min(precision + digits),
            DECIMAL128_MAX_SCALE.min(scale + places),
        ),
        DataType::Decimal256(precision, scale) => DataType::Decimal256(
            DECIMAL256_MAX_PRECISION.min(precision + digits),
            DECIMAL256_MAX_SCALE.min(scale + places),
        ),
        ref other => other.clone(),
    }
}

pub(crate) fn is_bytes(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether values can be held in row format.
fn is_sortable(data_type: &DataType) -> bool {
    arrow_row::RowConverter::supports_fields(&[arrow_row::SortField::new(data_type.clone())])
}
