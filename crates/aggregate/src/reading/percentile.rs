//! `median`, `percentile_cont` and their approximations: the value at a rank, interpolated between its neighbours as
//! PostgreSQL does. The approximations do the same with values rounded to buckets (see [`Sketched`]).

use std::marker::PhantomData;

use arrow_array::ArrayRef;
use arrow_buffer::i256;

use super::Reading;
use crate::AggregateError;
use crate::codec::{Codec, Ordered};
use crate::multiset::Multiset;

/// The value at `fraction` of the way from one end to the other.
pub(crate) struct Percentile<T> {
    fraction: f64,
    /// From the greatest to the least.
    descending: bool,
    number: PhantomData<fn(T)>,
}

impl<T: Interpolate> Percentile<T> {
    /// The percentile `fraction`, from 0 to 1.
    pub(crate) fn new(fraction: f64, descending: bool) -> Self {
        Self { fraction, descending, number: PhantomData }
    }

    fn of(&self, group: &Multiset<T::Key>) -> Option<T::Key> {
        let last = group.total() - 1;
        let position = self.fraction * last as f64;
        let below = position.floor();
        let at = |rank: i64| group.nth(if self.descending { last - rank } else { rank }).copied();
        let low = at(below as i64)?;
        let rest = position - below;
        if rest == 0.0 {
            return Some(low);
        }
        let high = at(below as i64 + 1)?;
        Some(if low == high { low } else { T::of(low).towards(T::of(high), rest).key() })
    }
}

impl<T: Interpolate, C: Codec<Key = T::Key>> Reading<C> for Percentile<T> {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        let results: Vec<Option<T::Key>> = groups.map(|group| self.of(group)).collect();
        Ok(codec.columns(results.iter().map(Option::as_ref))?.swap_remove(0))
    }
}

/// A number between two others.
pub(crate) trait Interpolate: Ordered {
    /// The number that lies `part` (between 0 and 1) of the way from `self` to `other`.
    fn towards(self, other: Self, part: f64) -> Self;
}

impl Interpolate for f64 {
    fn towards(self, other: Self, part: f64) -> Self {
        let difference = other - self;
        if difference.is_infinite() { self * (1.0 - part) + other * part } else { self + difference * part }
    }
}

impl Interpolate for f32 {
    fn towards(self, other: Self, part: f64) -> Self {
        f64::from(self).towards(f64::from(other), part) as Self
    }
}

// Unscaled decimals. Only medians are read of them, so the part is always one half; a half digit is dropped.
macro_rules! interpolate_decimal {
    ($($native:ty),*) => {$(
        impl Interpolate for $native {
            fn towards(self, other: Self, _: f64) -> Self {
                self.midpoint(other)
            }
        }
    )*};
}

interpolate_decimal!(i32, i64, i128);

impl Interpolate for i256 {
    fn towards(self, other: Self, _: f64) -> Self {
        // Two numbers of 76 digits add up to less than 2^255.
        self.wrapping_add(other).wrapping_div(Self::from_i128(2))
    }
}

/// A float rounded to a bucket of the approximate percentiles.
///
/// After DDSketch (C. Masson, J. E. Rim, H. K. Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
/// relative-error guarantees", VLDB 2019) with the mapping that interpolates linearly between powers of two: 64 buckets
/// of equal width from one power of two to the next. A bucket is named by its middle, which differs from every value in
/// it by at most 1/128 of the value (below the least normal number by at most 2^-7 of that number). Buckets are cut out
/// of the bits of the number, so that they are the same on every machine. 0, infinities and NaN keep their own.
pub(crate) trait Sketched: Ordered {
    /// The middle of the bucket; that of a middle is itself.
    fn sketched(self) -> Self;
}

macro_rules! sketched {
    ($native:ty, $mantissa_digits:expr) => {
        impl Sketched for $native {
            fn sketched(self) -> Self {
                if self == 0.0 || !self.is_finite() {
                    return self.fold_zero();
                }
                // The leading bit of the mantissa is implied, and six bits more number the buckets.
                let cut = $mantissa_digits - 1 - 6;
                Self::from_bits((self.to_bits() >> cut << cut) | 1 << (cut - 1))
            }
        }
    };
}

sketched!(f64, f64::MANTISSA_DIGITS);
sketched!(f32, f32::MANTISSA_DIGITS);
