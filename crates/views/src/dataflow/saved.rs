//! Saving and restoring a dataflow: what each object remembers, tied to the offsets it covers.

use std::sync::Arc;

use highwater_model::{ObjectId, Offsets, StreamSchema};

use super::flow::{Dataflow, KeyedEntry, ViewEntry};
use super::keyed::Keyed;
use super::pipeline::ViewPlan;
use crate::ViewsError;
use crate::checkpoint::{ObjectSave, Saved};
use crate::operator::State;
use crate::store::Store;

impl Dataflow {
    /// What changed since the last save, or everything when `full`. An object that was never saved is always whole.
    ///
    /// # Errors
    /// Only for defects.
    pub fn save(&mut self, full: bool) -> Result<Saved, ViewsError> {
        let mut shared = self.shared.write();
        let mut objects = Vec::new();
        for (id, entry) in &mut self.keyed {
            let whole = full || std::mem::take(&mut entry.save_full);
            let Some(store) = shared.stores.get_mut(id) else { continue };
            let parts = vec![entry.keyed.save(whole)?, store.save(whole)?];
            objects.push(ObjectSave { id: *id, full: whole, signature: 0, lookups_at: Offsets::default(), parts });
        }
        for view in &mut self.views {
            let id = view.plan.id();
            if shared.failed.contains_key(&id) {
                continue; // it is built anew after a restart
            }
            let whole = full || std::mem::take(&mut view.save_full);
            let mut parts = view.plan.save(whole)?;
            let Some(store) = shared.stores.get_mut(&id) else { continue };
            parts.push(store.save(whole)?);
            let lookups_at = view.lookups_at.clone();
            objects.push(ObjectSave { id, full: whole, signature: view.plan.signature, lookups_at, parts });
        }
        objects.iter_mut().for_each(ObjectSave::drop_empty);
        Ok(Saved { offsets: shared.offsets.clone(), full, objects })
    }

    /// Sets the offsets that restored objects cover, and where epochs begin (higher than in any run before, so that
    /// versions of two runs never share a name). Before the first tick.
    pub fn restore_offsets(&mut self, offsets: Offsets, epoch: u64) {
        let mut shared = self.shared.write();
        shared.offsets = offsets;
        shared.epoch += epoch;
    }

    /// Restores a keyed stream or table from its saves, oldest first.
    ///
    /// # Errors
    /// [`ViewsError::BadState`] when they do not fit; then nothing is added.
    pub fn restore_keyed(
        &mut self,
        id: ObjectId,
        schema: &StreamSchema,
        is_table: bool,
        saves: Vec<ObjectSave>,
    ) -> Result<(), ViewsError> {
        let mut keyed = Keyed::new(schema, is_table)?;
        let mut store = Store::new(keyed.schema().clone(), &keyed.visible_key())?;
        for save in saves {
            let [versions, rows]: [_; 2] = save.parts.try_into().map_err(|_| bad_parts())?;
            keyed.load(versions)?;
            load_store(&mut store, &rows)?;
        }
        self.shared.write().stores.insert(id, store);
        self.keyed.insert(id, KeyedEntry { keyed, save_full: false });
        Ok(())
    }

    /// Restores a view from its saves, oldest first. What it looks up must be restored already.
    ///
    /// # Errors
    /// [`ViewsError::BadState`] when they do not fit the plan; then the view must be built anew.
    pub fn restore_view(&mut self, mut plan: ViewPlan, saves: Vec<ObjectSave>) -> Result<(), ViewsError> {
        {
            let shared = self.shared.read();
            plan.bind(&|table| shared.stores.get(&table).map(Store::snapshot))?;
        }
        let mut store = Store::new(Arc::clone(plan.schema()), plan.key())?;
        let mut lookups_at = Offsets::default();
        for mut save in saves {
            if save.signature != plan.signature {
                return Err(ViewsError::BadState("the view's query or its plan is another".to_owned()));
            }
            let rows = save.parts.pop().ok_or_else(bad_parts)?;
            if !save.parts.iter().all(Vec::is_empty) || !rows.is_empty() {
                plan.load(save.parts)?;
                load_store(&mut store, &rows)?;
            }
            lookups_at = save.lookups_at;
        }
        self.shared.write().stores.insert(plan.id(), store);
        self.views.push(ViewEntry { plan, lookups_at, save_full: false });
        Ok(())
    }
}

fn load_store(store: &mut Store, rows: &[arrow_array::RecordBatch]) -> Result<(), ViewsError> {
    if rows.is_empty() { Ok(()) } else { store.load(rows) }
}

fn bad_parts() -> ViewsError {
    ViewsError::BadState("an object with another number of parts".to_owned())
}
