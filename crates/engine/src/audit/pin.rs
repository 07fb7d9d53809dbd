//! Holding a relation still: its rows as they are served at one version, and everything that names that version, so
//! that it can be computed again. Rows are shared with the store until a tick writes to them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use highwater_api::{ApiError, ErrorKind, StreamMark};
use highwater_model::{ObjectId, ObjectName, Offsets, PartitionId};
use highwater_sql::Catalog;
use highwater_views::{Dataflow, Snapshot};

use crate::core::Core;
use crate::error::EngineError;
use crate::query::{Cut, inputs_of};
use crate::tick::Ticker;

/// How long to wait for a view that is being put in place.
const PATIENCE: Duration = Duration::from_secs(60);

/// A relation at one version.
pub(crate) struct Pinned {
    pub(crate) name: ObjectName,
    pub(crate) id: ObjectId,
    /// The catalog then.
    pub(crate) catalog: Catalog,
    /// Its rows as they are served.
    pub(crate) rows: Snapshot,
    /// Columns that identify a row; empty when none are known to.
    pub(crate) key: Vec<usize>,
    /// The version.
    pub(crate) cut: Cut,
}

impl Pinned {
    /// The events of the version, of the streams and tables that the relation reads.
    pub(crate) fn mark(&self) -> Vec<StreamMark> {
        mark(&self.catalog, self.id, &self.cut.offsets)
    }
}

/// The offsets of the streams and tables that a relation reads, in the order of their names.
pub(crate) fn mark(catalog: &Catalog, id: ObjectId, offsets: &Offsets) -> Vec<StreamMark> {
    let mut marks: Vec<StreamMark> = inputs_of(catalog, id)
        .into_iter()
        .filter_map(|input| catalog.get(input))
        .filter_map(|entry| {
            let partitions = entry.kind.stream_schema()?.partitions;
            let next = (0..partitions).map(|partition| offsets.get(entry.id, PartitionId(partition))).collect();
            Some(StreamMark { stream: entry.name.to_string(), next })
        })
        .collect();
    marks.sort_by(|a, b| a.stream.cmp(&b.stream));
    marks
}

/// What became of an attempt.
enum Attempt {
    Held(Box<Pinned>),
    /// There is no saying what the relation should be before the next version: why.
    Later(String),
}

/// Holds a relation still at the current version.
///
/// # Errors
/// When it is gone, has stopped, or is being computed for longer than is waited.
pub(crate) async fn pin(core: &Arc<Core>, id: ObjectId) -> Result<Pinned, ApiError> {
    let mut versions = core.tick.versions();
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        versions.borrow_and_update();
        let owner = Arc::clone(core);
        let why = match core.tick.run(move |ticker| attempt(&owner, ticker, id)).await?? {
            Attempt::Held(pinned) => return Ok(*pinned),
            Attempt::Later(why) => why,
        };
        let changed = tokio::time::timeout_at(until, versions.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            let error = ApiError::new(ErrorKind::Unavailable, why);
            return Err(error.with_hint("its progress is in highwater.jobs; try again later"));
        }
    }
}

/// Runs between two ticks.
fn attempt(core: &Core, ticker: &mut Ticker, id: ObjectId) -> Result<Attempt, ApiError> {
    ticker.flow.set_clock(core.clock.now_micros());
    if ticker.flow.due_micros().is_some_and(|due| due <= ticker.flow.clock_micros()) {
        let report = ticker.flow.tick(HashMap::new()).map_err(EngineError::from)?;
        ticker.published(report);
    }
    let catalog = core.catalog.read().clone();
    let entry = catalog.get(id).ok_or_else(|| ApiError::new(ErrorKind::NotFound, "the relation was dropped"))?;
    let name = entry.name.clone();
    let inputs = inputs_of(&catalog, id);
    let reader = ticker.flow.reader();
    let version = reader.read();
    for input in &inputs {
        if let Some(why) = version.failure(*input) {
            let stopped = catalog.get(*input).map_or_else(String::new, |entry| entry.name.to_string());
            return Err(ApiError::new(ErrorKind::Unavailable, format!("{stopped} has stopped: {why}")));
        }
    }
    let Some(store) = version.store(id) else {
        return Ok(Attempt::Later(format!("{name} is being computed from history")));
    };
    let looked_up = match looked_up(&ticker.flow, &inputs, &version.offsets) {
        Ok(looked_up) => looked_up,
        Err(view) => {
            let view = catalog.get(view).map_or_else(String::new, |entry| entry.name.to_string());
            return Ok(Attempt::Later(format!("{view} is being computed anew for a table that it looks up")));
        }
    };
    let (rows, key) = (store.snapshot(), store.key().to_vec());
    let cut = Cut {
        offsets: Arc::new(version.offsets.clone()),
        clock_micros: Some(ticker.flow.clock_micros()),
        looked_up,
        archived: core.archives.is_some(),
        ..Cut::default()
    };
    drop(version);
    Ok(Attempt::Held(Box::new(Pinned { name, id, catalog, rows, key, cut })))
}

/// What the views among these know of the tables they look up, where that is not what the version has; the view for
/// which it cannot be said when one also follows such a table.
fn looked_up(
    flow: &Dataflow,
    views: &BTreeSet<ObjectId>,
    version: &Offsets,
) -> Result<HashMap<ObjectId, Arc<Offsets>>, ObjectId> {
    let mut all = HashMap::new();
    for id in views {
        let (Some(plan), Some(at)) = (flow.plan(*id), flow.looked_up_at(*id)) else { continue };
        let is_old = |table: &ObjectId| {
            let now = version.iter().filter(|(stream, ..)| stream == table);
            now.into_iter().any(|(stream, partition, next)| at.get(stream, partition) != next)
        };
        let old: Vec<ObjectId> = plan.lookups().iter().copied().filter(is_old).collect();
        if old.iter().any(|table| plan.relations().contains(table)) {
            return Err(*id);
        }
        if !old.is_empty() {
            let mut at = at.clone();
            at.retain(|table| old.contains(&table));
            // A table that had no rows then is one of nothing, not of what it has now.
            old.iter().for_each(|table| at.set(*table, PartitionId(0), at.get(*table, PartitionId(0))));
            all.insert(*id, Arc::new(at));
        }
    }
    Ok(all)
}
