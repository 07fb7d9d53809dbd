//! From an [`AggregateSpec`] to the aggregate that implements it, and the types that go with it. Called by whoever
//! lowers a plan (`views`) or adapts an aggregate to batch execution (`sql`). Result types are those of DataFusion.

use arrow_array::types::{
    Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{
    DECIMAL32_MAX_PRECISION, DECIMAL32_MAX_SCALE, DECIMAL64_MAX_PRECISION, DECIMAL64_MAX_SCALE,
    DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DECIMAL256_MAX_PRECISION, DECIMAL256_MAX_SCALE, DataType,
    SortOptions,
};

use crate::boolean::Truth;
use crate::codec::{Bytes, Codec, Primitive, RowFormat};
use crate::count::Count;
use crate::distinct::Distinct;
use crate::extremes::{Best, End, Ranked};
use crate::float::{FloatSum, Moments, Spread};
use crate::sum::{self, ExactSum, Reading};
use crate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, entries, physical};

/// Builds `$make` with the codec of a data type.
macro_rules! with_codec {
    ($data_type:expr, $fold_zero:expr, |$codec:ident| $make:expr) => {{
        let (data_type, fold_zero): (&DataType, bool) = ($data_type, $fold_zero);
        macro_rules! number {
            ($carrier:ty) => {{
                let $codec = Primitive::<$carrier>::new(data_type, fold_zero);
                $make
            }};
        }
        match physical::carrier(data_type) {
            Some(DataType::Int8) => number!(Int8Type),
            Some(DataType::Int16) => number!(Int16Type),
            Some(DataType::Int32) => number!(Int32Type),
            Some(DataType::Int64) => number!(Int64Type),
            Some(DataType::UInt8) => number!(UInt8Type),
            Some(DataType::UInt16) => number!(UInt16Type),
            Some(DataType::UInt32) => number!(UInt32Type),
            Some(DataType::UInt64) => number!(UInt64Type),
            Some(DataType::Float32) => number!(Float32Type),
            Some(DataType::Float64) => number!(Float64Type),
            Some(DataType::Decimal128(..)) => number!(Decimal128Type),
            Some(DataType::Decimal256(..)) => number!(Decimal256Type),
            _ if is_bytes(data_type) => {
                let $codec = Bytes::new(data_type);
                $make
            }
            _ => {
                let $codec = RowFormat::value(data_type)?;
                $make
            }
        }
    }};
}

impl AggregateSpec {
    /// Builds an aggregate with no slots.
    ///
    /// # Errors
    /// When the function does not take these types.
    pub fn build(&self) -> Result<Box<dyn Aggregate>, AggregateError> {
        self.check()?;
        if self.distinct && self.keeps_distinct_values() {
            let inner = self.build_plain()?;
            let name = self.kind.name();
            return Ok(with_codec!(&self.arg_types[0], true, |codec| {
                Box::new(Distinct::new(codec, name, &self.arg_types, inner)) as Box<dyn Aggregate>
            }));
        }
        self.build_plain()
    }

    /// The type of the results, equal to that of DataFusion's function of the same name.
    ///
    /// # Errors
    /// When the function does not take these types.
    pub fn result_type(&self) -> Result<DataType, AggregateError> {
        self.check()?;
        Ok(match self.kind {
            AggregateKind::Count => DataType::Int64,
            AggregateKind::Sum => wider(&self.arg_types[0], 10, 0),
            AggregateKind::Avg => wider(&self.arg_types[0], 4, 4),
            AggregateKind::Min | AggregateKind::Max | AggregateKind::First | AggregateKind::Last => {
                self.arg_types[0].clone()
            }
            AggregateKind::BoolAnd | AggregateKind::BoolOr => DataType::Boolean,
            AggregateKind::VarSamp | AggregateKind::VarPop | AggregateKind::StddevSamp | AggregateKind::StddevPop => {
                DataType::Float64
            }
        })
    }

