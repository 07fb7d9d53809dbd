//! Ranked indexes that come and go while the dataflow goes on: built from a snapshot, then with what changed meanwhile,
//! put in place between two ticks. Jobs of the engine call it, and views that are built anew.

use std::sync::Arc;

use highwater_model::{ChangeBatch, ObjectId};

use super::build::{Build, Tap};
use super::flow::Dataflow;
use crate::ViewsError;
use crate::ranked::{RankIndex, RankSpec};
use crate::store::{Snapshot, Store};

/// An index under construction. Made by [`Dataflow::begin_index`], filled by a job, put in place by
/// [`Dataflow::finish_index`].
#[derive(Debug)]
pub struct RankBuild {
    relation: ObjectId,
    index: RankIndex,
    snapshot: Option<Snapshot>,
    tap: Tap,
}

impl RankBuild {
    /// Takes in the rows that there were when it began, and what ticks left since. `progress` is told the share that is
    /// done. Called once, first.
    ///
    /// # Errors
    /// Only for defects.
    pub fn fill(&mut self, progress: impl FnMut(f64)) -> Result<(), ViewsError> {
        // Taken: ticks need not copy rows that nobody holds any more.
        if let Some(snapshot) = self.snapshot.take() {
            self.index.fill(&snapshot, progress)?;
        }
        self.catch_up()
    }

    fn catch_up(&mut self) -> Result<(), ViewsError> {
        let left = std::mem::take(&mut *self.tap.lock());
        for changes in left.iter().filter_map(|rows| rows.get(&self.relation)) {
            change(&mut self.index, changes)?;
        }
        Ok(())
    }
}

fn change(index: &mut RankIndex, changes: &[ChangeBatch]) -> Result<(), ViewsError> {
    let patch = index.prepare(changes)?;
    drop(index.apply(patch));
    Ok(())
}

impl Dataflow {
    /// Begins to build an index of a relation's rows.
    ///
    /// # Errors
    /// When the relation is not there, has no key, or the index has a column without an order.
    pub fn begin_index(&mut self, relation: ObjectId, spec: RankSpec) -> Result<RankBuild, ViewsError> {
        let shared = self.shared.read();
        let store = shared.stores.get(&relation).filter(|_| !shared.failed.contains_key(&relation));
        let store = store.ok_or_else(|| ViewsError::History(format!("object {relation} is not there")))?;
        let index = RankIndex::new(spec, store.schema(), store.key())?;
        let (snapshot, tap) = (Some(store.snapshot()), Tap::default());
        drop(shared);
        self.taps.push((vec![relation], tap.clone()));
        Ok(RankBuild { relation, index, snapshot, tap })
    }

    /// Puts an index in place. Gives `false`, and nothing is done, when the relation was dropped or replaced meanwhile.
    ///
    /// # Errors
    /// Only for defects.
    pub fn finish_index(&mut self, mut build: RankBuild) -> Result<bool, ViewsError> {
        self.taps.retain(|(_, tap)| !Arc::ptr_eq(tap, &build.tap));
        build.catch_up()?;
        let mut shared = self.shared.write();
        shared.epoch += 1;
        let Some(store) = shared.stores.get_mut(&build.relation) else { return Ok(false) };
        let fits = store.len() == build.index.len();
        if fits {
            store.add_ranked(build.index);
        }
        Ok(fits)
    }

    /// Removes an index, wherever it is.
    pub fn drop_index(&mut self, id: ObjectId) {
        let mut shared = self.shared.write();
        shared.epoch += 1;
        let dropped: Vec<Option<RankIndex>> = shared.stores.values_mut().map(|store| store.drop_ranked(id)).collect();
        drop(shared);
        drop(dropped);
    }

    /// Gives a view that is built anew the indexes that it has, empty, to be kept while it is built.
    pub(super) fn index_build(&self, build: &mut Build) -> Result<(), ViewsError> {
        let shared = self.shared.read();
        let Some(old) = shared.stores.get(&build.plan.id()) else { return Ok(()) };
        for index in old.ranked() {
            let index = RankIndex::new(index.spec().clone(), build.store.schema(), build.store.key())?;
            build.store.add_ranked(index);
        }
        Ok(())
    }

    /// Makes the indexes of a view that was built anew those that its predecessor has now.
    pub(super) fn same_indexes(&self, id: ObjectId, new: &mut Store) -> Result<(), ViewsError> {
        let shared = self.shared.read();
        let Some(old) = shared.stores.get(&id) else { return Ok(()) };
        let kept = |id: ObjectId| old.ranked().iter().any(|index| index.spec().id == id);
        let gone: Vec<ObjectId> = new.ranked().iter().map(|index| index.spec().id).filter(|id| !kept(*id)).collect();
        gone.into_iter().for_each(|id| drop(new.drop_ranked(id)));
        for index in old.ranked() {
            if new.ranked().iter().all(|other| other.spec().id != index.spec().id) {
                let mut index = RankIndex::new(index.spec().clone(), new.schema(), new.key())?;
                index.fill(&new.snapshot(), |_| {})?;
                new.add_ranked(index);
            }
        }
        Ok(())
    }
}
