//! What window functions say of some rows, from a ranked index: the same values that computing the windows over all rows
//! would give.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow_select::take::take;

use super::index::{RankIndex, Standing};
use super::order::rows_of;
use crate::ViewsError;
use crate::store::Store;

/// A window function over the partitions of an index. `order` is how many of the index's columns behind the partition's
/// are compared; `reversed` means in the opposite order of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RankCall {
    /// `rank()`.
    Rank {
        /// Columns compared.
        order: usize,
        /// In the opposite order.
        reversed: bool,
    },
    /// `percent_rank()`.
    PercentRank {
        /// Columns compared.
        order: usize,
        /// In the opposite order.
        reversed: bool,
    },
    /// `cume_dist()`.
    CumeDist {
        /// Columns compared.
        order: usize,
        /// In the opposite order.
        reversed: bool,
    },
    /// `row_number()`.
    RowNumber {
        /// In the opposite order.
        reversed: bool,
    },
    /// `count(*)` of the whole partition.
    Count,
    /// `lag` (below 0) and `lead`: what the row so many places further on in the partition has; NULL behind its ends.
    Shifted {
        /// Of which the value is taken.
        source: RankSource,
        /// Places further on.
        by: i64,
    },
}

/// What a row has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RankSource {
    /// A column of the relation.
    Column(usize),
    /// A window function.
    Call(Box<RankCall>),
}

/// Rows, and for each row asked for which of them it is.
type Others = (RecordBatch, UInt32Array);

/// Values of one set of rows of a store.
struct Evaluation<'a> {
    store: &'a Store,
    index: &'a RankIndex,
    rows: &'a RecordBatch,
    standings: Vec<Standing>,
    /// The beginnings of the rows' keys, by number of columns.
    starts: HashMap<usize, Vec<Vec<u8>>>,
    /// The rows so many places further on.
    others: HashMap<i64, Others>,
}

impl Store {
    /// What these calls give for rows of this store, by one of its indexes.
    ///
    /// # Errors
    /// Only for defects: rows that are not the store's.
    pub fn rank(&self, index: &RankIndex, rows: &RecordBatch, calls: &[RankCall]) -> Result<Vec<ArrayRef>, ViewsError> {
        let mut evaluation = Evaluation::new(self, index, rows)?;
        calls.iter().map(|call| evaluation.call(call)).collect()
    }
}

impl<'a> Evaluation<'a> {
    fn new(store: &'a Store, index: &'a RankIndex, rows: &'a RecordBatch) -> Result<Self, ViewsError> {
        let columns = index.columns().len();
        let partitions = index.starts_of(rows, index.order.partition())?;
        let keys = index.starts_of(rows, columns)?;
        let mut standings: Vec<Standing> = Vec::with_capacity(keys.len());
        for (row, (partition, key)) in partitions.iter().zip(&keys).enumerate() {
            // Rows of one partition often come together.
            let known = row.checked_sub(1).filter(|before| partitions[*before] == *partition);
            standings.push(match known.map(|before| standings[before]) {
                Some(Standing { start, end, .. }) => Standing { start, end, place: index.before(key) },
                None => index.standing(partition, key),
            });
        }
        let starts = HashMap::from([(columns, keys)]);
        Ok(Self { store, index, rows, standings, starts, others: HashMap::new() })
    }

