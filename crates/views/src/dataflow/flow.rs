//! The dataflow itself: owned by the tick thread, which calls [`Dataflow::tick`] with new events and puts finished
//! builds in place between ticks.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use highwater_model::{ChangeBatch, EventBatch, ObjectId, Offsets, StreamSchema, Weights};

use super::build::{Build, RelationChanges, Tap};
use super::event_time::{EventTime, TimedBy};
use super::keyed::Keyed;
use super::pipeline::ViewPlan;
use super::relations::{Reader, Relations};
use crate::ViewsError;
use crate::operator::{OperatorFigures, Tick};
use crate::ranked::{RankIndex, RankPatch};
use crate::store::{Ready, Snapshot, Store};
use crate::workers::Workers;

/// All keyed streams, tables and views, moved on together.
pub struct Dataflow {
    pub(super) keyed: BTreeMap<ObjectId, KeyedEntry>,
    /// In an order in which every view comes after those it reads.
    pub(super) views: Vec<ViewEntry>,
    pub(super) shared: Reader,
    workers: Workers,
    pub(super) taps: Vec<(Vec<ObjectId>, Tap)>,
    pub(super) now_micros: i64,
    /// Where the streams have their event time that are followed by it.
    timed: BTreeMap<ObjectId, TimedBy>,
}

/// The changes of a relation's rows and of its ranked indexes, ready to be applied.
type Prepared<'a> = (Vec<Ready<'a>>, Vec<RankPatch>);

pub(super) struct KeyedEntry {
    pub(super) keyed: Keyed,
    /// Whether the next checkpoint must hold all of it.
    pub(super) save_full: bool,
}

pub(super) struct ViewEntry {
    pub(super) plan: ViewPlan,
    pub(super) lookups_at: Offsets,
    pub(super) save_full: bool,
}

/// What a tick did.
#[derive(Debug, Default)]
pub struct TickReport {
    /// Changes of the relations that changed.
    pub changes: HashMap<ObjectId, Vec<ChangeBatch>>,
    /// Views that stopped in this tick, and why.
    pub failures: Vec<(ObjectId, ViewsError)>,
    /// The version after the tick.
    pub version: String,
}

/// Size of one relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewFigures {
    /// Rows held.
    pub rows: usize,
    /// Bytes held by rows, index and operators.
    pub bytes: usize,
    /// Events that came when their rows had left for good; `None` where rows stay for ever.
    pub late: Option<u64>,
    /// What holds them: the relation's own rows first, then its operators from the result to the leaves.
    pub operators: Vec<OperatorFigures>,
}

impl ViewFigures {
    /// The figures of rows and the operators that give them.
    pub(super) fn new(store: &Store, own: &str, operators: Vec<OperatorFigures>) -> Self {
        let index = |index: &RankIndex| OperatorFigures {
            operator: format!("ranked index {}", index.spec().name),
            holds: Some("the key of every row, in order".to_owned()),
            rows: index.len(),
            bytes: index.bytes(),
            bounded_by: Some("the number of rows".to_owned()),
        };
        let ranked: Vec<OperatorFigures> = store.ranked().iter().map(index).collect();
        let rows = OperatorFigures {
            operator: own.to_owned(),
            holds: Some("the rows, their key and indexes of its parts".to_owned()),
            rows: store.len(),
            bytes: store.bytes() - ranked.iter().map(|index| index.bytes).sum::<usize>(),
            bounded_by: Some("the number of rows".to_owned()),
        };
        let operators: Vec<OperatorFigures> = std::iter::once(rows).chain(ranked).chain(operators).collect();
        Self { rows: store.len(), bytes: operators.iter().map(|operator| operator.bytes).sum(), late: None, operators }
    }
}

