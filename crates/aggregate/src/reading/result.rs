//! What a reading is. See [`super`].

use arrow_array::ArrayRef;

use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::Multiset;

/// Reads the result of groups from their values. No count is negative.
pub(crate) trait Reading<C: Codec>: Send + 'static {
    /// One result for each group.
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a;
}