    /// The type of encoded states. It depends on everything in the spec but the sort directions.
    #[must_use]
    pub fn state_type(&self) -> DataType {
        if self.distinct && self.keeps_distinct_values() {
            return entries::state_type(&entries::value_fields(&self.arg_types));
        }
        match self.kind {
            AggregateKind::Count => Count::state_type(),
            AggregateKind::Sum | AggregateKind::Avg => match self.arg_types.first() {
                Some(DataType::UInt64) => sum::state_type::<u64>(),
                Some(DataType::Decimal128(..)) => sum::state_type::<i128>(),
                Some(DataType::Decimal256(..)) => sum::state_type::<arrow_buffer::i256>(),
                Some(DataType::Float64) => FloatSum::state_type(),
                _ => sum::state_type::<i64>(),
            },
            AggregateKind::Min | AggregateKind::Max | AggregateKind::First | AggregateKind::Last => {
                let values = entries::value_fields(&self.arg_types);
                if self.append_only { DataType::Struct(values) } else { entries::state_type(&values) }
            }
            AggregateKind::BoolAnd | AggregateKind::BoolOr => Truth::state_type(),
            AggregateKind::VarSamp | AggregateKind::VarPop | AggregateKind::StddevSamp | AggregateKind::StddevPop => {
                Moments::state_type()
            }
        }
    }

    /// What is kept for each group, in words for `EXPLAIN INCREMENTAL`.
    #[must_use]
    pub fn describe_state(&self) -> String {
        let state = match (self.kind, self.append_only) {
            _ if self.distinct && self.keeps_distinct_values() => "counted set of values per group",
            (AggregateKind::Count, _) => "one count per group",
            (AggregateKind::Min | AggregateKind::Max, true) => "one value per group (append-only)",
            (AggregateKind::First | AggregateKind::Last, true) => "one row per group (append-only)",
            (AggregateKind::Min | AggregateKind::Max, false) => "ordered multiset per group (retractable)",
            (AggregateKind::First | AggregateKind::Last, false) => "ordered multiset of rows per group (retractable)",
            (AggregateKind::BoolAnd | AggregateKind::BoolOr, _) => "counts of true and false per group",
            (AggregateKind::Sum | AggregateKind::Avg, _) => "exact sum and count per group",
            _ => "exact sums of values and squares and count per group",
        };
        state.to_owned()
    }

    /// Whether `DISTINCT` changes the result.
    fn keeps_distinct_values(&self) -> bool {
        use AggregateKind::{Avg, Count, StddevPop, StddevSamp, Sum, VarPop, VarSamp};
        matches!(self.kind, Count | Sum | Avg | VarSamp | VarPop | StddevSamp | StddevPop)
    }

    fn check(&self) -> Result<(), AggregateError> {
        use DataType::{Boolean, Decimal32, Decimal64, Decimal128, Decimal256, Duration, Float64, Int64, UInt64};
        let types = self.arg_types.as_slice();
        let supported = match self.kind {
            AggregateKind::Count => !self.distinct || (types.len() == 1 && is_sortable(&types[0])),
            AggregateKind::Sum => matches!(
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
            AggregateKind::Avg => matches!(
                types,
                [Float64 | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) | Duration(_)]
            ),
            AggregateKind::Min | AggregateKind::Max => {
                matches!(types, [one] if physical::carrier(one).is_some() || is_bytes(one) || *one == Boolean)
            }
            AggregateKind::First | AggregateKind::Last => {
                !types.is_empty() && types.len() == self.order.len() + 1 && types.iter().all(is_sortable)
            }
            AggregateKind::BoolAnd | AggregateKind::BoolOr => matches!(types, [Boolean]),
            AggregateKind::VarSamp | AggregateKind::VarPop | AggregateKind::StddevSamp | AggregateKind::StddevPop => {
                matches!(types, [Float64])
            }
        };
        if supported {
            return Ok(());
        }
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        Err(AggregateError::Unsupported { function: self.kind.name(), types: format!("({})", types.join(", ")) })
    }

