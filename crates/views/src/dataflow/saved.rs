//! Saving and restoring a dataflow: what each object remembers, tied to the offsets it covers.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_model::{ObjectId, Offsets, StreamSchema};

use super::event_time::EventTime;
use super::flow::{Dataflow, KeyedEntry, ViewEntry};
use super::keyed::Keyed;
use super::pipeline::ViewPlan;
use crate::ViewsError;
use crate::checkpoint::{ObjectSave, Saved};
use crate::operator::{Part, State};
use crate::store::Store;

/// A checkpoint under way: gathered in parts between ticks, complete with [`Dataflow::finish_save`].
#[derive(Debug)]
pub struct Saving {
    full: bool,
    /// What was begun: each object with its signature and the offsets of what it looks up.
    begun: BTreeMap<ObjectId, (u32, Offsets)>,
    gathered: Vec<ObjectSave>,
    bytes: usize,
    /// What this round still has to gather, last first: objects in parts.
    steps: Vec<(ObjectId, Part)>,
    rounds: u32,
}

impl Saving {
    /// Bytes gathered and not taken.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what was gathered so far, in order: whoever writes it need not wait for the rest.
    pub fn take(&mut self) -> Vec<ObjectSave> {
        self.bytes = 0;
        std::mem::take(&mut self.gathered)
    }

    /// How often everything that had changed was gathered.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }
}

/// Rows gathered at a time.
const PART_ROWS: usize = 2_048;

impl Dataflow {
    /// Begins a checkpoint: of everything when `full`, else of what changed since the last one. An object that was never
    /// saved is always whole. What was gathered for a checkpoint that was not finished is lost: the next must be full.
    ///
    /// # Errors
    /// Only for defects.
    pub fn begin_save(&mut self, full: bool) -> Result<Saving, ViewsError> {
        let mut saving =
            Saving { full, begun: BTreeMap::new(), gathered: Vec::new(), bytes: 0, steps: Vec::new(), rounds: 0 };
        for id in self.objects() {
            self.begin_object(id, full, &mut saving)?;
        }
        self.plan_round(&mut saving)?;
        Ok(saving)
    }

    /// Gathers at least `rows` more rows. Gives how many there are left, once everything that had changed when the round
    /// began is gathered: a next round gathers what has changed since.
    ///
    /// # Errors
    /// Only for defects.
    pub fn save_some(&mut self, saving: &mut Saving, rows: usize) -> Result<Option<usize>, ViewsError> {
        for _ in 0..rows.div_ceil(PART_ROWS) {
            let Some((id, part)) = saving.steps.pop() else { break };
            self.gather(id, part, saving)?;
        }
        if !saving.steps.is_empty() {
            return Ok(None);
        }
        saving.rounds += 1;
        self.plan_round(saving).map(Some)
    }

    /// Gathers the rest at once: the checkpoint of the current version.
    ///
    /// # Errors
    /// Only for defects.
    pub fn finish_save(&mut self, mut saving: Saving) -> Result<Saved, ViewsError> {
        let objects = self.objects();
        for id in &objects {
            // Put in place since the checkpoint began.
            self.begin_object(*id, false, &mut saving)?;
        }
        // In parts too: readers get in between. No tick does, so that nothing is left behind.
        saving.steps.clear();
        self.plan_round(&mut saving)?;
        while let Some((id, part)) = saving.steps.pop() {
            self.gather(id, part, &mut saving)?;
        }
        // What only went, and clocks, count no rows.
        for id in &objects {
            self.gather(*id, Part::ALL, &mut saving)?;
        }
        saving.gathered.retain(|object| objects.contains(&object.id));
        let shared = self.shared.read();
        let (offsets, times) = (shared.offsets.clone(), shared.times.clone());
        Ok(Saved { offsets, times, full: saving.full, objects: saving.gathered, present: objects })
    }

    /// Saves at once; see [`Dataflow::begin_save`].
    ///
    /// # Errors
    /// Only for defects.
    pub fn save(&mut self, full: bool) -> Result<Saved, ViewsError> {
        let saving = self.begin_save(full)?;
        self.finish_save(saving)
    }

    /// What a checkpoint holds. A view that stopped is built anew after a restart.
    fn objects(&self) -> Vec<ObjectId> {
        let shared = self.shared.read();
        let views = self.views.iter().map(|view| view.plan.id());
        self.keyed.keys().copied().chain(views).filter(|id| !shared.failed.contains_key(id)).collect()
    }

