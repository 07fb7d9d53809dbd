//! What every operator is: a node that turns a tick's input into changes, and perhaps a state that is saved.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use highwater_model::{ChangeBatch, EventBatch, ObjectId};

use crate::ViewsError;
use crate::store::Snapshot;
use crate::workers::Workers;

/// What one tick brings.
pub(crate) struct Tick<'a> {
    /// New events by stream, each partition's in offset order.
    pub(crate) events: &'a HashMap<ObjectId, Vec<EventBatch>>,
    /// Changes of tables, keyed streams and views by object.
    pub(crate) rows: &'a HashMap<ObjectId, Vec<ChangeBatch>>,
    /// Threads.
    pub(crate) workers: &'a Workers,
}

/// An operator with its inputs.
pub(crate) trait Node: Send {
    /// Columns of the result.
    fn schema(&self) -> &SchemaRef;

    /// The changes of the result that this tick's input brings.
    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError>;

    /// Gives lookups the contents of the tables they read, once before the first step.
    fn bind(&mut self, tables: &dyn Fn(ObjectId) -> Option<Snapshot>) -> Result<(), ViewsError>;

    /// Calls `visit` on every operator of this subtree that remembers something, always in the same order.
    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn State) -> Result<(), ViewsError>) -> Result<(), ViewsError>;

    /// Bytes remembered by this subtree.
    fn bytes(&self) -> usize;

    /// Adds a line a node to an explanation.
    fn explain(&self, depth: usize, lines: &mut Vec<String>);
}

/// What an operator remembers, for checkpoints.
pub(crate) trait State {
    /// What changed since the last save (or everything when `full`), as batches of the operator's own layout.
    fn save(&mut self, full: bool) -> Result<Vec<RecordBatch>, ViewsError>;

    /// Takes in what was saved: a full save on an empty operator, then later saves in order.
    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError>;
}

/// Total rows in some changes.
pub(crate) fn rows_in(changes: &[ChangeBatch]) -> usize {
    changes.iter().map(ChangeBatch::len).sum()
}

/// A line of an explanation.
pub(crate) fn line(depth: usize, text: &str) -> String {
    format!("{}{text}", "  ".repeat(depth))
}
