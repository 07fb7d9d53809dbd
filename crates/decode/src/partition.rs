//! Which partition a row belongs to. Called by ingest and by table writes.
//!
//! The hash is part of the on-disk contract: one key must find one partition for the life of a stream, so it never
//! changes between versions (golden test). It is FNV-1a (64 bit) over canonical bytes, finished by MurmurHash3's
//! `fmix64` so that keys that are multiples of the partition count still spread, modulo the number of partitions.
//!
//! Canonical bytes of a value: integers, booleans, dates and times as `i64` (unsigned as `u64`) little endian, so
//! that widening a column moves no key; floats as the bits of `f64` (negative zero as zero); decimals as `i128`;
//! text and binary as their bytes followed by `0xff`. A NULL adds nothing, so an all-NULL key goes to partition 0.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use highwater_model::{PartitionId, StreamSchema};

use crate::DecodeError;

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Whether columns of this type can pick a partition.
pub(crate) fn can_partition(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Date32
                | DataType::Timestamp(_, _)
                | DataType::Decimal128(_, _)
                | DataType::Utf8
                | DataType::Binary
        )
}

/// The partition of each row, by the schema's `partition_by` columns; all 0 when there are none.
///
/// # Errors
/// When a `partition_by` column is missing from `rows` or has a type that cannot pick a partition.
pub fn partition_of(schema: &StreamSchema, rows: &RecordBatch) -> Result<Vec<u32>, DecodeError> {
    let count = rows.num_rows();
    if schema.partitions <= 1 || schema.partition_by.is_empty() {
        return Ok(vec![0; count]);
    }
    let mut hashes = vec![0_u64; count];
    for index in &schema.partition_by {
        let column = rows.columns().get(*index).ok_or_else(|| {
            DecodeError::Schema(format!("the rows have no column {index}, which picks the partition"))
        })?;
        hash_column(column.as_ref(), &mut hashes)
            .map_err(|reason| DecodeError::column(rows.schema_ref().field(*index).name(), reason))?;
    }
    let partitions = u64::from(schema.partitions);
    Ok(hashes.into_iter().map(|hash| (finish(hash) % partitions) as u32).collect())
}

/// The rows of each partition that has any, in order of partition and row. `of` is [`partition_of`]'s answer.
#[must_use]
pub fn split_by_partition(partitions: u32, of: &[u32]) -> Vec<(PartitionId, Vec<u32>)> {
    let mut counts = vec![0_usize; partitions.max(1) as usize];
    for partition in of {
        counts[*partition as usize] += 1;
    }
    let mut lists: Vec<Vec<u32>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (row, partition) in (0_u32..).zip(of) {
        lists[*partition as usize].push(row);
    }
    (0_u32..).map(PartitionId).zip(lists).filter(|(_, rows)| !rows.is_empty()).collect()
}

/// MurmurHash3's 64-bit finalizer (Appleby); keeps 0 at 0.
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn eat(hash: u64, bytes: &[u8]) -> u64 {
    // 0 means "nothing but NULL so far"; the basis enters with the first value.
    let start = if hash == 0 { OFFSET_BASIS } else { hash };
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

fn hash_column(column: &dyn Array, hashes: &mut [u64]) -> Result<(), String> {
    match column.data_type() {
        DataType::Int8 => numbers::<Int8Type, 8>(column, hashes, |v| i64::from(v).to_le_bytes()),
        DataType::Int16 => numbers::<Int16Type, 8>(column, hashes, |v| i64::from(v).to_le_bytes()),
        DataType::Int32 => numbers::<Int32Type, 8>(column, hashes, |v| i64::from(v).to_le_bytes()),
        DataType::Int64 => numbers::<Int64Type, 8>(column, hashes, i64::to_le_bytes),
        DataType::UInt8 => numbers::<UInt8Type, 8>(column, hashes, |v| u64::from(v).to_le_bytes()),
        DataType::UInt16 => numbers::<UInt16Type, 8>(column, hashes, |v| u64::from(v).to_le_bytes()),
        DataType::UInt32 => numbers::<UInt32Type, 8>(column, hashes, |v| u64::from(v).to_le_bytes()),
        DataType::UInt64 => numbers::<UInt64Type, 8>(column, hashes, u64::to_le_bytes),
        DataType::Float32 => numbers::<Float32Type, 8>(column, hashes, |v| (f64::from(v) + 0.0).to_le_bytes()),
        DataType::Float64 => numbers::<Float64Type, 8>(column, hashes, |v| (v + 0.0).to_le_bytes()),
        DataType::Date32 => numbers::<Date32Type, 8>(column, hashes, |v| i64::from(v).to_le_bytes()),
        DataType::Decimal128(_, _) => numbers::<Decimal128Type, 16>(column, hashes, i128::to_le_bytes),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => numbers::<TimestampSecondType, 8>(column, hashes, i64::to_le_bytes),
            TimeUnit::Millisecond => numbers::<TimestampMillisecondType, 8>(column, hashes, i64::to_le_bytes),
            TimeUnit::Microsecond => numbers::<TimestampMicrosecondType, 8>(column, hashes, i64::to_le_bytes),
            TimeUnit::Nanosecond => numbers::<TimestampNanosecondType, 8>(column, hashes, i64::to_le_bytes),
        },
        DataType::Boolean => {
            each(column, hashes, |hash, row| eat(hash, &i64::from(column.as_boolean().value(row)).to_le_bytes()))
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            each(column, hashes, |hash, row| eat(eat(hash, texts.value(row).as_bytes()), &[0xff]));
        }
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            each(column, hashes, |hash, row| eat(eat(hash, values.value(row)), &[0xff]));
        }
        other => return Err(format!("a column of type {other} cannot pick the partition; use a scalar column")),
    }
    Ok(())
}

fn numbers<T: ArrowPrimitiveType, const N: usize>(
    column: &dyn Array,
    hashes: &mut [u64],
    bytes: impl Fn(T::Native) -> [u8; N],
) {
    let values = column.as_primitive::<T>().values();
    each(column, hashes, |hash, row| eat(hash, &bytes(values[row])));
}

fn each(column: &dyn Array, hashes: &mut [u64], next: impl Fn(u64, usize) -> u64) {
    match column.nulls() {
        None => hashes.iter_mut().enumerate().for_each(|(row, hash)| *hash = next(*hash, row)),
        Some(nulls) => nulls.valid_indices().for_each(|row| hashes[row] = next(hashes[row], row)),
    }
}
