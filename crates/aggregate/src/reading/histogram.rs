//! `histogram`: how many values lie in each bucket of a given width. The values that are counted are already the
//! starts of buckets (see [`bucket_start`]).

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};

use super::Reading;
use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::Multiset;

/// The start of the bucket that a value falls into: the greatest multiple of `width` that is not above it, where
/// multiples are rounded to `DOUBLE`. The start of a start is itself.
///
/// NaN and the infinities keep a bucket of their own, and so does a number too large for the width to tell its
/// neighbours apart.
pub(crate) fn bucket_start(value: f64, width: f64) -> f64 {
    const MOST: f64 = (1_u64 << 53) as f64;
    let quotient = value / width;
    if quotient.is_nan() || quotient.abs() >= MOST {
        return value;
    }
    // The rounded quotient may be off by one.
    let index = quotient.floor();
    let start = index * width;
    if start > value {
        (index - 1.0) * width
    } else if (index + 1.0) * width <= value {
        (index + 1.0) * width
    } else {
        start
    }
}

/// Counts of the buckets that are not empty, in order.
pub(crate) struct BucketCounts;

impl BucketCounts {
    fn fields() -> Fields {
        vec![Field::new("bucket_start", DataType::Float64, false), Field::new("count", DataType::Int64, false)].into()
    }

    /// `LIST<STRUCT<bucket_start DOUBLE, count BIGINT>>`.
    pub(crate) fn result_type() -> DataType {
        DataType::List(Self::item())
    }

    fn item() -> Arc<Field> {
        Arc::new(Field::new_list_field(DataType::Struct(Self::fields()), true))
    }
}

impl<C: Codec> Reading<C> for BucketCounts {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        let lengths: Vec<usize> = groups.clone().map(Multiset::len).collect();
        if i32::try_from(lengths.iter().sum::<usize>()).is_err() {
            return Err(AggregateError::TooLarge("histogram"));
        }
        let entries = || groups.clone().flat_map(Multiset::iter);
        let mut columns = codec.columns(entries().map(|(key, _)| Some(key)))?;
        columns.push(Arc::new(entries().map(|(_, count)| count).collect::<Int64Array>()));
        let buckets = StructArray::try_new(Self::fields(), columns, None)?;
        let present: NullBuffer = lengths.iter().map(|length| *length > 0).collect();
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(Self::item(), offsets, Arc::new(buckets), Some(present))?))
    }
}
