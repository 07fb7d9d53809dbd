//! From an [`AggregateSpec`] to the aggregate that implements it. Called by whoever lowers a plan (`views`) or adapts an
//! aggregate to batch execution (`sql`).

use arrow_array::ArrowPrimitiveType;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, SortOptions};

use crate::boolean::Truth;
use crate::codec::{Bytes, Codec, Primitive, Rounded, RowFormat};
use crate::count::Count;
use crate::counted::Counted;
use crate::distinct::Distinct;
use crate::extremes::Best;
use crate::float::{FloatSum, Moments, Spread};
use crate::hyperloglog::DistinctEstimate;
use crate::multiset::End;
use crate::reading::{BucketCounts, Interpolate, List, Mode, Percentile, Reading, Sketched, Text, bucket_start};
use crate::sum::{ExactSum, Reading as SumReading};
use crate::types::is_bytes;
use crate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, Constant, physical};

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
    /// When the function does not take these types or this constant.
    pub fn build(&self) -> Result<Box<dyn Aggregate>, AggregateError> {
        self.check()?;
        if self.distinct && self.kind.keeps_distinct_values() {
            let inner = self.build_plain()?;
            let name = self.kind.name();
            return Ok(with_codec!(&self.arg_types[0], true, |codec| {
                Box::new(Distinct::new(codec, name, &self.arg_types, inner)) as Box<dyn Aggregate>
            }));
        }
        self.build_plain()
    }

    fn build_plain(&self) -> Result<Box<dyn Aggregate>, AggregateError> {
        Ok(match self.kind {
            AggregateKind::Count => Box::new(Count::default()),
            AggregateKind::Sum => self.build_sum(SumReading::Sum)?,
            AggregateKind::Avg => {
                let scale = |data_type: &DataType| match data_type {
                    DataType::Decimal32(_, scale)
                    | DataType::Decimal64(_, scale)
                    | DataType::Decimal128(_, scale)
                    | DataType::Decimal256(_, scale) => i16::from(*scale),
                    _ => 0,
                };
                let more = scale(&self.result_type()?) - scale(&self.arg_types[0]);
                self.build_sum(SumReading::Average(u32::try_from(more).unwrap_or(0)))?
            }
            AggregateKind::Min | AggregateKind::AnyValue => {
                with_codec!(&self.arg_types[0], false, |codec| self.extreme::<_, false>(codec))
            }
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
            AggregateKind::Mode => {
                let ties = if self.is_descending() { End::Last } else { End::First };
                with_codec!(&self.arg_types[0], true, |codec| self.counted(codec, Mode { ties }))
            }
            AggregateKind::ArrayAgg => self.counted(self.list_format()?, List { distinct: self.distinct }),
            AggregateKind::StringAgg => self.build_text()?,
            AggregateKind::Median | AggregateKind::PercentileCont => self.build_percentile(),
            AggregateKind::ApproxMedian | AggregateKind::ApproxPercentile => match self.arg_types[0] {
                DataType::Float32 => self.sketch::<Float32Type>(),
                _ => self.sketch::<Float64Type>(),
            },
            AggregateKind::ApproxDistinct => with_codec!(&self.arg_types[0], true, |codec| {
                Box::new(DistinctEstimate::new(codec)) as Box<dyn Aggregate>
            }),
            AggregateKind::Histogram => {
                let width = self.number();
                let starts = move |value| bucket_start(value, width);
                self.counted(Rounded::<Float64Type, _>::new(&self.arg_types[0], starts), BucketCounts)
            }
        })
    }

    fn build_sum(&self, reading: SumReading) -> Result<Box<dyn Aggregate>, AggregateError> {
        let result = self.result_type()?;
        let precision = match result {
            DataType::Decimal32(digits, _)
            | DataType::Decimal64(digits, _)
            | DataType::Decimal128(digits, _)
            | DataType::Decimal256(digits, _) => Some(digits),
            _ => None,
        };
        Ok(match self.arg_types[0] {
            DataType::Float64 => Box::new(FloatSum::new(reading != SumReading::Sum)),
            DataType::UInt64 => Box::new(ExactSum::<UInt64Type, u64>::new(reading, result, precision)),
            DataType::Decimal32(..) => Box::new(ExactSum::<Int32Type, i64>::new(reading, result, precision)),
            DataType::Decimal128(..) => Box::new(ExactSum::<Decimal128Type, i128>::new(reading, result, precision)),
            DataType::Decimal256(..) => {
                Box::new(ExactSum::<Decimal256Type, arrow_buffer::i256>::new(reading, result, precision))
            }
            _ => Box::new(ExactSum::<Int64Type, i64>::new(reading, result, precision)),
        })
    }

    fn build_text(&self) -> Result<Box<dyn Aggregate>, AggregateError> {
        let separator = match &self.constant {
            Some(Constant::Text(separator)) => separator.clone(),
            _ => String::new(),
        };
        let text = Text { separator, distinct: self.distinct };
        Ok(if self.order.is_empty() {
            self.counted(Bytes::new(&self.arg_types[0]), text)
        } else {
            self.counted(self.list_format()?.skip_nulls(), text)
        })
    }

    fn build_percentile(&self) -> Box<dyn Aggregate> {
        match self.arg_types[0] {
            DataType::Float32 => self.percentile::<Float32Type>(),
            DataType::Decimal32(..) => self.percentile::<Int32Type>(),
            DataType::Decimal64(..) => self.percentile::<Int64Type>(),
            DataType::Decimal128(..) => self.percentile::<Decimal128Type>(),
            DataType::Decimal256(..) => self.percentile::<Decimal256Type>(),
            _ => self.percentile::<Float64Type>(),
        }
    }

    fn percentile<T: ArrowPrimitiveType<Native: Interpolate>>(&self) -> Box<dyn Aggregate> {
        self.counted(Primitive::<T>::new(&self.arg_types[0], true), self.percentile_reading::<T::Native>())
    }

    fn sketch<T: ArrowPrimitiveType<Native: Interpolate + Sketched>>(&self) -> Box<dyn Aggregate> {
        let codec = Rounded::<T, _>::new(&self.arg_types[0], T::Native::sketched);
        self.counted(codec, self.percentile_reading::<T::Native>())
    }

    fn percentile_reading<N: Interpolate>(&self) -> Percentile<N> {
        let halves = matches!(self.kind, AggregateKind::Median | AggregateKind::ApproxMedian);
        Percentile::new(if halves { 0.5 } else { self.number() }, self.is_descending())
    }

    /// The constant argument, where [`AggregateSpec::check`] has found it to be a number.
    fn number(&self) -> f64 {
        match self.constant {
            Some(Constant::Number(number)) => number,
            _ => f64::NAN,
        }
    }

    /// Whether the value itself is read in descending order.
    fn is_descending(&self) -> bool {
        self.order.first().is_some_and(|order| order.descending)
    }

    fn counted<C: Codec, R: Reading<C>>(&self, codec: C, reading: R) -> Box<dyn Aggregate> {
        Box::new(Counted::new(codec, reading, self.kind.name(), &self.arg_types))
    }

    /// Rows of a list in order: by the sort keys, then by the value, NULL last.
    fn list_format(&self) -> Result<RowFormat, AggregateError> {
        let rows = self.row_format(false)?;
        Ok(if self.distinct { rows.fold_zero() } else { rows })
    }

    fn row_format(&self, nulls_first: bool) -> Result<RowFormat, AggregateError> {
        RowFormat::ordered(&self.arg_types, &self.order, SortOptions { descending: false, nulls_first })
    }

    fn extreme<C: Codec, const LAST: bool>(&self, codec: C) -> Box<dyn Aggregate> {
        if self.append_only {
            Box::new(Best::<C, LAST>::new(codec, self.kind.name(), &self.arg_types))
        } else {
            self.counted(codec, if LAST { End::Last } else { End::First })
        }
    }
}
