//! Keys of numbers that are rounded first, to the buckets of histograms and approximate percentiles. See
//! [`super::Codec`].

use arrow_array::{ArrayRef, ArrowPrimitiveType};
use arrow_schema::DataType;

use super::{Codec, Ordered, Primitive};
use crate::{AggregateError, Input};

/// Keys of a column carried by `T`, rounded by `round`. Encoded states hold rounded values, so rounding them again must
/// change nothing.
pub(crate) struct Rounded<T, F> {
    plain: Primitive<T>,
    round: F,
}

impl<T: ArrowPrimitiveType, F> Rounded<T, F> {
    /// For columns of this type.
    pub(crate) fn new(data_type: &DataType, round: F) -> Self {
        Self { plain: Primitive::new(data_type, true), round }
    }
}

impl<T, F> Codec for Rounded<T, F>
where
    T: ArrowPrimitiveType<Native: Ordered>,
    F: Fn(T::Native) -> T::Native + Send + 'static,
{
    type Key = <T::Native as Ordered>::Key;
    type View = <T::Native as Ordered>::Key;

    fn own(view: &Self::View) -> Self::Key {
        *view
    }

    fn heap(_: &Self::View) -> usize {
        0
    }

    fn each(
        &self,
        args: &[ArrayRef],
        input: Input<'_>,
        mut act: impl FnMut(&Self::View, usize, usize, i64),
    ) -> Result<(), AggregateError> {
        self.plain.each(args, input, |view, row, slot, weight| {
            let rounded = (self.round)(T::Native::of(*view)).fold_zero();
            act(&rounded.key(), row, slot, weight);
        })
    }

    fn columns<'a>(&self, keys: impl Iterator<Item = Option<&'a Self::Key>>) -> Result<Vec<ArrayRef>, AggregateError> {
        self.plain.columns(keys)
    }
}
