//! What a dataflow hands over to be kept: each object's operators and rows, whole or since the last time.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use highwater_model::{ObjectId, Offsets};

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