    /// Begins an object that is to be saved whole; with `full` unset, only one that was never saved.
    fn begin_object(&mut self, id: ObjectId, full: bool, saving: &mut Saving) -> Result<(), ViewsError> {
        let begun = saving.begun.contains_key(&id);
        let mut shared = self.shared.write();
        let Some(store) = shared.stores.get_mut(&id) else { return Ok(()) };
        let (whole, signature, lookups_at, states) = if let Some(entry) = self.keyed.get_mut(&id) {
            let whole = std::mem::take(&mut entry.save_full) || full;
            if whole || !begun {
                entry.keyed.begin_save(whole);
            }
            (whole, 0, Offsets::default(), 1)
        } else if let Some(view) = self.views.iter_mut().find(|view| view.plan.id() == id) {
            let whole = std::mem::take(&mut view.save_full) || full;
            if whole || !begun {
                view.plan.begin_save(whole)?;
            }
            (whole, view.plan.signature, view.lookups_at.clone(), view.plan.states()?)
        } else {
            return Ok(());
        };
        if !whole && begun {
            return Ok(());
        }
        store.begin_save(whole);
        if whole {
            // What was gathered of a view that another took the place of. What was taken of it does not count either: this
            // is all of it.
            saving.gathered.retain(|object| object.id != id);
        }
        let parts = vec![Vec::new(); states + 1];
        saving.begun.insert(id, (signature, lookups_at.clone()));
        saving.gathered.push(ObjectSave { id, full: whole, signature, lookups_at, parts });
        Ok(())
    }

    /// Plans a round: everything that has changed, in parts of some thousand rows. Gives how many rows that is.
    fn plan_round(&mut self, saving: &mut Saving) -> Result<usize, ViewsError> {
        let mut total = 0;
        for id in self.objects() {
            let stored = self.shared.read().stores.get(&id).map_or(0, Store::unsaved);
            let remembered = if let Some(entry) = self.keyed.get(&id) {
                entry.keyed.unsaved()
            } else if let Some(view) = self.views.iter_mut().find(|view| view.plan.id() == id) {
                view.plan.unsaved()?
            } else {
                0
            };
            let rows = stored + remembered;
            total += rows;
            if rows > 0 {
                let of = rows.div_ceil(PART_ROWS);
                saving.steps.extend((0..of).map(|index| (id, Part { index, of })));
            }
        }
        saving.steps.reverse();
        Ok(total)
    }

    /// Gathers a part of an object, if it is still there and was begun.
    fn gather(&mut self, id: ObjectId, part: Part, saving: &mut Saving) -> Result<(), ViewsError> {
        let Some((signature, lookups_at)) = saving.begun.get(&id).cloned() else { return Ok(()) };
        let mut parts = if let Some(entry) = self.keyed.get_mut(&id) {
            if entry.save_full {
                return Ok(()); // with other columns than when it was begun: finishing will save it whole
            }
            vec![entry.keyed.save(part)?]
        } else if let Some(view) = self.views.iter_mut().find(|view| view.plan.id() == id) {
            if view.save_full {
                return Ok(()); // another view of this name, which finishing will save whole
            }
            view.plan.save(part)?
        } else {
            return Ok(());
        };
        let unsaved = self.shared.write().stores.get_mut(&id).map(|store| store.take_unsaved(part));
        let shared = self.shared.read();
        let (Some(store), Some(unsaved)) = (shared.stores.get(&id), unsaved) else { return Ok(()) };
        parts.push(store.save(unsaved)?);
        drop(shared);
        let mut save = ObjectSave { id, full: false, signature, lookups_at, parts };
        save.drop_empty();
        if save.parts.iter().any(|part| !part.is_empty()) {
            saving.bytes += save.bytes();
            saving.gathered.push(save);
        }
        Ok(())
    }

    /// Sets the offsets that restored objects cover, and where epochs begin (higher than in any run before, so that
    /// versions of two runs never share a name). Before the first tick.
    pub fn restore_offsets(&mut self, offsets: Offsets, times: BTreeMap<ObjectId, EventTime>, epoch: u64) {
        let mut shared = self.shared.write();
        shared.offsets = offsets;
        shared.times = times;
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
        store.index_parts()?;
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
        store.index_parts()?;
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