    fn build_plain(&self) -> Result<Box<dyn Aggregate>, AggregateError> {
        Ok(match self.kind {
            AggregateKind::Count => Box::new(Count::default()),
            AggregateKind::Sum => self.build_sum(Reading::Sum)?,
            AggregateKind::Avg => {
                let scale = |data_type: &DataType| match data_type {
                    DataType::Decimal32(_, scale)
                    | DataType::Decimal64(_, scale)
                    | DataType::Decimal128(_, scale)
                    | DataType::Decimal256(_, scale) => i16::from(*scale),
                    _ => 0,
                };
                let more = scale(&self.result_type()?) - scale(&self.arg_types[0]);
                self.build_sum(Reading::Average(u32::try_from(more).unwrap_or(0)))?
            }
            AggregateKind::Min => with_codec!(&self.arg_types[0], false, |codec| self.extreme::<_, false>(codec)),
            AggregateKind::Max => with_codec!(&self.arg_types[0], false, |codec| self.extreme::<_, true>(codec)),
            // NULL loses ties at either end.
            AggregateKind::First => self.extreme::<_, false>(self.row_format(false)?),
            AggregateKind::Last => self.extreme::<_, true>(self.row_format(true)?),
            AggregateKind::BoolAnd => Box::new(Truth::new(true)),
            AggregateKind::BoolOr => Box::new(Truth::new(false)),
            AggregateKind::VarSamp => Box::new(Moments::new(Spread::VarSamp)),
            AggregateKind::VarPop => Box::new(Moments::new(Spread::VarPop)),
            AggregateKind::StddevSamp => Box::new(Moments::new(Spread::StddevSamp)),
            AggregateKind::StddevPop => Box::new(Moments::new(Spread::StddevPop)),
        })
    }

    fn build_sum(&self, reading: Reading) -> Result<Box<dyn Aggregate>, AggregateError> {
        let result = self.result_type()?;
        let precision = match result {
            DataType::Decimal32(digits, _)
            | DataType::Decimal64(digits, _)
            | DataType::Decimal128(digits, _)
            | DataType::Decimal256(digits, _) => Some(digits),
            _ => None,
        };
        Ok(match self.arg_types[0] {
            DataType::Float64 => Box::new(FloatSum::new(reading != Reading::Sum)),
            DataType::UInt64 => Box::new(ExactSum::<UInt64Type, u64>::new(reading, result, precision)),
            DataType::Decimal32(..) => Box::new(ExactSum::<Int32Type, i64>::new(reading, result, precision)),
            DataType::Decimal128(..) => Box::new(ExactSum::<Decimal128Type, i128>::new(reading, result, precision)),
            DataType::Decimal256(..) => {
                Box::new(ExactSum::<Decimal256Type, arrow_buffer::i256>::new(reading, result, precision))
            }
            _ => Box::new(ExactSum::<Int64Type, i64>::new(reading, result, precision)),
        })
    }

    fn row_format(&self, nulls_first: bool) -> Result<RowFormat, AggregateError> {
        RowFormat::ordered(&self.arg_types, &self.order, SortOptions { descending: false, nulls_first })
    }

    fn extreme<C: Codec, const LAST: bool>(&self, codec: C) -> Box<dyn Aggregate> {
        let (name, types) = (self.kind.name(), self.arg_types.as_slice());
        if self.append_only {
            Box::new(Best::<C, LAST>::new(codec, name, types))
        } else {
            Box::new(Ranked::new(codec, if LAST { End::Last } else { End::First }, name, types))
        }
    }
}

impl AggregateKind {
    /// The SQL name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first_value",
            Self::Last => "last_value",
            Self::BoolAnd => "bool_and",
            Self::BoolOr => "bool_or",
            Self::VarSamp => "var_samp",
            Self::VarPop => "var_pop",
            Self::StddevSamp => "stddev_samp",
            Self::StddevPop => "stddev_pop",
        }
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

fn is_bytes(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Utf8, Utf8View};
    matches!(data_type, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView)
}

/// Whether values can be held in row format.
fn is_sortable(data_type: &DataType) -> bool {
    arrow_row::RowConverter::supports_fields(&[arrow_row::SortField::new(data_type.clone())])
}
