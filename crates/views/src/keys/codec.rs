//! How the rows of some key columns become comparable values: nothing at all (no key columns), one packed integer,
//! or bytes in Arrow's row format.

use ahash::RandomState;
use arrow_array::{Array, ArrayRef};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::Field;

use super::packed::{Packed, PackedField};
use crate::ViewsError;

/// Fixed seeds: the same key has the same hash in every run, so shards and row order repeat.
const HASHER: RandomState =
    RandomState::with_seeds(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89);

/// Turns key columns into [`EncodedKeys`].
pub(crate) enum KeyCodec {
    /// No key columns: every row has the same key.
    Unit,
    /// All columns together fit 64 bits.
    Packed64(Vec<PackedField>),
    /// All columns together fit 128 bits.
    Packed128(Vec<PackedField>),
    /// Anything else.
    Bytes(RowConverter),
}

/// The keys of a batch's rows.
pub(crate) enum EncodedKeys {
    Unit(usize),
    Packed64(Vec<u64>),
    Packed128(Vec<u128>),
    Bytes(Rows),
}

impl KeyCodec {
    /// The codec for columns of these fields.
    pub(crate) fn new(fields: &[Field]) -> Result<Self, ViewsError> {
        if fields.is_empty() {
            return Ok(Self::Unit);
        }
        if let Some(packed) = fields.iter().map(PackedField::of).collect::<Option<Vec<_>>>() {
            match packed.iter().map(PackedField::width).sum::<u32>() {
                0..=64 => return Ok(Self::Packed64(packed)),
                65..=128 => return Ok(Self::Packed128(packed)),
                _ => {}
            }
        }
        let sort = fields.iter().map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self::Bytes(RowConverter::new(sort)?))
    }

    /// The keys of all rows of these columns; `rows` is their length (needed when there are no columns).
    pub(crate) fn encode(&self, columns: &[ArrayRef], rows: usize) -> Result<EncodedKeys, ViewsError> {
        Ok(match self {
            Self::Unit => EncodedKeys::Unit(rows),
            Self::Packed64(fields) => EncodedKeys::Packed64(pack(fields, columns, rows)?),
            Self::Packed128(fields) => EncodedKeys::Packed128(pack(fields, columns, rows)?),
            Self::Bytes(converter) => EncodedKeys::Bytes(converter.convert_columns(columns)?),
        })
    }
}

fn pack<P: Packed>(fields: &[PackedField], columns: &[ArrayRef], rows: usize) -> Result<Vec<P>, ViewsError> {
    let mut keys = vec![P::default(); rows];
    for (field, column) in fields.iter().zip(columns) {
        field.push_into(column as &dyn Array, &mut keys)?;
    }
    Ok(keys)
}

/// The columns that `keys` were packed from.
pub(crate) fn unpack<P: Packed>(fields: &[PackedField], mut keys: Vec<P>) -> Result<Vec<ArrayRef>, ViewsError> {
    let mut columns = fields.iter().rev().map(|field| field.pop_from(&mut keys)).collect::<Result<Vec<_>, _>>()?;
    columns.reverse();
    Ok(columns)
}

impl EncodedKeys {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Unit(rows) => *rows,
            Self::Packed64(keys) => keys.len(),
            Self::Packed128(keys) => keys.len(),
            Self::Bytes(rows) => rows.num_rows(),
        }
    }

    /// The hash of every row's key.
    pub(crate) fn hashes(&self) -> Vec<u64> {
        match self {
            Self::Unit(rows) => vec![0; *rows],
            Self::Packed64(keys) => keys.iter().map(|key| hash_u64(*key)).collect(),
            Self::Packed128(keys) => keys.iter().map(|key| hash_u128(*key)).collect(),
            Self::Bytes(rows) => rows.iter().map(|row| hash_bytes(row.as_ref())).collect(),
        }
    }
}

pub(crate) fn hash_u64(key: u64) -> u64 {
    HASHER.hash_one(key)
}

pub(crate) fn hash_u128(key: u128) -> u64 {
    HASHER.hash_one(key)
}

pub(crate) fn hash_bytes(key: &[u8]) -> u64 {
    HASHER.hash_one(key)
}
