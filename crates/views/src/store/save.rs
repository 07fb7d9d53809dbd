//! What checkpoints keep of a store: rows changed and keys gone since the last save.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use super::chunk::CHUNK_ROWS;
use super::rows::Store;
use crate::ViewsError;
use crate::operator::{Part, marked};

/// Name of the column that holds how often a row occurs.
const WEIGHT: &str = "_weight";

/// Rows changed and keys gone since the last save.
pub(crate) struct Unsaved {
    gone: Vec<Vec<ArrayRef>>,
    slots: Vec<u32>,
}

impl Store {
    /// Begins a checkpoint: of all rows when `full`, else of those changed since the last one.
    pub(crate) fn begin_save(&mut self, full: bool) {
        if full {
            self.gone_unsaved.clear();
            self.table.mark_occupied(&mut self.unsaved);
        }
    }

    /// Rows that changed and were not gathered since.
    pub(crate) fn unsaved(&self) -> usize {
        marked(&self.unsaved)
    }

    /// Takes a part of what changed since the last save, to be gathered by [`Store::save`] before anything changes again:
    /// readers must wait for this, not for that.
    pub(crate) fn take_unsaved(&mut self, part: Part) -> Unsaved {
        Unsaved { gone: self.gone_unsaved.take(), slots: part.take_marked(&mut self.unsaved) }
    }

    /// Two batches: key columns of rows gone since the last save, and the rows written since, with how often each occurs.
    ///
    /// # Errors
    /// Only when memory holds what was never written: a defect.
    pub(crate) fn save(&self, unsaved: Unsaved) -> Result<Vec<RecordBatch>, ViewsError> {
        let Unsaved { gone, slots } = unsaved;
        let key_schema = self.key_schema();
        let gone = gone.into_iter().map(|keys| {
            let options = RecordBatchOptions::new().with_row_count(Some(keys.first().map_or(1, |column| column.len())));
            RecordBatch::try_new_with_options(Arc::clone(&key_schema), keys, &options)
        });
        let gone = gone.collect::<Result<Vec<_>, _>>()?;
        let rows = self.gather(&slots)?;
        let weights: UInt32Array = slots.iter().map(|slot| self.weight(*slot)).collect();
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(weights));
        Ok(vec![concat_batches(&key_schema, &gone)?, RecordBatch::try_new(self.saved_schema(), columns)?])
    }

    /// Takes in what [`Store::save`] gave.
    ///
    /// # Errors
    /// When it is of another layout.
    pub(crate) fn load(&mut self, saved: &[RecordBatch]) -> Result<(), ViewsError> {
        let [gone, rows] = saved else { return Err(ViewsError::BadState("a store of another layout".to_owned())) };
        if rows.schema() != self.saved_schema() || gone.schema() != self.key_schema() {
            return Err(ViewsError::BadState("a store with other columns".to_owned()));
        }
        let keys = self.table.codec().encode(gone.columns(), gone.num_rows())?;
        let hashes = keys.hashes();
        let slots: Vec<u32> = (0..gone.num_rows()).filter_map(|row| self.table.find(&keys, row, hashes[row])).collect();
        for slot in &slots {
            Arc::make_mut(&mut self.chunks[*slot as usize / CHUNK_ROWS]).set_weight(*slot as usize % CHUNK_ROWS, 0);
        }
        self.table.remove(&slots);
        self.parts.clear();
        let weights = rows.column(rows.num_columns() - 1).as_any().downcast_ref::<UInt32Array>();
        let weights = weights.ok_or_else(|| ViewsError::BadState("a store without weights".to_owned()))?;
        self.overwrite(&rows.project(&(0..rows.num_columns() - 1).collect::<Vec<_>>())?, weights.values())?;
        self.unsaved.fill(false);
        self.gone_unsaved.clear();
        Ok(())
    }

    pub(super) fn key_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self.key.iter().map(|column| self.schema.field(*column).clone()).collect();
        Arc::new(Schema::new(fields))
    }

    fn saved_schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(WEIGHT, DataType::UInt32, false));
        Arc::new(Schema::new(fields))
    }
}
