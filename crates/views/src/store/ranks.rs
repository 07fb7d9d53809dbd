//! The ranked indexes of a store: which there are, and how a tick changes them together with the rows.

use highwater_model::{ChangeBatch, ObjectId};

use super::rows::Store;
use crate::ViewsError;
use crate::ranked::{RankGarbage, RankIndex, RankPatch};

impl Store {
    /// Its ranked indexes.
    #[must_use]
    pub fn ranked(&self) -> &[RankIndex] {
        &self.ranked
    }

    /// Adds an index, which holds the store's rows, or takes the place of the one of its id.
    pub(crate) fn add_ranked(&mut self, index: RankIndex) {
        self.drop_ranked(index.spec().id);
        self.ranked.push(index);
    }

    /// Removes an index.
    pub(crate) fn drop_ranked(&mut self, id: ObjectId) -> Option<RankIndex> {
        let at = self.ranked.iter().position(|index| index.spec().id == id)?;
        Some(self.ranked.remove(at))
    }

    /// The changes of each index, for [`Store::apply_ranks`]: the part of the work that needs no lock.
    pub(crate) fn make_ranks_ready(&self, changes: &[ChangeBatch]) -> Result<Vec<RankPatch>, ViewsError> {
        self.ranked.iter().map(|index| index.prepare(changes)).collect()
    }

    /// Puts prepared changes of all indexes in place; gives what is to be dropped when no reader waits.
    pub(crate) fn apply_ranks(&mut self, patches: Vec<RankPatch>) -> Vec<RankGarbage> {
        self.ranked.iter_mut().zip(patches).map(|(index, patch)| index.apply(patch)).collect()
    }
}
