//! The storage of a column's values, by type: growth, roll-back and the finished Arrow array.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, TimeUnit};

use super::Kind;
use super::list::ListBuilder;
use super::map::MapBuilder;
use super::object::StructBuilder;
use crate::time::{DatePattern, TimeReader};

/// Values end to end; one slot a row, null rows included.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    UInt8(Vec<u8>),
    UInt16(Vec<u16>),
    UInt32(Vec<u32>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal { values: Vec<i128>, precision: u8, scale: i8 },
    Date { values: Vec<i32>, pattern: Option<Arc<DatePattern>> },
    Time { values: Vec<i64>, reader: TimeReader, unit: TimeUnit, zone: Option<Arc<str>> },
    Utf8(Blobs),
    Binary(Blobs),
    Struct(Box<StructBuilder>),
    List(Box<ListBuilder>),
    Map(Box<MapBuilder>),
}

/// Variable-length values: all bytes and where each value ends.
#[derive(Debug)]
pub(super) struct Blobs {
    pub(super) bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Blobs {
    pub(super) fn with_capacity(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { bytes: Vec::with_capacity(rows * 8), ends }
    }

    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.close();
    }

    /// Ends a value whose bytes were appended by hand. Bodies are limited to 2 GiB, so offsets fit.
    #[inline]
    pub(super) fn close(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    pub(super) fn get(&self, index: usize) -> &[u8] {
        &self.bytes[self.ends[index] as usize..self.ends[index + 1] as usize]
    }

    /// Back to `len` values, also from the middle of one.
    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.bytes.truncate(self.ends[len] as usize);
    }

    pub(super) fn into_parts(self) -> (OffsetBuffer<i32>, Buffer) {
        (OffsetBuffer::new(ScalarBuffer::from(self.ends)), Buffer::from_vec(self.bytes))
    }
}

/// Runs `$do` on the vector of any fixed-width variant, or `$other` on the rest.
macro_rules! on_vectors {
    ($values:expr, $vector:ident => $do:expr, { $($other:tt)* }) => {
        match $values {
            Values::Int8($vector) => $do,
            Values::Int16($vector) => $do,
            Values::Int32($vector) => $do,
            Values::Int64($vector) => $do,
            Values::UInt8($vector) => $do,
            Values::UInt16($vector) => $do,
            Values::UInt32($vector) => $do,
            Values::UInt64($vector) => $do,
            Values::Float32($vector) => $do,
            Values::Float64($vector) => $do,
            Values::Decimal { values: $vector, .. } => $do,
            Values::Date { values: $vector, .. } => $do,
            Values::Time { values: $vector, .. } => $do,
            $($other)*
        }
    };
}

impl Values {
    pub(super) fn new(kind: &Kind, rows: usize, stored: bool) -> Self {
        match kind {
            Kind::Boolean => Self::Boolean(BooleanBufferBuilder::new(rows)),
            Kind::Int8 => Self::Int8(Vec::with_capacity(rows)),
            Kind::Int16 => Self::Int16(Vec::with_capacity(rows)),
            Kind::Int32 => Self::Int32(Vec::with_capacity(rows)),
            Kind::Int64 => Self::Int64(Vec::with_capacity(rows)),
            Kind::UInt8 => Self::UInt8(Vec::with_capacity(rows)),
            Kind::UInt16 => Self::UInt16(Vec::with_capacity(rows)),
            Kind::UInt32 => Self::UInt32(Vec::with_capacity(rows)),
            Kind::UInt64 => Self::UInt64(Vec::with_capacity(rows)),
            Kind::Float32 => Self::Float32(Vec::with_capacity(rows)),
            Kind::Float64 => Self::Float64(Vec::with_capacity(rows)),
            Kind::Decimal { precision, scale } => {
                Self::Decimal { values: Vec::with_capacity(rows), precision: *precision, scale: *scale }
            }
            Kind::Date(pattern) => Self::Date { values: Vec::with_capacity(rows), pattern: pattern.clone() },
            Kind::Time { unit, zone, plan } => Self::Time {
                values: Vec::with_capacity(rows),
                reader: TimeReader::new(plan),
                unit: *unit,
                zone: zone.clone(),
            },
            Kind::Utf8 => Self::Utf8(Blobs::with_capacity(rows)),
            Kind::Binary => Self::Binary(Blobs::with_capacity(rows)),
            Kind::Struct { fields, object, children } => {
                Self::Struct(Box::new(StructBuilder::new(fields.clone(), object.clone(), children, rows, stored)))
            }
            Kind::List { item, plan } => Self::List(Box::new(ListBuilder::new(item.clone(), plan, rows, stored))),
            Kind::Map { entries, plan } => Self::Map(Box::new(MapBuilder::new(entries.clone(), plan, rows, stored))),
        }
    }

