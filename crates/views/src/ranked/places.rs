//! Which rows a query asks a ranked index for: those of some keys, or those of some places.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, RecordBatch};

use super::index::RankIndex;
use crate::ViewsError;
use crate::store::Store;

/// Rows to be found; a filter behind may leave fewer.
#[derive(Clone, Debug)]
pub enum RankRows {
    /// Those with these keys, one array for each column of the relation's key.
    Keys(Vec<ArrayRef>),
    /// Those with one of these values in a column of the relation's key.
    Part(usize, ArrayRef),
    /// Those of some ranks.
    Places {
        /// In these partitions, one array for each column of the partition; `None`: in all.
        partitions: Option<Vec<ArrayRef>>,
        /// Which ranks.
        range: PlaceRange,
    },
}

/// Ranks by the first `order` columns of an index, first and last included, from 1. All columns give row numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRange {
    /// Lowest rank.
    pub first: u64,
    /// Highest rank.
    pub last: u64,
    /// Columns behind the partition's that are compared.
    pub order: usize,
    /// In the opposite order.
    pub reversed: bool,
}

impl Store {
    /// The rows asked for, and perhaps others; `None` when they are more than `most` or when only reading all rows finds
    /// them.
    ///
    /// # Errors
    /// When values are not of their columns' types.
    pub fn ranked_rows(
        &self,
        index: &RankIndex,
        wanted: &RankRows,
        most: usize,
    ) -> Result<Option<RecordBatch>, ViewsError> {
        let rows = match wanted {
            RankRows::Keys(keys) => Some(self.lookup(keys)?),
            RankRows::Part(column, values) => self
                .slots_by_part(*column, values)?
                .filter(|slots| slots.len() <= most)
                .map(|slots| self.gather(&slots))
                .transpose()?,
            RankRows::Places { partitions, range } => {
                let Some(places) = index.places(partitions.as_deref(), *range, most)? else { return Ok(None) };
                let mut keys = Vec::new();
                places.into_iter().for_each(|places| index.keys_at(places, &mut keys));
                Some(self.rows_of_keys(index, &keys)?)
            }
        };
        Ok(rows.filter(|rows| rows.num_rows() <= most))
    }
}

impl RankIndex {
    /// The places of some ranks in each partition; `None` when they are more than `most`.
    fn places(
        &self,
        partitions: Option<&[ArrayRef]>,
        range: PlaceRange,
        most: usize,
    ) -> Result<Option<Vec<Range<usize>>>, ViewsError> {
        let (mut found, mut total) = (Vec::new(), 0);
        let mut add = |partition: Range<usize>| -> Result<bool, ViewsError> {
            let places = self.places_in(partition, range)?;
            total += places.len();
            if !places.is_empty() {
                found.push(places);
            }
            Ok(total <= most)
        };
        match partitions {
            Some(columns) if !columns.is_empty() => {
                if columns[0].is_empty() {
                    return Ok(Some(Vec::new()));
                }
                for start in self.order.starts(columns)?.iter() {
                    if !add(self.partition(start.data()))? {
                        return Ok(None);
                    }
                }
            }
            _ => {
                let mut at = 0;
                while let Some(start) = self.start_at(at, self.order.partition())? {
                    let partition = self.partition(&start);
                    at = partition.end;
                    if !add(partition)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(found))
    }

    /// The places of some ranks in one partition, and perhaps of others.
    fn places_in(&self, partition: Range<usize>, range: PlaceRange) -> Result<Range<usize>, ViewsError> {
        let rows = partition.len();
        let skipped = usize::try_from(range.first.saturating_sub(1)).unwrap_or(usize::MAX);
        let last = usize::try_from(range.last).unwrap_or(usize::MAX).min(rows);
        if skipped >= last {
            return Ok(0..0);
        }
        let Range { start, end } = partition;
        // Nobody of rank r stands before the r-th place; but behind the last place others may share its rank.
        let columns = self.order.partition() + range.order;
        let shared = |place: usize| self.start_at(place, columns);
        Ok(match (range.order, range.reversed) {
            (0, _) => start..end,
            (_, false) if last == rows => start + skipped..end,
            (_, true) if last == rows => start..end - skipped,
            (_, false) => {
                let end = shared(start + last - 1)?.map_or(end, |key| self.after(&key));
                start + skipped..end
            }
            (_, true) => {
                let start = shared(end - last)?.map_or(start, |key| self.before(&key));
                start..end - skipped
            }
        })
    }
}
