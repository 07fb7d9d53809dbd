//! A keyed stream whose rows get other columns while the dataflow goes on: its rows are rewritten from a snapshot, then
//! what changed meanwhile, and take the place of the old ones between two ticks. Keys and versions stay. `ALTER STREAM`
//! of the engine calls it, which knows where values of new columns come from.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use highwater_model::{ChangeBatch, ObjectId, StreamSchema};

use super::build::Tap;
use super::flow::Dataflow;
use super::keyed::Keyed;
use crate::ViewsError;
use crate::store::{Snapshot, Store};

/// Rows rewritten at a time: whoever looks their records up does so in the order of the log, once for all of them.
const ROWS: usize = 65_536;

/// Rows of a keyed stream on their way to other columns. Made by [`Dataflow::begin_widening`], filled by a job, put in
/// place by [`Dataflow::finish_widening`].
#[derive(Debug)]
pub struct Widening {
    id: ObjectId,
    schema: StreamSchema,
    store: Store,
    snapshot: Option<Snapshot>,
    tap: Tap,
}

impl Widening {
    /// Rewrites the rows that there were when it began, and those of ticks since. `rewrite` gives rows of the old columns
    /// the new ones; `progress` is told the share that is done and the bytes held, and may stop it. Called once, first.
    ///
    /// # Errors
    /// When rewriting fails, or `progress` says so.
    pub fn fill<E: From<ViewsError>>(
        &mut self,
        mut rewrite: impl FnMut(RecordBatch) -> Result<RecordBatch, E>,
        mut progress: impl FnMut(f64, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        // Taken: ticks need not copy rows that nobody holds any more.
        if let Some(snapshot) = self.snapshot.take() {
            let mut rows: Vec<RecordBatch> = Vec::new();
            let mut held = 0;
            for index in 0..snapshot.batches() {
                let batch = snapshot.batch(index)?;
                held += batch.num_rows();
                rows.push(batch);
                if held >= ROWS || index + 1 == snapshot.batches() {
                    let all =
                        concat_batches(snapshot.schema(), &std::mem::take(&mut rows)).map_err(ViewsError::from)?;
                    self.store.apply(&[ChangeBatch::inserts(rewrite(all)?)])?;
                    held = 0;
                    progress((index + 1) as f64 / snapshot.batches() as f64, self.store.bytes())?;
                }
            }
        }
        self.catch_up(rewrite)
    }

    /// Rewrites what ticks changed since.
    ///
    /// # Errors
    /// When rewriting fails.
    pub fn catch_up<E: From<ViewsError>>(
        &mut self,
        mut rewrite: impl FnMut(RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<(), E> {
        let left = std::mem::take(&mut *self.tap.lock());
        for changes in left.iter().filter_map(|rows| rows.get(&self.id)) {
            let rewritten = changes
                .iter()
                .map(|change| Ok(ChangeBatch { rows: rewrite(change.rows.clone())?, weights: change.weights.clone() }));
            self.store.apply(&rewritten.collect::<Result<Vec<_>, E>>()?)?;
        }
        Ok(())
    }
}

impl Dataflow {
    /// Begins to give the rows of a keyed stream the columns of `schema`, which has its old ones, as wide or wider.
    ///
    /// # Errors
    /// When there is no such keyed stream, or a column's type cannot be kept.
    pub fn begin_widening(&mut self, id: ObjectId, schema: &StreamSchema) -> Result<Widening, ViewsError> {
        let keyed = Keyed::new(schema, false)?;
        let store = Store::new(Arc::clone(keyed.schema()), &keyed.visible_key())?;
        let snapshot = self.shared.read().stores.get(&id).map(Store::snapshot);
        if !self.keyed.contains_key(&id) || snapshot.is_none() {
            return Err(ViewsError::History(format!("object {id} is not there")));
        }
        let tap = Tap::default();
        self.taps.push((vec![id], tap.clone()));
        Ok(Widening { id, schema: schema.clone(), store, snapshot, tap })
    }

    /// Puts the rows in place, which have caught up with the last tick. Ranked indexes of the old rows are gone.
    ///
    /// # Errors
    /// Only for defects; then nothing has changed.
    pub fn finish_widening(&mut self, widening: Widening) -> Result<(), ViewsError> {
        let Widening { id, schema, store, tap, .. } = widening;
        self.taps.retain(|(_, other)| !Arc::ptr_eq(other, &tap));
        let gone = || ViewsError::History(format!("object {id} is not there"));
        let entry = self.keyed.get_mut(&id).ok_or_else(gone)?;
        entry.keyed.redeclare(&schema)?;
        entry.save_full = true;
        let mut shared = self.shared.write();
        shared.epoch += 1;
        let old = shared.stores.insert(id, store);
        drop(shared);
        drop(old);
        Ok(())
    }
}
