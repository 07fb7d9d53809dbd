//! Fixed-width integers that sum exactly: an addition gives the wrapped word and the carry out of it, so that a sum is
//! `word + carry · 2^bits` with the carry almost always 0 and kept elsewhere. Used by [`crate::sum`].

use arrow_array::ArrowPrimitiveType;
use arrow_array::types::{Decimal128Type, Decimal256Type, Int64Type, UInt64Type};
use arrow_buffer::i256;
use num_bigint::BigInt;

/// A word of a sum.
pub(crate) trait Word: Copy + Default + PartialEq + Send + Sync + 'static {
    /// The Arrow type that stores such words in encoded states and results.
    type Arrow: ArrowPrimitiveType<Native = Self>;
    /// Width.
    const BITS: u32;

    /// `self + value` and the carry out.
    fn plus(self, value: Self) -> (Self, i64);
    /// `self + value · weight` and the carry out.
    fn plus_times(self, value: Self, weight: i64) -> (Self, i64);
    /// As a big integer.
    fn big(self) -> BigInt;
    /// From a big integer, when it fits.
    fn from_big(value: &BigInt) -> Option<Self>;
}

impl Word for i64 {
    type Arrow = Int64Type;
    const BITS: u32 = 64;

    #[inline]
    fn plus(self, value: Self) -> (Self, i64) {
        let (word, overflowed) = self.overflowing_add(value);
        (word, if overflowed { if value < 0 { -1 } else { 1 } } else { 0 })
    }

    #[inline]
    fn plus_times(self, value: Self, weight: i64) -> (Self, i64) {
        let total = i128::from(self) + i128::from(value) * i128::from(weight);
        let word = total as i64;
        (word, ((total - i128::from(word)) >> 64) as i64)
    }

    fn big(self) -> BigInt {
        self.into()
    }

    fn from_big(value: &BigInt) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Word for u64 {
    type Arrow = UInt64Type;
    const BITS: u32 = 64;

    #[inline]
    fn plus(self, value: Self) -> (Self, i64) {
        let (word, overflowed) = self.overflowing_add(value);
        (word, i64::from(overflowed))
    }

    #[inline]
    fn plus_times(self, value: Self, weight: i64) -> (Self, i64) {
        let total = i128::from(self) + i128::from(value) * i128::from(weight);
        (total as u64, (total >> 64) as i64)
    }

    fn big(self) -> BigInt {
        self.into()
    }

    fn from_big(value: &BigInt) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Word for i128 {
    type Arrow = Decimal128Type;
    const BITS: u32 = 128;

    #[inline]
    fn plus(self, value: Self) -> (Self, i64) {
        let (word, overflowed) = self.overflowing_add(value);
        (word, if overflowed { if value < 0 { -1 } else { 1 } } else { 0 })
    }

    fn plus_times(self, value: Self, weight: i64) -> (Self, i64) {
        let product = i256::from_i128(value).wrapping_mul(i256::from(weight));
        let (low, high) = i256::from_i128(self).wrapping_add(product).to_parts();
        (low as i128, (high + (low >> 127) as i128) as i64)
    }

    fn big(self) -> BigInt {
        self.into()
    }

    fn from_big(value: &BigInt) -> Option<Self> {
        value.try_into().ok()
    }
}

impl Word for i256 {
    type Arrow = Decimal256Type;
    const BITS: u32 = 256;

    #[inline]
    fn plus(self, value: Self) -> (Self, i64) {
        let (word, overflowed) = self.overflowing_add(value);
        (word, if overflowed { if value.is_negative() { -1 } else { 1 } } else { 0 })
    }

    fn plus_times(self, value: Self, weight: i64) -> (Self, i64) {
        // Weights other than ±1 are rare enough for big integers.
        if weight == -1 && value != i256::MIN {
            return self.plus(value.wrapping_neg());
        }
        let total = self.big() + value.big() * weight;
        let word = low_256(&total);
        let carry: BigInt = (total - word.big()) >> 256;
        (word, i64::try_from(carry).unwrap_or_default())
    }

    fn big(self) -> BigInt {
        BigInt::from_signed_bytes_le(&self.to_le_bytes())
    }

    fn from_big(value: &BigInt) -> Option<Self> {
        let word = low_256(value);
        (word.big() == *value).then_some(word)
    }
}

/// The low 256 bits in two's complement.
fn low_256(value: &BigInt) -> i256 {
    let fill = if value.sign() == num_bigint::Sign::Minus { 0xff } else { 0 };
    let mut bytes = [fill; 32];
    for (to, from) in bytes.iter_mut().zip(value.to_signed_bytes_le()) {
        *to = from;
    }
    i256::from_le_bytes(bytes)
}
