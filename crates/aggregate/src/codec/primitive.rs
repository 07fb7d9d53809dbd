//! Keys of columns of numbers. See [`super::Codec`].

use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::builder::PrimitiveBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::DataType;

use super::{Codec, Ordered};
use crate::{AggregateError, Input, physical, rows};

/// Keys of a column carried by `T`.
pub(crate) struct Primitive<T> {
    data_type: DataType,
    carrier: DataType,
    /// Whether −0.0 and 0.0 are one key.
    fold_zero: bool,
    marker: PhantomData<fn(T)>,
}

impl<T: ArrowPrimitiveType> Primitive<T> {
    /// For columns of this type. `fold_zero`: −0.0 and 0.0 are one key (as `GROUP BY` has it), else two.
    pub(crate) fn new(data_type: &DataType, fold_zero: bool) -> Self {
        let carrier = physical::carrier(data_type).unwrap_or(T::DATA_TYPE);
        Self { data_type: data_type.clone(), carrier, fold_zero, marker: PhantomData }
    }
}

impl<T: ArrowPrimitiveType<Native: Ordered>> Codec for Primitive<T> {
    type Key = <T::Native as Ordered>::Key;
    type View = <T::Native as Ordered>::Key;

    #[inline]
    fn own(view: &Self::View) -> Self::Key {
        *view
    }

    #[inline]
    fn heap(_: &Self::View) -> usize {
        0
    }

    fn each(
        &self,
        args: &[ArrayRef],
        input: Input<'_>,
        mut act: impl FnMut(&Self::View, usize, usize, i64),
    ) -> Result<(), AggregateError> {
        let array = physical::relabel(&args[0], &self.carrier)?;
        let array: &PrimitiveArray<T> = array.as_primitive_opt().ok_or_else(|| AggregateError::Unsupported {
            function: "an aggregate",
            types: args[0].data_type().to_string(),
        })?;
        let values: &[T::Native] = array.values();
        if self.fold_zero {
            rows::each_value(values, input, array.nulls(), |value, row, slot, weight| {
                act(&value.fold_zero().key(), row, slot, weight);
            });
        } else {
            rows::each_value(values, input, array.nulls(), |value, row, slot, weight| {
                act(&value.key(), row, slot, weight);
            });
        }
        Ok(())
    }

    fn columns<'a>(&self, keys: impl Iterator<Item = Option<&'a Self::Key>>) -> Result<Vec<ArrayRef>, AggregateError> {
        let mut values = PrimitiveBuilder::<T>::with_capacity(keys.size_hint().0);
        keys.for_each(|key| values.append_option(key.map(|key| T::Native::of(*key))));
        Ok(vec![physical::relabel(&(Arc::new(values.finish()) as ArrayRef), &self.data_type)?])
    }
}
