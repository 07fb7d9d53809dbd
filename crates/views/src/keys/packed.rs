//! Packing of fixed-width key columns into one 64- or 128-bit integer a row, and back. Each nullable column
//! takes one more bit; equal tuples pack to equal integers and different ones to different integers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, make_array};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};

use crate::ViewsError;

/// An unsigned integer that holds a packed key.
pub(crate) trait Packed: Copy + Eq + Default {
    fn push(self, bits: u32, value: u64) -> Self;
    fn pop(&mut self, bits: u32) -> u64;
}

impl Packed for u64 {
    fn push(self, bits: u32, value: u64) -> Self {
        // A 64-bit column is always alone in its key, so that nothing is shifted out.
        self.checked_shl(bits).unwrap_or(0) | value
    }

    fn pop(&mut self, bits: u32) -> u64 {
        if bits == 64 {
            return std::mem::take(self);
        }
        let value = *self & ((1 << bits) - 1);
        *self >>= bits;
        value
    }
}

impl Packed for u128 {
    fn push(self, bits: u32, value: u64) -> Self {
        (self << bits) | u128::from(value)
    }

    fn pop(&mut self, bits: u32) -> u64 {
        let value = (*self & ((1 << bits) - 1)) as u64;
        *self >>= bits;
        value
    }
}

/// One column of a packed key.
#[derive(Clone, Debug)]
pub(crate) struct PackedField {
    data_type: DataType,
    nullable: bool,
    bits: u32,
}

impl PackedField {
    /// The field's packing, or `None` when its type is not of a fixed width up to 64 bits.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        let bits = match field.data_type() {
            DataType::Boolean => 1,
            other => match other.primitive_width() {
                Some(width @ 1..=8) => 8 * width as u32,
                _ => return None,
            },
        };
        Some(Self { data_type: field.data_type().clone(), nullable: field.is_nullable(), bits })
    }

    /// Bits taken in a packed key.
    pub(crate) fn width(&self) -> u32 {
        self.bits + u32::from(self.nullable)
    }

    /// Appends this column's values to the packed keys.
    pub(crate) fn push_into<P: Packed>(&self, array: &dyn Array, keys: &mut [P]) -> Result<(), ViewsError> {
        match &self.data_type {
            DataType::Boolean => {
                let array = array.as_boolean_opt().ok_or_else(|| mismatch(&self.data_type, array.data_type()))?;
                self.push_values(array, keys, |row| u64::from(array.value(row)))
            }
            expected => {
                if array.data_type() != expected {
                    return Err(mismatch(expected, array.data_type()));
                }
                let data = array.to_data();
                let buffer = &data.buffers()[0];
                let offset = data.offset();
                match self.bits {
                    8 => {
                        let values = &buffer.typed_data::<u8>()[offset..];
                        self.push_values(array, keys, |row| u64::from(values[row]))
                    }
                    16 => {
                        let values = &buffer.typed_data::<u16>()[offset..];
                        self.push_values(array, keys, |row| u64::from(values[row]))
                    }
                    32 => {
                        let values = &buffer.typed_data::<u32>()[offset..];
                        self.push_values(array, keys, |row| u64::from(values[row]))
                    }
                    _ => {
                        let values = &buffer.typed_data::<u64>()[offset..];
                        self.push_values(array, keys, |row| values[row])
                    }
                }
            }
        }
    }

    fn push_values<P: Packed>(
        &self,
        array: &dyn Array,
        keys: &mut [P],
        value: impl Fn(usize) -> u64,
    ) -> Result<(), ViewsError> {
        match (self.nullable, array.nulls().filter(|nulls| nulls.null_count() > 0)) {
            (false, Some(_)) => {
                return Err(ViewsError::Invariant("a NULL in a key column that was planned as NOT NULL".to_owned()));
            }
            (false, None) => {
                for (row, key) in keys.iter_mut().enumerate() {
                    *key = key.push(self.bits, value(row));
                }
            }
            (true, None) => {
                for (row, key) in keys.iter_mut().enumerate() {
                    *key = key.push(self.bits, value(row)).push(1, 1);
                }
            }
            (true, Some(nulls)) => {
                for (row, key) in keys.iter_mut().enumerate() {
                    let valid = nulls.is_valid(row);
                    *key = key.push(self.bits, if valid { value(row) } else { 0 }).push(1, u64::from(valid));
                }
            }
        }
        Ok(())
    }

    /// Takes this column's values off the end of the packed keys.
    pub(crate) fn pop_from<P: Packed>(&self, keys: &mut [P]) -> Result<ArrayRef, ViewsError> {
        let mut valid = Vec::new();
        if self.nullable {
            valid.extend(keys.iter_mut().map(|key| key.pop(1) == 1));
        }
        let nulls = (self.nullable && valid.contains(&false)).then(|| NullBuffer::from(valid));
        if self.data_type == DataType::Boolean {
            let values = keys.iter_mut().map(|key| key.pop(1) == 1).collect::<Vec<_>>();
            return Ok(Arc::new(BooleanArray::new(values.into(), nulls)));
        }
        let buffer = match self.bits {
            8 => Buffer::from_iter(keys.iter_mut().map(|key| key.pop(8) as u8)),
            16 => Buffer::from_iter(keys.iter_mut().map(|key| key.pop(16) as u16)),
            32 => Buffer::from_iter(keys.iter_mut().map(|key| key.pop(32) as u32)),
            _ => Buffer::from_iter(keys.iter_mut().map(|key| key.pop(64))),
        };
        let data =
            ArrayData::builder(self.data_type.clone()).len(keys.len()).add_buffer(buffer).nulls(nulls).build()?;
        Ok(make_array(data))
    }
}

fn mismatch(expected: &DataType, got: &DataType) -> ViewsError {
    ViewsError::Invariant(format!("a key column of type {got} where {expected} was planned"))
}
