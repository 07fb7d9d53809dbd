//! `string_agg`: all texts of a group in order, with a separator between them.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;

use super::Reading;
use crate::AggregateError;
use crate::codec::Codec;
use crate::multiset::Multiset;

/// All texts, joined.
pub(crate) struct Text {
    /// What stands between two texts.
    pub(crate) separator: String,
    /// Each different text once.
    pub(crate) distinct: bool,
}

impl<C: Codec> Reading<C> for Text {
    fn read<'a>(
        &self,
        codec: &C,
        groups: impl Iterator<Item = &'a Multiset<C::Key>> + Clone,
    ) -> Result<ArrayRef, AggregateError>
    where
        C::Key: 'a,
    {
        let texts = codec.columns(groups.clone().flat_map(Multiset::iter).map(|(key, _)| Some(key)))?.swap_remove(0);
        let texts = arrow_cast::cast(&texts, &DataType::LargeUtf8)?;
        let mut texts = texts.as_string::<i64>().iter();
        let mut results = StringBuilder::new();
        let (mut joined, mut length) = (String::new(), 0_i64);
        for group in groups {
            joined.clear();
            for ((_, count), text) in group.iter().zip(texts.by_ref()) {
                let text = text.unwrap_or_default();
                let times = if self.distinct { 1 } else { count };
                let each = (text.len() + self.separator.len()) as i64;
                length = each.checked_mul(times).and_then(|added| length.checked_add(added)).unwrap_or(i64::MAX);
                if length > i64::from(i32::MAX) {
                    return Err(AggregateError::TooLarge("string_agg"));
                }
                for _ in 0..times {
                    joined.push_str(text);
                    joined.push_str(&self.separator);
                }
            }
            joined.truncate(joined.len().saturating_sub(self.separator.len()));
            results.append_option((group.len() > 0).then_some(joined.as_str()));
        }
        Ok(Arc::new(results.finish()))
    }
}
