//! `mode`: the most frequent value.

use arrow_array::ArrayRef;

use super::Reading;
use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::{End, Multiset};

/// The most frequent value; of several, the one at an end of the order.
pub(crate) struct Mode {
    /// Which of equally frequent values.
    pub(crate) ties: End,
}

impl<C: Codec> Reading<C> for Mode {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        Ok(codec.columns(groups.map(|group| group.most_frequent(self.ties)))?.swap_remove(0))
    }
}