    /// A slot for a null row.
    pub(super) fn push_default(&mut self) {
        on_vectors!(self, vector => vector.push(Default::default()), {
            Self::Boolean(bits) => bits.append(false),
            Self::Utf8(blobs) | Self::Binary(blobs) => blobs.close(),
            Self::Struct(inner) => inner.push_null(),
            Self::List(inner) => inner.close(),
            Self::Map(inner) => inner.close(),
        });
    }

    /// Back to `len` rows, also from the middle of a value.
    pub(super) fn truncate(&mut self, len: usize) {
        on_vectors!(self, vector => vector.truncate(len), {
            Self::Boolean(bits) => bits.truncate(len),
            Self::Utf8(blobs) | Self::Binary(blobs) => blobs.truncate(len),
            Self::Struct(inner) => inner.truncate(len),
            Self::List(inner) => inner.truncate(len),
            Self::Map(inner) => inner.truncate(len),
        });
    }

    pub(super) fn finish(self, len: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Boolean(mut bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Self::Int8(values) => primitive::<Int8Type>(values, nulls)?,
            Self::Int16(values) => primitive::<Int16Type>(values, nulls)?,
            Self::Int32(values) => primitive::<Int32Type>(values, nulls)?,
            Self::Int64(values) => primitive::<Int64Type>(values, nulls)?,
            Self::UInt8(values) => primitive::<UInt8Type>(values, nulls)?,
            Self::UInt16(values) => primitive::<UInt16Type>(values, nulls)?,
            Self::UInt32(values) => primitive::<UInt32Type>(values, nulls)?,
            Self::UInt64(values) => primitive::<UInt64Type>(values, nulls)?,
            Self::Float32(values) => primitive::<Float32Type>(values, nulls)?,
            Self::Float64(values) => primitive::<Float64Type>(values, nulls)?,
            Self::Date { values, .. } => primitive::<Date32Type>(values, nulls)?,
            Self::Decimal { values, precision, scale } => Arc::new(
                PrimitiveArray::<Decimal128Type>::try_new(values.into(), nulls)?
                    .with_precision_and_scale(precision, scale)?,
            ),
            Self::Time { values, unit, zone, .. } => match unit {
                TimeUnit::Second => timestamp::<TimestampSecondType>(values, nulls, zone)?,
                TimeUnit::Millisecond => timestamp::<TimestampMillisecondType>(values, nulls, zone)?,
                TimeUnit::Microsecond => timestamp::<TimestampMicrosecondType>(values, nulls, zone)?,
                TimeUnit::Nanosecond => timestamp::<TimestampNanosecondType>(values, nulls, zone)?,
            },
            Self::Utf8(blobs) => {
                let (offsets, bytes) = blobs.into_parts();
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
            Self::Binary(blobs) => {
                let (offsets, bytes) = blobs.into_parts();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Self::Struct(inner) => inner.finish(len, nulls)?,
            Self::List(inner) => inner.finish(nulls)?,
            Self::Map(inner) => inner.finish(nulls)?,
        })
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values.into(), nulls)?))
}

fn timestamp<T: arrow_array::types::ArrowTimestampType>(
    values: Vec<i64>,
    nulls: Option<NullBuffer>,
    zone: Option<Arc<str>>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values.into(), nulls)?.with_timezone_opt(zone)))
}
