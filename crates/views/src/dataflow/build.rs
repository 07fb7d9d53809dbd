//! Building a view from history while the dataflow goes on: snapshots of what it follows, then events from the log,
//! then what changed meanwhile, until it is close enough to be put in place between two ticks.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use highwater_model::{ChangeBatch, EventBatch, ObjectId, Offset, Offsets, PartitionId};
use parking_lot::Mutex;

use super::flow::ViewFigures;
use super::pipeline::ViewPlan;
use crate::ViewsError;
use crate::operator::Tick;
use crate::store::{Snapshot, Store};
use crate::workers::Workers;

/// Changes of one tick, of the relations a build follows.
pub(super) type RelationChanges = HashMap<ObjectId, Vec<ChangeBatch>>;

/// Changes that ticks leave for a build.
pub(super) type Tap = Arc<Mutex<Vec<RelationChanges>>>;

/// A view under construction. Made by [`super::Dataflow::begin`], fed by a job, put in place by
/// [`super::Dataflow::finish`].
pub struct Build {
    pub(super) plan: ViewPlan,
    pub(super) store: Store,
    /// Events fed so far.
    pub(super) offsets: Offsets,
    pub(super) tap: Tap,
    /// Offsets of the looked-up tables when it began.
    pub(super) lookups_at: Offsets,
    /// What its relations held when it began, in reverse order, and the next batch of each to feed.
    snapshots: Vec<(ObjectId, Snapshot, usize)>,
    started: bool,
    /// The clock when it began; it stands still until the view is in place.
    now_micros: i64,
    workers: Workers,
}

impl std::fmt::Debug for Build {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Build").field("plan", &self.plan).field("offsets", &self.offsets).finish_non_exhaustive()
    }
}

impl Build {
    pub(super) fn new(
        plan: ViewPlan,
        snapshots: Vec<(ObjectId, Snapshot)>,
        tap: Tap,
        lookups_at: Offsets,
        now_micros: i64,
    ) -> Result<Self, ViewsError> {
        let store = Store::new(plan.schema().clone(), plan.key())?;
        let (offsets, workers) = (Offsets::default(), Workers::new(1)?);
        let snapshots = snapshots.into_iter().rev().map(|(id, snapshot)| (id, snapshot, 0)).collect();
        Ok(Self { plan, store, offsets, tap, lookups_at, snapshots, started: false, now_micros, workers })
    }

    /// The view's operators and what they read.
    #[must_use]
    pub fn plan(&self) -> &ViewPlan {
        &self.plan
    }

    /// What it holds so far.
    #[must_use]
    pub fn figures(&self) -> ViewFigures {
        let mut figures = ViewFigures::new(&self.store, "rows of the view", self.plan.operators());
        figures.bytes += self.waiting_bytes();
        figures
    }

    /// Bytes held so far. Quicker than [`Build::figures`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.store.bytes() + self.plan.bytes() + self.waiting_bytes()
    }

    /// Bytes of the changes that ticks left.
    fn waiting_bytes(&self) -> usize {
        let left = self.tap.lock();
        left.iter().flat_map(HashMap::values).flatten().map(|change| change.rows.get_array_memory_size()).sum()
    }

    /// The next offset to feed of each partition of the streams it reads.
    #[must_use]
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Feeds the rows that its relations held when the build began. Called once, first.
    ///
    /// # Errors
    /// When evaluating a row fails.
    pub fn feed_snapshots(&mut self) -> Result<(), ViewsError> {
        while self.feed_snapshot()? {}
        Ok(())
    }

    /// Feeds some of those rows; says whether there are more.
    ///
    /// # Errors
    /// As [`Build::feed_snapshots`].
    pub fn feed_snapshot(&mut self) -> Result<bool, ViewsError> {
        let none = HashMap::new();
        if !std::mem::replace(&mut self.started, true) {
            // An aggregate without GROUP BY has its row from the start.
            self.step(&none, &HashMap::new())?;
        }
        let Some((id, snapshot, next)) = self.snapshots.last_mut() else { return Ok(false) };
        if *next == snapshot.batches() {
            drop(self.snapshots.pop());
            return Ok(true);
        }
        let rows = HashMap::from([(*id, vec![ChangeBatch::inserts(snapshot.batch(*next)?)])]);
        *next += 1;
        self.step(&none, &rows)?;
        Ok(true)
    }

    /// Leaves out the events of a partition below an offset: the log does not hold them any more.
    pub fn pass_over(&mut self, stream: ObjectId, partition: PartitionId, next: Offset) {
        if self.offsets.get(stream, partition) < next {
            self.offsets.set(stream, partition, next);
        }
    }

    /// Feeds events of a stream: the next ones of each partition, in offset order.
    ///
    /// # Errors
    /// When evaluating a row fails, or events are missing in between.
    pub fn feed_events(&mut self, stream: ObjectId, events: Vec<EventBatch>) -> Result<(), ViewsError> {
        for batch in &events {
            let expected = self.offsets.get(stream, batch.partition);
            if batch.base_offset != expected && expected != 0 {
                return Err(ViewsError::History(format!(
                    "partition {} went on at offset {} instead of {expected}",
                    batch.partition, batch.base_offset
                )));
            }
            self.offsets.set(stream, batch.partition, batch.next_offset());
        }
        self.step(&HashMap::from([(stream, events)]), &HashMap::new())
    }

    /// Feeds events of long ago with their system columns, in any order. Together they are all events below the offsets
    /// that are then passed over.
    ///
    /// # Errors
    /// When evaluating a row fails.
    pub fn feed_history(&mut self, stream: ObjectId, rows: RecordBatch) -> Result<(), ViewsError> {
        self.run(&HashMap::new(), &HashMap::from([(stream, vec![rows])]), &HashMap::new())
    }

    /// Feeds what ticks left meanwhile.
    ///
    /// # Errors
    /// When evaluating a row fails.
    pub fn feed_changes(&mut self) -> Result<(), ViewsError> {
        let left = std::mem::take(&mut *self.tap.lock());
        let none = HashMap::new();
        left.iter().try_for_each(|rows| self.step(&none, rows))
    }

    fn step(&mut self, events: &HashMap<ObjectId, Vec<EventBatch>>, rows: &RelationChanges) -> Result<(), ViewsError> {
        self.run(events, &HashMap::new(), rows)
    }

    fn run(
        &mut self,
        events: &HashMap<ObjectId, Vec<EventBatch>>,
        history: &HashMap<ObjectId, Vec<RecordBatch>>,
        rows: &RelationChanges,
    ) -> Result<(), ViewsError> {
        let (now_micros, workers) = (self.now_micros, &self.workers);
        let changes = self.plan.step(&Tick { events, history, rows, now_micros, workers })?;
        self.store.apply(&changes)
    }
}
