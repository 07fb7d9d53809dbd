//! What a codec is, and the total order of numbers that it compares by. Used by every codec of this folder.

use std::borrow::Borrow;
use std::hash::Hash;

use arrow_array::ArrayRef;
use arrow_buffer::i256;

use crate::{AggregateError, Input};

/// Turns argument columns into keys and keys back into columns.
pub(crate) trait Codec: Send + 'static {
    /// An owned key.
    type Key: Borrow<Self::View> + Ord + Hash + Send;
    /// A key seen in an argument column.
    type View: ?Sized + Ord + Hash;

    /// Copies a view.
    fn own(view: &Self::View) -> Self::Key;

    /// Heap bytes that a copy of this view holds.
    fn heap(view: &Self::View) -> usize;

    /// Calls `act(key, row, slot, weight)` for every selected row that has a key.
    fn each(
        &self,
        args: &[ArrayRef],
        input: Input<'_>,
        act: impl FnMut(&Self::View, usize, usize, i64),
    ) -> Result<(), AggregateError>;

    /// The argument columns of these keys; `None` is NULL.
    fn columns<'a>(&self, keys: impl Iterator<Item = Option<&'a Self::Key>>) -> Result<Vec<ArrayRef>, AggregateError>;
}

/// A number with a total order.
pub(crate) trait Ordered: Copy + Send + 'static {
    /// What it is compared, hashed and held as.
    type Key: Ord + Hash + Copy + Send + 'static;
    /// The key; different bits give different keys.
    fn key(self) -> Self::Key;
    /// The number of a key.
    fn of(key: Self::Key) -> Self;
    /// −0.0 as 0.0; everything else unchanged.
    fn fold_zero(self) -> Self {
        self
    }
}

macro_rules! ordered_integer {
    ($($native:ty),*) => {$(
        impl Ordered for $native {
            type Key = Self;
            #[inline]
            fn key(self) -> Self {
                self
            }
            #[inline]
            fn of(key: Self) -> Self {
                key
            }
        }
    )*};
}

ordered_integer!(i8, i16, i32, i64, i128, i256, u8, u16, u32, u64);

// IEEE 754 totalOrder: flip the magnitude bits of negative numbers and compare as integers.
macro_rules! ordered_float {
    ($native:ty, $bits:ty, $width:expr) => {
        impl Ordered for $native {
            type Key = $bits;
            #[inline]
            fn key(self) -> $bits {
                let bits = self.to_bits().cast_signed();
                bits ^ ((bits >> ($width - 1)).cast_unsigned() >> 1).cast_signed()
            }
            #[inline]
            fn of(key: $bits) -> Self {
                let bits = key ^ ((key >> ($width - 1)).cast_unsigned() >> 1).cast_signed();
                Self::from_bits(bits.cast_unsigned())
            }
            #[inline]
            fn fold_zero(self) -> Self {
                if self.to_bits() << 1 == 0 { Self::from_bits(0) } else { self }
            }
        }
    };
}

ordered_float!(f64, i64, 64);
ordered_float!(f32, i32, 32);