impl Dataflow {
    /// An empty dataflow whose ticks use so many threads.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(threads: usize) -> Result<Self, ViewsError> {
        Ok(Self {
            keyed: BTreeMap::new(),
            views: Vec::new(),
            shared: Reader::default(),
            workers: Workers::new(threads)?,
            taps: Vec::new(),
            now_micros: 0,
            timed: BTreeMap::new(),
        })
    }

    /// Access for readers.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.shared.clone()
    }

    /// Adds a keyed stream or table, empty. Gives its columns and key.
    ///
    /// # Errors
    /// When `schema` declares no key or an unsupported type.
    pub fn add_keyed(
        &mut self,
        id: ObjectId,
        schema: &StreamSchema,
        is_table: bool,
    ) -> Result<(SchemaRef, Vec<usize>), ViewsError> {
        let keyed = Keyed::new(schema, is_table)?;
        let (columns, key) = (keyed.schema().clone(), keyed.visible_key());
        self.shared.write().stores.insert(id, Store::new(columns.clone(), &key)?);
        self.keyed.insert(id, KeyedEntry { keyed, save_full: true });
        Ok((columns, key))
    }

    /// Feeds a keyed stream, which was just added, events of long ago with their system columns, in any order; `latest`
    /// goes along from call to call, empty at first.
    ///
    /// # Errors
    /// When there is no such keyed stream, or the rows do not fit it.
    pub fn feed_keyed(&mut self, id: ObjectId, rows: RecordBatch, latest: &mut Vec<i64>) -> Result<(), ViewsError> {
        let mut shared = self.shared.write();
        let (Some(entry), Some(store)) = (self.keyed.get_mut(&id), shared.stores.get_mut(&id)) else {
            return Err(ViewsError::History(format!("object {id} is not there")));
        };
        let changes = entry.keyed.feed_history(rows, store, latest)?;
        store.apply(&changes)
    }

    /// Follows a stream's event time from now on, if the stream declares how late events may be; else no more.
    pub fn follow_time(&mut self, id: ObjectId, schema: &StreamSchema) {
        if let (Some(column), Some(lateness)) = (schema.event_time, schema.lateness) {
            self.timed.insert(id, TimedBy { column, lateness });
        } else if self.timed.remove(&id).is_some() {
            self.shared.write().times.remove(&id);
        }
    }

    /// Removes a stream, table or view.
    pub fn remove(&mut self, id: ObjectId) {
        self.keyed.remove(&id);
        self.timed.remove(&id);
        self.views.retain(|view| view.plan.id() != id);
        let mut shared = self.shared.write();
        shared.stores.remove(&id);
        shared.failed.remove(&id);
        shared.times.remove(&id);
        shared.offsets.remove(id);
        shared.epoch += 1;
    }

    /// Begins to build a view: takes snapshots of what it follows and keeps later changes for it.
    ///
    /// # Errors
    /// When something it reads is not there.
    pub fn begin(&mut self, mut plan: ViewPlan) -> Result<Build, ViewsError> {
        let shared = self.shared.read();
        let mut lookups_at = Offsets::default();
        for table in plan.lookups() {
            for (stream, partition, next) in shared.offsets.iter().filter(|(stream, _, _)| stream == table) {
                lookups_at.set(stream, partition, next);
            }
        }
        plan.bind(&|table| shared.stores.get(&table).map(Store::snapshot))?;
        let mut snapshots: Vec<(ObjectId, Snapshot)> = Vec::new();
        for id in plan.relations() {
            if let Some(why) = shared.failed.get(id) {
                return Err(ViewsError::History(format!("a view it reads has stopped: {why}")));
            }
            let store = shared.stores.get(id);
            let store = store.ok_or_else(|| ViewsError::History(format!("object {id} is not there")))?;
            snapshots.push((*id, store.snapshot()));
        }
        drop(shared);
        let tap = Tap::default();
        self.taps.push((plan.relations().iter().copied().collect(), tap.clone()));
        let mut build = Build::new(plan, snapshots, tap, lookups_at, self.now_micros)?;
        self.index_build(&mut build)?;
        Ok(build)
    }

    /// Gives up a build.
    pub fn abandon(&mut self, build: &Build) {
        self.taps.retain(|(_, tap)| !std::sync::Arc::ptr_eq(tap, &build.tap));
    }

    /// Puts a build in place; the caller has fed it all events that the dataflow has seen. A view of the same id is
    /// replaced, and what reads it gets the difference.
    ///
    /// # Errors
    /// When evaluating a row fails; the old view then stays.
    pub fn finish(&mut self, mut build: Build) -> Result<TickReport, ViewsError> {
        let fed = build.feed_changes();
        self.abandon(&build);
        fed?;
        let id = build.plan.id();
        self.same_indexes(id, &mut build.store)?;
        let new = build.store.snapshot();
        let old = {
            let mut shared = self.shared.write();
            shared.epoch += 1;
            shared.failed.remove(&id);
            shared.stores.insert(id, build.store)
        };
        let entry = ViewEntry { plan: build.plan, lookups_at: build.lookups_at, save_full: true };
        match self.views.iter_mut().find(|view| view.plan.id() == id) {
            Some(view) => *view = entry,
            None => self.views.push(entry),
        }
        self.sort_views();
        let mut changes = Vec::new();
        if let Some(old) = old.filter(|old| old.schema() == new.schema()) {
            for rows in old.snapshot().to_batches()? {
                let weights = Weights::Each(vec![-1; rows.num_rows()].into());
                changes.push(ChangeBatch { rows, weights });
            }
        }
        changes.extend(new.to_batches()?.into_iter().map(ChangeBatch::inserts));
        self.propagate(HashMap::new(), HashMap::from([(id, changes)]), Some(id))
    }

    /// Puts every view after those it reads, otherwise keeping the order.
    fn sort_views(&mut self) {
        let mut waiting = std::mem::take(&mut self.views);
        while !waiting.is_empty() {
            let ids: Vec<ObjectId> = waiting.iter().map(|view| view.plan.id()).collect();
            let ready = |view: &ViewEntry| !view.plan.relations().iter().any(|input| ids.contains(input));
            let next = waiting.iter().position(ready).unwrap_or(0);
            self.views.push(waiting.remove(next));
        }
    }

    /// Moves the clock on, which filters by the clock look at in the next tick. It never goes back.
    pub fn set_clock(&mut self, now_micros: i64) {
        self.now_micros = self.now_micros.max(now_micros);
    }

    /// When the clock next changes a view, in microseconds since 1970 UTC: a tick is wanted then, even without events.
    #[must_use]
    pub fn due_micros(&self) -> Option<i64> {
        self.views.iter().filter_map(|view| view.plan.due_micros()).min()
    }

    /// Moves everything on by these events: the next ones of each partition, in offset order.
    ///
    /// # Errors
    /// Only for defects; a view whose evaluation fails stops alone and is reported.
    pub fn tick(&mut self, events: HashMap<ObjectId, Vec<EventBatch>>) -> Result<TickReport, ViewsError> {
        let mut rows: RelationChanges = HashMap::new();
        {
            let shared = self.shared.read();
            for (id, entry) in &mut self.keyed {
                if let (Some(events), Some(store)) = (events.get(id), shared.stores.get(id)) {
                    rows.insert(*id, entry.keyed.step(events, store)?);
                }
            }
        }
        self.propagate(events, rows, None)
    }

    /// Runs the views on what a tick brings and publishes the new version. `placed` is a view whose rows are in
    /// place already.
    fn propagate(
        &mut self,
        events: HashMap<ObjectId, Vec<EventBatch>>,
        mut rows: RelationChanges,
        placed: Option<ObjectId>,
    ) -> Result<TickReport, ViewsError> {
        let mut failures = Vec::new();
        let mut failed = self.shared.read().failed.clone();
        if self.due_micros().is_some_and(|due| due <= self.now_micros) {
            // The same events give other rows at another time.
            self.shared.renew();
        }
        for view in &mut self.views {
            let id = view.plan.id();
            if failed.contains_key(&id) || placed == Some(id) {
                continue;
            }
            if let Some(input) = view.plan.relations().iter().find(|input| failed.contains_key(input)) {
                let why = format!("object {input}, which it reads, has stopped");
                failed.insert(id, why.clone());
                failures.push((id, ViewsError::History(why)));
                continue;
            }
            let (history, now_micros) = (&HashMap::new(), self.now_micros);
            let tick = Tick { events: &events, history, rows: &rows, now_micros, workers: &self.workers };
            if !view.plan.concerns(&tick) {
                continue;
            }
            match view.plan.step(&tick) {
                Ok(changes) if changes.iter().all(ChangeBatch::is_empty) => {}
                Ok(changes) => drop(rows.insert(id, changes)),
                Err(error) => {
                    failed.insert(id, error.to_string());
                    failures.push((id, error));
                }
            }
        }
        let version = self.publish(&events, &rows, placed, failed, &mut failures)?;
        self.leave_for_builds(&rows);
        Ok(TickReport { changes: rows, failures, version })
    }

    fn publish(
        &mut self,
        events: &HashMap<ObjectId, Vec<EventBatch>>,
        rows: &RelationChanges,
        placed: Option<ObjectId>,
        failed: HashMap<ObjectId, String>,
        failures: &mut Vec<(ObjectId, ViewsError)>,
    ) -> Result<String, ViewsError> {
        // Readers wait while rows are written, so all that can be done before is.
        let mut ready: Vec<(ObjectId, Result<Prepared<'_>, ViewsError>)> = Vec::with_capacity(rows.len());
        for (id, changes) in rows.iter().filter(|(id, _)| placed != Some(**id)) {
            if let Some(store) = self.shared.read().stores.get(id) {
                let prepared = store.make_ready(changes).and_then(|rows| Ok((rows, store.make_ranks_ready(changes)?)));
                ready.push((*id, prepared));
            }
        }
        let times = self.event_times(events)?;
        // Dropped last, when readers go on.
        let mut garbage = Vec::new();
        let mut shared = self.shared.write();
        shared.times.extend(times);
        let Relations { stores, offsets, ticks, .. } = &mut *shared;
        for (id, changes) in ready {
            let Some(store) = stores.get_mut(&id) else { continue };
            let applied = changes.and_then(|(rows, ranks)| {
                store.apply_ready(rows)?;
                garbage.push(store.apply_ranks(ranks));
                Ok(())
            });
            if let Err(error) = applied {
                failures.push((id, error));
            }
        }
        for (stream, batches) in events {
            for batch in batches {
                offsets.set(*stream, batch.partition, batch.next_offset());
            }
        }
        *ticks += 1;
        shared.failed = failed;
        for (id, error) in failures.iter() {
            shared.failed.entry(*id).or_insert_with(|| error.to_string());
        }
        Ok(shared.version())
    }

    /// The event times that these events move on.
    fn event_times(
        &self,
        events: &HashMap<ObjectId, Vec<EventBatch>>,
    ) -> Result<Vec<(ObjectId, EventTime)>, ViewsError> {
        let mut times = Vec::new();
        for (id, by) in &self.timed {
            if let Some(batches) = events.get(id) {
                let mut time = self.shared.read().times.get(id).cloned().unwrap_or_default();
                time.advance(batches, *by)?;
                times.push((*id, time));
            }
        }
        Ok(times)
    }

    fn leave_for_builds(&mut self, rows: &RelationChanges) {
        self.taps.retain(|(_, tap)| std::sync::Arc::strong_count(tap) > 1);
        for (wanted, tap) in &self.taps {
            let left: RelationChanges =
                wanted.iter().filter_map(|id| rows.get(id).map(|changes| (*id, changes.clone()))).collect();
            if !left.is_empty() {
                tap.lock().push(left);
            }
        }
    }

    /// Whether a view's looked-up tables have changed since it was built.
    #[must_use]
    pub fn outdated(&self) -> Vec<ObjectId> {
        let shared = self.shared.read();
        let is_old = |view: &&ViewEntry| {
            view.plan.lookups().iter().any(|table| {
                let now = shared.offsets.iter().filter(|(stream, _, _)| stream == table);
                now.into_iter().any(|(stream, partition, next)| view.lookups_at.get(stream, partition) != next)
            })
        };
        self.views.iter().filter(is_old).map(|view| view.plan.id()).collect()
    }

    /// The plan of a view.
    #[must_use]
    pub fn plan(&self, id: ObjectId) -> Option<&ViewPlan> {
        self.views.iter().find(|view| view.plan.id() == id).map(|view| &view.plan)
    }

    /// Size of each relation.
    #[must_use]
    pub fn figures(&self) -> HashMap<ObjectId, ViewFigures> {
        let shared = self.shared.read();
        let figures = |(id, store): (&ObjectId, &Store)| {
            let figures = match (self.keyed.get(id), self.plan(*id)) {
                (Some(entry), _) => ViewFigures::new(store, "current rows", vec![entry.keyed.figures()]),
                (None, Some(plan)) => {
                    let figures = ViewFigures::new(store, "rows of the view", plan.operators());
                    ViewFigures { late: plan.late(), ..figures }
                }
                (None, None) => ViewFigures::new(store, "rows of the view", Vec::new()),
            };
            (*id, figures)
        };
        shared.stores.iter().map(figures).collect()
    }

    /// Bytes held by all relations and their operators. Quicker than [`Dataflow::figures`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let stores: usize = self.shared.read().stores.values().map(Store::bytes).sum();
        let keyed: usize = self.keyed.values().map(|entry| entry.keyed.bytes()).sum();
        stores + keyed + self.views.iter().map(|view| view.plan.bytes()).sum::<usize>()
    }
}
