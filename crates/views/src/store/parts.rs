//! Indexes of a store by single columns of its key, so that rows are found by a part of the key too: the days of one
//! user in a view by day and user. A column gets one when the store has grown so large that reading all rows is slow,
//! unless it has too few different values for that.

use arrow_array::{Array, ArrayRef};
use arrow_schema::Field;

use super::rows::Store;
use crate::ViewsError;
use crate::keys::{KeyCodec, KeyTable, SlotGroups};

/// Reading this many rows is quicker than keeping an index.
const FEW_ROWS: usize = 4_096;
/// So many rows, spread over the store, are looked at to tell whether an index is worth its memory.
const SAMPLE: usize = 1_024;
/// Fewer different values than this among them, and it is not: each would have a large share of all rows.
const LEAST_VALUES: usize = 32;

/// The indexes of one store, by position in its key.
#[derive(Default)]
pub(super) struct Parts(Vec<Part>);

/// What is known of one column.
#[derive(Default)]
enum Part {
    /// Nothing yet.
    #[default]
    Unknown,
    /// Too few different values when there were so many rows.
    Coarse { rows: usize },
    /// An index.
    Index(SlotGroups),
}

impl Parts {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|part| if let Part::Index(index) = part { index.bytes() } else { 0 }).sum()
    }

    /// Forgets everything: what is needed is made anew.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes in new keys of the store.
    pub(super) fn insert(&mut self, table: &KeyTable, slots: &[u32]) -> Result<(), ViewsError> {
        let parts = &mut self.0;
        if slots.is_empty() || !parts.iter().any(|part| matches!(part, Part::Index(_))) {
            return Ok(());
        }
        for (part, column) in parts.iter_mut().zip(table.decode(slots)?) {
            if let Part::Index(index) = part {
                index.insert(&[column], slots)?;
            }
        }
        Ok(())
    }

    /// Lets go of keys of the store; `columns` are their key columns.
    pub(super) fn remove(&mut self, columns: &[ArrayRef], slots: &[u32]) -> Result<(), ViewsError> {
        for (part, column) in self.0.iter_mut().zip(columns) {
            if let Part::Index(index) = part {
                index.remove(std::slice::from_ref(column), slots)?;
            }
        }
        Ok(())
    }
}

impl Store {
    /// The slots of all rows whose key has one of these (different) values in a column; `None` when reading all rows
    /// is the better way. `column` counts the store's columns.
    pub(crate) fn slots_by_part(&self, column: usize, values: &ArrayRef) -> Result<Option<Vec<u32>>, ViewsError> {
        let position = self.key().iter().position(|key| *key == column);
        let Some(Part::Index(index)) = position.and_then(|position| self.parts.0.get(position)) else {
            return Ok(None);
        };
        let keys = index.codec().encode(std::slice::from_ref(values), values.len())?;
        let hashes = keys.hashes();
        Ok(Some((0..values.len()).flat_map(|row| index.find(&keys, row, hashes[row])).collect()))
    }

    /// Makes the indexes that the store has grown to want.
    pub(crate) fn index_parts(&mut self) -> Result<(), ViewsError> {
        let (rows, columns) = (self.len(), self.key().len());
        if rows < FEW_ROWS || columns < 2 {
            return Ok(());
        }
        self.parts.0.resize_with(columns, Part::default);
        for position in 0..columns {
            let is_settled = match &self.parts.0[position] {
                Part::Unknown => false,
                Part::Coarse { rows: then } => rows < then.saturating_mul(4),
                Part::Index(_) => true,
            };
            if !is_settled {
                self.parts.0[position] = self.part(position)?;
            }
        }
        Ok(())
    }

    /// The index of a key column, or that it would be of no use, which some of the rows tell.
    fn part(&self, position: usize) -> Result<Part, ViewsError> {
        let rows = self.len();
        let field: &Field = self.schema.field(self.key[position]);
        let empty = || Ok::<_, ViewsError>(SlotGroups::new(KeyCodec::new(std::slice::from_ref(field))?));
        let slots = self.table.occupied();
        let sample: Vec<u32> = slots.iter().copied().step_by(slots.len() / SAMPLE + 1).collect();
        let mut sampled = empty()?;
        sampled.insert(&self.table.decode(&sample)?[position..=position], &sample)?;
        if sampled.keys() < LEAST_VALUES {
            return Ok(Part::Coarse { rows });
        }
        let mut index = empty()?;
        for slots in slots.chunks(FEW_ROWS) {
            index.insert(&self.table.decode(slots)?[position..=position], slots)?;
        }
        Ok(Part::Index(index))
    }
}
