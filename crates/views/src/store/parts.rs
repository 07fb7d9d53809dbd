//! Indexes of a store by single columns of its key, so that rows are found by a part of the key too: the days of one
//! user in a view by day and user. An index is made when a query first asks for it and kept up from then on.

use arrow_array::{Array, ArrayRef};
use arrow_schema::Field;
use parking_lot::RwLock;

use super::rows::Store;
use crate::ViewsError;
use crate::keys::{KeyCodec, KeyTable, SlotGroups};

/// Reading this many rows is quicker than keeping an index.
const FEW_ROWS: usize = 4_096;
/// An index whose keys have more rows than this, on average, finds too many to be worth its memory.
const MOST_ROWS_A_KEY: usize = 1_024;

/// The indexes of one store, by position in its key.
#[derive(Default)]
pub(super) struct Parts(RwLock<Vec<Part>>);

/// What is known of one column.
#[derive(Default)]
enum Part {
    /// Nobody asked.
    #[default]
    Unasked,
    /// Too few different values when there were so many rows.
    Coarse { rows: usize },
    /// An index.
    Index(SlotGroups),
}

impl Parts {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        let parts = self.0.read();
        parts.iter().map(|part| if let Part::Index(index) = part { index.bytes() } else { 0 }).sum()
    }

    /// Forgets everything: the next query makes anew what it needs.
    pub(super) fn clear(&mut self) {
        self.0.get_mut().clear();
    }

    /// Takes in new keys of the store.
    pub(super) fn insert(&mut self, table: &KeyTable, slots: &[u32]) -> Result<(), ViewsError> {
        let parts = self.0.get_mut();
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
        for (part, column) in self.0.get_mut().iter_mut().zip(columns) {
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
    pub(super) fn slots_by_part(&self, column: usize, values: &ArrayRef) -> Result<Option<Vec<u32>>, ViewsError> {
        let Some(position) = self.key().iter().position(|key| *key == column) else { return Ok(None) };
        if self.len() < FEW_ROWS {
            return Ok(None);
        }
        self.prepare_part(position)?;
        let parts = self.parts.0.read();
        let Some(Part::Index(index)) = parts.get(position) else { return Ok(None) };
        let keys = index.codec().encode(std::slice::from_ref(values), values.len())?;
        let hashes = keys.hashes();
        Ok(Some((0..values.len()).flat_map(|row| index.find(&keys, row, hashes[row])).collect()))
    }

    /// Makes the index of a key column, unless it is there or would be of no use.
    fn prepare_part(&self, position: usize) -> Result<(), ViewsError> {
        let rows = self.len();
        let is_settled = |parts: &[Part]| match parts.get(position) {
            None | Some(Part::Unasked) => false,
            Some(Part::Coarse { rows: then }) => rows < then.saturating_mul(4),
            Some(Part::Index(_)) => true,
        };
        if is_settled(&self.parts.0.read()) {
            return Ok(());
        }
        let mut parts = self.parts.0.write();
        if is_settled(&parts) {
            return Ok(()); // another reader was faster
        }
        let field: &Field = self.schema.field(self.key[position]);
        let mut index = SlotGroups::new(KeyCodec::new(std::slice::from_ref(field))?);
        let slots = self.table.occupied();
        for slots in slots.chunks(FEW_ROWS) {
            index.insert(&self.table.decode(slots)?[position..=position], slots)?;
        }
        if parts.len() < self.key.len() {
            parts.resize_with(self.key.len(), Part::default);
        }
        let is_coarse = rows / index.keys().max(1) > MOST_ROWS_A_KEY;
        parts[position] = if is_coarse { Part::Coarse { rows } } else { Part::Index(index) };
        Ok(())
    }
}
