//! `array_agg`: all values of a group in order, NULLs among them.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;

use super::Reading;
use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::Multiset;

/// All values as a list.
pub(crate) struct List {
    /// Each different value once.
    pub(crate) distinct: bool,
}

impl<C: Codec> Reading<C> for List {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        let too_large = || AggregateError::TooLarge("array_agg");
        let length = |group: &Multiset<C::Key>| {
            let length = if self.distinct { group.len() as i64 } else { group.total() };
            usize::try_from(length).ok()
        };
        let lengths = groups.clone().map(length).collect::<Option<Vec<usize>>>().ok_or_else(too_large)?;
        let total = lengths.iter().try_fold(0_usize, |total, length| total.checked_add(*length));
        if total.is_none_or(|total| i32::try_from(total).is_err()) {
            return Err(too_large());
        }
        let repeat = |(key, count): (&'a C::Key, i64)| {
            let times = if self.distinct { 1 } else { usize::try_from(count).unwrap_or(0) };
            std::iter::repeat_n(Some(key), times)
        };
        let values = codec.columns(groups.flat_map(Multiset::iter).flat_map(repeat))?.swap_remove(0);
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let present: NullBuffer = lengths.iter().map(|length| *length > 0).collect();
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(item, offsets, values, Some(present))?))
    }
}
