//! An exact sum of `f64` values (and of their squares): a fixed-point number wide enough for every `f64`.
//!
//! After R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015), with one change: Neal keeps
//! all chunks of the number; with one accumulator for each of a million groups we keep only the window of 64-bit limbs
//! that differ from the sign, which for values of like magnitude are two or three, held in place. Carries are therefore
//! propagated at once, which ends after a limb or two, most often within one 128-bit addition. The form is canonical:
//! equal sums are equal limbs.

use num_bigint::BigInt;
use smallvec::SmallVec;

use super::rounding;

/// Bit 0 of limb 0 stands for 2^−BIAS. The least bit of a square is 2^−2148; a multiple of 64 puts integers on a limb
/// boundary, where they need no fraction limb.
const BIAS: i64 = 34 * 64;
/// No sum of 2^63 squares reaches this limb; encoded states beyond it are damaged.
const MAX_LIMBS: usize = 72;

/// Σ limbs\[i\] · 2^(64·(low + i) − BIAS) in two's complement; the last limb carries the sign. No limbs: 0.
/// Neither the first limb is 0 nor the last one redundant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Superaccumulator {
    low: u16,
    limbs: SmallVec<[u64; 3]>,
}

/// What lies beyond a limb in two's complement.
fn extension(limb: u64) -> u64 {
    (limb.cast_signed() >> 63).cast_unsigned()
}

