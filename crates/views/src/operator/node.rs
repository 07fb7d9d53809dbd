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
    /// Events of long ago by stream, with their system columns, in any order. Only builds are given any.
    pub(crate) history: &'a HashMap<ObjectId, Vec<RecordBatch>>,
    /// Changes of tables, keyed streams and views by object.
    pub(crate) rows: &'a HashMap<ObjectId, Vec<ChangeBatch>>,
    /// The clock, in microseconds since 1970 UTC. Only filters by the clock look at it.
    pub(crate) now_micros: i64,
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
    fn bind(&mut self, tables: &dyn Fn(ObjectId) -> Option<Snapshot>) -> Result<(), ViewsError> {
        self.inputs_mut().into_iter().try_for_each(|input| input.bind(tables))
    }

    /// Calls `visit` on every operator of this subtree that remembers something, always in the same order.
    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn State) -> Result<(), ViewsError>) -> Result<(), ViewsError> {
        self.inputs_mut().into_iter().try_for_each(|input| input.states(visit))?;
        self.state().map_or(Ok(()), visit)
    }

    /// What it remembers itself, for checkpoints; `None` when that is nothing.
    fn state(&mut self) -> Option<&mut dyn State> {
        None
    }

    /// Its inputs, in the order of the query.
    fn inputs(&self) -> Vec<&dyn Node>;

    /// The same, to be changed.
    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>>;

    /// Bytes that this operator itself remembers; asked for between any two ticks, so it must be quick.
    fn bytes(&self) -> usize;

    /// What it does and what it remembers, itself; several when it is several steps, the last step first.
    fn figures(&self) -> Vec<OperatorFigures>;

    /// Rows that came when they, or their group, had left by the clock: they were dropped.
    fn late(&self) -> u64 {
        0
    }
}

/// An operator as people are shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorFigures {
    /// What it does.
    pub operator: String,
    /// What it remembers, in words; `None` when that is nothing.
    pub holds: Option<String>,
    /// How many rows or groups it remembers now.
    pub rows: usize,
    /// How many bytes they take.
    pub bytes: usize,
    /// What keeps them from growing; `None` when there is nothing to bound.
    pub bounded_by: Option<String>,
}

impl OperatorFigures {
    /// An operator that remembers nothing.
    pub(crate) fn nothing(operator: impl Into<String>) -> Self {
        Self { operator: operator.into(), ..Self::default() }
    }

    /// As a line of an explanation.
    fn line(&self) -> String {
        let Self { operator, holds, rows, bytes, bounded_by } = self;
        match (holds, bounded_by) {
            (Some(holds), Some(bound)) => {
                format!("{operator} [holds {holds}; {rows} now, {bytes} bytes; bounded by {bound}]")
            }
            _ => format!("{operator} [holds nothing]"),
        }
    }
}

/// Bytes that an operator and its inputs remember.
pub(crate) fn bytes_of(node: &dyn Node) -> usize {
    node.bytes() + node.inputs().into_iter().map(bytes_of).sum::<usize>()
}

/// Rows that an operator and its inputs dropped for coming too late.
pub(crate) fn late_of(node: &dyn Node) -> u64 {
    node.late() + node.inputs().into_iter().map(late_of).sum::<u64>()
}

/// Adds what an operator and its inputs are.
pub(crate) fn figures_of(node: &dyn Node, all: &mut Vec<OperatorFigures>) {
    all.extend(node.figures());
    node.inputs().into_iter().for_each(|input| figures_of(input, all));
}

/// Adds a line for an operator and each of its inputs, which are indented.
pub(crate) fn explain(node: &dyn Node, mut depth: usize, lines: &mut Vec<String>) {
    for step in node.figures() {
        lines.push(format!("{}{}", "  ".repeat(depth), step.line()));
        depth += 1;
    }
    node.inputs().into_iter().for_each(|input| explain(input, depth, lines));
}

/// What an operator remembers, for checkpoints.
///
/// A checkpoint is gathered in parts between ticks, so that none of them is long. What a tick changes after its part was
/// gathered is gathered again, before the checkpoint is complete; loading takes the later word for each row.
pub(crate) trait State {
    /// Begins a checkpoint: of everything when `full`, else of what changed since the last one.
    fn begin_save(&mut self, full: bool);

    /// Rows that changed and were not gathered since.
    fn unsaved(&self) -> usize;

    /// Gathers a part of those rows, as batches of the operator's own layout; all parts together hold them all.
    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError>;

    /// Takes in what was saved: everything on an empty operator, then later changes in order.
    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError>;
}

/// One of several parts of a checkpoint, about equal in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its number, from 0.
    pub(crate) index: usize,
    /// How many there are.
    pub(crate) of: usize,
}

impl Part {
    /// The only part.
    pub(crate) const ALL: Self = Self { index: 0, of: 1 };

    /// The marked slots in this part's share of all slots; their marks are removed.
    pub(crate) fn take_marked(self, marks: &mut [bool]) -> Vec<u32> {
        let (from, to) = (marks.len() * self.index / self.of, marks.len() * (self.index + 1) / self.of);
        let mut slots = Vec::new();
        for (slot, mark) in marks.iter_mut().enumerate().take(to).skip(from) {
            if std::mem::take(mark) {
                slots.push(slot as u32);
            }
        }
        slots
    }

    /// This part's share of entries that are kept in no order.
    pub(crate) fn take_entries<T>(self, entries: &mut Vec<T>) -> Vec<T> {
        let share = entries.len().div_ceil(self.of.saturating_sub(self.index).max(1));
        entries.split_off(entries.len() - share)
    }
}

/// Bytes of a hash table of the standard library with room for so many entries: an eighth of its buckets stays free, and
/// each has a byte of its own.
pub(crate) fn hash_table_bytes<T>(capacity: usize) -> usize {
    (capacity * 8).div_ceil(7) * (size_of::<T>() + 1)
}

/// How many slots are marked.
pub(crate) fn marked(marks: &[bool]) -> usize {
    marks.iter().filter(|mark| **mark).count()
}

/// Total rows in some changes.
pub(crate) fn rows_in(changes: &[ChangeBatch]) -> usize {
    changes.iter().map(ChangeBatch::len).sum()
}