    fn call(&mut self, call: &RankCall) -> Result<ArrayRef, ViewsError> {
        Ok(match call {
            RankCall::Rank { order, reversed } => {
                let ranks = self.ranks(*order, *reversed)?;
                Arc::new(UInt64Array::from_iter_values(ranks.into_iter().map(|rank| rank as u64)))
            }
            RankCall::PercentRank { order, reversed } => {
                let ranks = self.ranks(*order, *reversed)?;
                let share = |(rank, at): (usize, &Standing)| match at.end - at.start {
                    0 | 1 => 0.0,
                    rows => (rank as f64 - 1.0) / (rows as f64 - 1.0),
                };
                Arc::new(Float64Array::from_iter_values(ranks.into_iter().zip(&self.standings).map(share)))
            }
            RankCall::CumeDist { order, reversed } => {
                // Those who are not behind: all but the ranks that the opposite order counts before.
                let ranks = self.ranks(*order, !*reversed)?;
                let share = |(rank, at): (usize, &Standing)| {
                    let rows = at.end - at.start;
                    (rows + 1 - rank) as f64 / rows as f64
                };
                Arc::new(Float64Array::from_iter_values(ranks.into_iter().zip(&self.standings).map(share)))
            }
            RankCall::RowNumber { reversed } => {
                let number = |at: &Standing| if *reversed { at.end - at.place } else { at.place - at.start + 1 };
                Arc::new(UInt64Array::from_iter_values(self.standings.iter().map(|at| number(at) as u64)))
            }
            RankCall::Count => {
                Arc::new(Int64Array::from_iter_values(self.standings.iter().map(|at| (at.end - at.start) as i64)))
            }
            RankCall::Shifted { source, by } => self.shifted(source, *by)?,
        })
    }

    /// The rank of each row, from 1.
    fn ranks(&mut self, order: usize, reversed: bool) -> Result<Vec<usize>, ViewsError> {
        let columns = self.index.order.partition() + order;
        if !self.starts.contains_key(&columns) {
            self.starts.insert(columns, self.index.starts_of(self.rows, columns)?);
        }
        let starts = self.starts.get(&columns).map(Vec::as_slice).unwrap_or_default();
        let mut ranks: Vec<usize> = Vec::with_capacity(starts.len());
        for (row, (start, at)) in starts.iter().zip(&self.standings).enumerate() {
            // Rows that tie often come together.
            let tied = row.checked_sub(1).filter(|before| starts[*before] == *start);
            ranks.push(match (tied, order, reversed) {
                (Some(before), ..) => ranks[before],
                (None, 0, _) => 1,
                (None, _, false) => self.index.before(start) - at.start + 1,
                (None, _, true) => at.end - self.index.after(start) + 1,
            });
        }
        Ok(ranks)
    }

    fn shifted(&mut self, source: &RankSource, by: i64) -> Result<ArrayRef, ViewsError> {
        if !self.others.contains_key(&by) {
            let others = self.rows_shifted(by)?;
            self.others.insert(by, others);
        }
        let Some((rows, which)) = self.others.get(&by) else { return Err(unfit()) };
        let values = match source {
            RankSource::Column(column) => rows.column(*column).clone(),
            RankSource::Call(call) => Evaluation::new(self.store, self.index, rows)?.call(call)?,
        };
        Ok(take(&values, which, None)?)
    }

    /// The rows so many places further on in their partitions.
    fn rows_shifted(&self, by: i64) -> Result<Others, ViewsError> {
        let mut keys = Vec::new();
        let target = |at: &Standing| {
            let place = i64::try_from(at.place).ok()?.checked_add(by)?;
            usize::try_from(place).ok().filter(|place| (at.start..at.end).contains(place))
        };
        let which: UInt32Array = self
            .standings
            .iter()
            .map(|at| {
                let place = target(at)?;
                self.index.keys_at(place..place + 1, &mut keys);
                Some(keys.len() as u32 - 1)
            })
            .collect();
        Ok((self.store.rows_of_keys(self.index, &keys)?, which))
    }
}

impl Store {
    /// The rows that these keys of an index belong to, in their order.
    pub(super) fn rows_of_keys(&self, index: &RankIndex, keys: &[Vec<u8>]) -> Result<RecordBatch, ViewsError> {
        let columns = if keys.is_empty() { Vec::new() } else { index.order.read(keys)? };
        if rows_of(&columns) == 0 {
            return self.gather(&[]);
        }
        let rows = self.lookup(&index.order.key_of(&columns))?;
        if rows.num_rows() == keys.len() { Ok(rows) } else { Err(unfit()) }
    }
}

fn unfit() -> ViewsError {
    ViewsError::Invariant("a ranked index has rows that its relation has not".to_owned())
}