/// |value| = mantissa · 2^exponent, for finite values.
fn decompose(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

impl Superaccumulator {
    /// Adds `value · weight`; the value is finite.
    pub(crate) fn add(&mut self, value: f64, weight: i64) {
        let (mantissa, exponent) = decompose(value);
        let negative = value.is_sign_negative() != (weight < 0);
        if weight.unsigned_abs() == 1 && self.add_in_window(mantissa, exponent, negative) {
            return;
        }
        let product = u128::from(mantissa) * u128::from(weight.unsigned_abs());
        let words = [product as u64, (product >> 64) as u64, 0];
        self.add_magnitude(words, exponent, negative);
    }

    /// The usual case of an addition, quickly: the value lies in the last one or two limbs and the sum does not leave
    /// them. Otherwise changes nothing and says so.
    fn add_in_window(&mut self, mantissa: u64, exponent: i64, negative: bool) -> bool {
        let position = (exponent + BIAS) as u64;
        let mut word = (position / 64) as usize;
        let mut value = i128::from(mantissa) << (position % 64);
        if value as u64 == 0 {
            value >>= 64;
            word += 1;
        }
        if negative {
            value = -value;
        }
        let Some(limbs) = word.checked_sub(usize::from(self.low)).and_then(|index| self.limbs.get_mut(index..)) else {
            return false;
        };
        match limbs {
            [last] => {
                let Some(sum) = i64::try_from(value).ok().and_then(|value| last.cast_signed().checked_add(value))
                else {
                    return false;
                };
                *last = sum.cast_unsigned();
            }
            [low, high] => {
                let current = i128::from(*low) | i128::from(high.cast_signed()) << 64;
                let Some(sum) = current.checked_add(value) else {
                    return false;
                };
                (*low, *high) = (sum as u64, (sum >> 64) as u64);
            }
            _ => return false,
        }
        self.trim();
        true
    }

    /// Adds `value² · weight`; the value is finite.
    pub(crate) fn add_square(&mut self, value: f64, weight: i64) {
        let (mantissa, exponent) = decompose(value);
        let square = u128::from(mantissa) * u128::from(mantissa);
        let times = u128::from(weight.unsigned_abs());
        let low = (square & u128::from(u64::MAX)) * times;
        let high = (square >> 64) * times + (low >> 64);
        self.add_magnitude([low as u64, high as u64, (high >> 64) as u64], 2 * exponent, weight < 0);
    }

    /// Adds ±words · 2^exponent. Words stay below 2^170, so that a shift by up to 63 bits fits into four.
    fn add_magnitude(&mut self, words: [u64; 3], exponent: i64, negative: bool) {
        let position = (exponent + BIAS) as u64;
        let (word, shift) = ((position / 64) as usize, (position % 64) as u32);
        let over = |limb: u64| if shift == 0 { 0 } else { limb >> (64 - shift) };
        let mut shifted =
            [words[0] << shift, words[1] << shift | over(words[0]), words[2] << shift | over(words[1]), over(words[2])];
        if shifted == [0; 4] {
            return;
        }
        if negative {
            let mut carry = true;
            for limb in &mut shifted {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
        }
        self.add_words(&shifted, if negative { u64::MAX } else { 0 }, word);
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &Self) {
        if let Some(&top) = other.limbs.last() {
            self.add_words(&other.limbs, extension(top), usize::from(other.low));
        }
    }

    /// Adds a two's complement number extended by `fill`, whose first limb is limb number `word`.
    fn add_words(&mut self, mut words: &[u64], fill: u64, mut word: usize) {
        while let [0, rest @ ..] = words {
            if rest.is_empty() {
                break;
            }
            words = rest;
            word += 1;
        }
        while let [rest @ .., under, top] = words {
            if *top != fill || extension(*under) != fill {
                break;
            }
            words = &words[..rest.len() + 1];
        }
        self.cover(word, word + words.len());
        let sign = self.limbs.last().map_or(0, |top| extension(*top));
        let mut carry = false;
        let mut ended = false;
        for (index, limb) in self.limbs[word - usize::from(self.low)..].iter_mut().enumerate() {
            let part = words.get(index).copied().unwrap_or(fill);
            if index >= words.len() && part == if carry { u64::MAX } else { 0 } {
                ended = true;
                break;
            }
            let (sum, over) = limb.overflowing_add(part);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over || over_again;
        }
        if !ended {
            let beyond = sign.wrapping_add(fill).wrapping_add(u64::from(carry));
            if self.limbs.last().is_some_and(|top| extension(*top) != beyond) {
                self.limbs.push(beyond);
            }
        }
        self.trim();
    }

    /// Extends the window to limbs `from..to`.
    fn cover(&mut self, from: usize, to: usize) {
        if self.limbs.is_empty() {
            self.low = from as u16;
        }
        let low = usize::from(self.low);
        if from < low {
            self.limbs.insert_many(0, std::iter::repeat_n(0, low - from));
            self.low = from as u16;
        }
        let sign = self.limbs.last().map_or(0, |top| extension(*top));
        let wanted = to.saturating_sub(usize::from(self.low));
        if wanted > self.limbs.len() {
            self.limbs.resize(wanted, sign);
        }
    }

    /// Restores the canonical form.
    #[inline]
    fn trim(&mut self) {
        let redundant = matches!(self.limbs.as_slice(), [.., under, top] if *top == extension(*under));
        if redundant || self.limbs.first().is_none_or(|limb| *limb == 0) {
            self.trim_ends();
        }
    }

    fn trim_ends(&mut self) {
        while let [.., under, top] = self.limbs.as_slice() {
            if *top != extension(*under) {
                break;
            }
            self.limbs.pop();
        }
        let zeros = self.limbs.iter().take_while(|limb| **limb == 0).count();
        if zeros > 0 {
            self.limbs.drain(..zeros);
            self.low += zeros as u16;
        }
        if self.limbs.is_empty() {
            self.low = 0;
        }
    }

    /// Whether the sum is 0.
    pub(crate) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The sum rounded to the nearest `f64` (ties to even), and whether that is exact. 0 reads as +0.0.
    pub(crate) fn round(&self) -> (f64, bool) {
        let negative = self.limbs.last().is_some_and(|top| extension(*top) != 0);
        let mut magnitude = self.limbs.clone();
        if negative {
            let mut carry = true;
            for limb in &mut magnitude {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
        }
        rounding::round(&magnitude, self.exponent(), false, negative)
    }

    /// What bit 0 of the first limb stands for.
    fn exponent(&self) -> i64 {
        64 * i64::from(self.low) - BIAS
    }

    /// The sum as `integer · 2^exponent`.
    pub(crate) fn big(&self) -> (BigInt, i64) {
        (BigInt::from_signed_bytes_le(&self.encode_limbs()), self.exponent())
    }

    /// Heap bytes.
    pub(crate) fn heap(&self) -> usize {
        if self.limbs.spilled() { self.limbs.capacity() * size_of::<u64>() } else { 0 }
    }

    fn encode_limbs(&self) -> SmallVec<[u8; 32]> {
        self.limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect()
    }

    /// As bytes: the number of the first limb in two, then the limbs, all little-endian; nothing for 0.
    pub(crate) fn encode(&self) -> SmallVec<[u8; 32]> {
        let mut bytes = SmallVec::new();
        if !self.is_zero() {
            bytes.extend(self.low.to_le_bytes());
            bytes.extend(self.encode_limbs());
        }
        bytes
    }

    /// From bytes written by [`Self::encode`]; `None` if they were not.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let Some((low, limbs)) = bytes.split_first_chunk::<2>() else {
            return bytes.is_empty().then(Self::default);
        };
        let (limbs, rest) = limbs.as_chunks::<8>();
        let low = u16::from_le_bytes(*low);
        if !rest.is_empty() || limbs.is_empty() || usize::from(low) + limbs.len() > MAX_LIMBS {
            return None;
        }
        let decoded = Self { low, limbs: limbs.iter().map(|limb| u64::from_le_bytes(*limb)).collect() };
        let mut canonical = decoded.clone();
        canonical.trim();
        (canonical == decoded).then_some(decoded)
    }
}
