//! What a dataflow hands over to be kept: each object's operators and rows, whole or since the last time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use highwater_model::{ObjectId, Offsets};

use crate::ViewsError;
use crate::dataflow::EventTime;

/// What one object (keyed stream, table or view) remembers.
#[derive(Clone, Debug)]
pub struct ObjectSave {
    /// The object.
    pub id: ObjectId,
    /// Whether this is all of it; otherwise it adds to the save before.
    pub full: bool,
    /// Tells one query and plan from another.
    pub signature: u32,
    /// Offsets of looked-up tables when the view was built.
    pub lookups_at: Offsets,
    /// Its operators' batches in order; the last part is its store.
    pub parts: Vec<Vec<RecordBatch>>,
}

impl ObjectSave {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().flatten().map(RecordBatch::get_array_memory_size).sum()
    }

    /// The columns of the rows that it holds; `None` when it holds none.
    #[must_use]
    pub fn row_schema(&self) -> Option<Schema> {
        let rows = self.parts.last()?.get(1)?.schema();
        rows.project(&(0..rows.fields().len() - 1).collect::<Vec<_>>()).ok()
    }

    /// Rewrites its rows, of which each takes the place of one: `rewrite` gives them other columns.
    ///
    /// # Errors
    /// When rewriting fails.
    pub fn rewrite_rows<E: From<ViewsError>>(
        &mut self,
        rewrite: impl FnOnce(RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<(), E> {
        let Some(rows) = self.parts.last_mut().and_then(|part| part.get_mut(1)) else { return Ok(()) };
        // The last column says how often each occurs.
        let last = rows.num_columns() - 1;
        let weights = (rows.schema().field(last).clone(), rows.column(last).clone());
        let declared = rows.project(&(0..last).collect::<Vec<_>>()).map_err(ViewsError::from)?;
        let rewritten = rewrite(declared)?;
        let mut fields: Vec<Field> = rewritten.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut columns = rewritten.columns().to_vec();
        fields.push(weights.0);
        columns.push(weights.1);
        *rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(ViewsError::from)?;
        Ok(())
    }

    /// Drops the batches of a delta in which nothing changed.
    pub(crate) fn drop_empty(&mut self) {
        let nothing = self.parts.iter().flatten().all(|batch| batch.num_rows() == 0);
        if !self.full && nothing {
            self.parts.iter_mut().for_each(Vec::clear);
        }
    }
}

/// A dataflow's state, or what changed of it since the last save.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The events it covers.
    pub offsets: Offsets,
    /// How far event time had come.
    pub times: BTreeMap<ObjectId, EventTime>,
    /// Whether every object is whole.
    pub full: bool,
    /// The objects, without what was taken of them before.
    pub objects: Vec<ObjectSave>,
    /// Those that count: what was taken before of others does not.
    pub present: Vec<ObjectId>,
}

impl Saved {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.objects.iter().map(ObjectSave::bytes).sum()
    }
}
