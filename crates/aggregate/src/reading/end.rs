//! `min`, `max`, `any_value`, `first_value`, `last_value` under retraction: the value at one end of the order.

use arrow_array::ArrayRef;

use super::Reading;
use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::{End, Multiset};

impl<C: Codec> Reading<C> for End {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        let mut columns = match self {
            Self::First => codec.columns(groups.map(Multiset::first))?,
            Self::Last => codec.columns(groups.map(Multiset::last))?,
        };
        Ok(columns.swap_remove(0))
    }
}
