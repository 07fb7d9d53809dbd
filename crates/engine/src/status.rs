//! The engine at a glance: what streams hold and what views are doing. Read by doors and by system tables; changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use highwater_api::{EngineStatus, StreamStatus, ViewState, ViewStatus};
use highwater_log::StreamSize;
use highwater_model::{ObjectId, PartitionId};
use highwater_sql::{Catalog, Entry, EntryKind};

use crate::core::{Core, StreamRuntime};
use crate::memory;

/// The status of everything.
pub(crate) fn status(core: &Core) -> EngineStatus {
    let catalog = core.catalog.read();
    status_of(core, &catalog)
}

/// The same for a caller who holds the catalog.
pub(crate) fn status_of(core: &Core, catalog: &Catalog) -> EngineStatus {
    let lags = lags(core);
    let mut streams: Vec<StreamStatus> = catalog
        .entries()
        .filter_map(|entry| Some((entry, stream_schema(entry)?)))
        .map(|(entry, partitions)| stream_status(core, entry, partitions, lags.get(&entry.id).copied().unwrap_or(0)))
        .collect();
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    let (version, ticks) = {
        let now = core.reader.read();
        (now.version(), now.ticks)
    };
    let mut views: Vec<ViewStatus> = view_statuses(core, catalog, &lags).into_values().collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    EngineStatus { version, ticks, streams, views, memory: memory::status(core, catalog) }
}

/// The status of every materialized view, by its id.
pub(crate) fn view_statuses(
    core: &Core,
    catalog: &Catalog,
    lags: &BTreeMap<ObjectId, u64>,
) -> BTreeMap<ObjectId, ViewStatus> {
    let views = catalog.entries().filter(|entry| matches!(entry.kind, EntryKind::MaterializedView { .. }));
    let figures = core.tick.figures();
    let mut statuses = BTreeMap::new();
    for entry in views {
        let (state, progress, error) = state(core, entry);
        let figures = figures.get(&entry.id);
        let lag = inputs(catalog, entry.id).iter().filter_map(|input| lags.get(input)).sum();
        let status = ViewStatus {
            name: entry.name.to_string(),
            state,
            rows: rows_of(core, entry.id).unwrap_or(0),
            bytes: figures.map_or(0, |figures| figures.bytes as u64),
            lag,
            progress,
            error,
        };
        statuses.insert(entry.id, status);
    }
    statuses
}

/// Rows that a view, table or keyed stream holds now.
pub(crate) fn rows_of(core: &Core, id: ObjectId) -> Option<u64> {
    Some(core.reader.read().store(id)?.len() as u64)
}

/// Durable records of each stream and table that the current version does not show yet.
pub(crate) fn lags(core: &Core) -> BTreeMap<ObjectId, u64> {
    let streams: Vec<_> = core.streams.read().values().cloned().collect();
    // The log is asked first: the version may only have caught up since, never fallen behind.
    let ends = streams.iter().map(|stream| (stream.id, ends(core, stream))).collect::<Vec<_>>();
    let version = core.reader.read();
    let lag = |id, ends: &[(_, u64)]| {
        ends.iter().map(|(partition, next)| next.saturating_sub(version.offsets.get(id, *partition))).sum()
    };
    ends.iter().map(|(id, ends)| (*id, lag(*id, ends))).collect()
}

fn ends(core: &Core, stream: &StreamRuntime) -> Vec<(highwater_model::PartitionId, u64)> {
    let next = |partition| Some((partition, core.log.bounds(stream.id, partition).ok()?.next));
    stream.partitions().filter_map(next).collect()
}

/// The partitions of a stream; `None` for anything else.
fn stream_schema(entry: &Entry) -> Option<u32> {
    match &entry.kind {
        EntryKind::Stream { schema } => Some(schema.partitions),
        _ => None,
    }
}

fn stream_status(core: &Core, entry: &Entry, partitions: u32, lag: u64) -> StreamStatus {
    // A stream that is being dropped holds nothing.
    let size = core.log.size(entry.id).unwrap_or_default();
    StreamStatus {
        name: entry.name.to_string(),
        partitions,
        records: size.records,
        rejects: rejects(core, entry.id, size),
        lag,
        bytes: size.bytes,
    }
}

/// Rejected records that a stream holds: those among the hidden ones that are no marks of replays.
pub(crate) fn rejects(core: &Core, id: ObjectId, size: StreamSize) -> u64 {
    let earliest = core.log.bounds(id, PartitionId::REJECTS).map_or(0, |bounds| bounds.earliest);
    let marks = core.stream(id).map_or(0, |stream| stream.replayed.marks(earliest));
    size.rejects.saturating_sub(marks)
}

/// What a view is doing, how far its computation is, and its last error.
fn state(core: &Core, entry: &Entry) -> (ViewState, f64, Option<String>) {
    let job = core.jobs.of(entry.id);
    let (running, progress, job_error) = match job {
        Some(job) => (job.error.is_none(), job.progress, job.error),
        None => (false, 1.0, None),
    };
    let version = core.reader.read();
    if let Some(why) = version.failure(entry.id) {
        return (ViewState::Failed, progress, Some(why.to_owned()));
    }
    match (version.store(entry.id).is_some(), running) {
        (true, true) => (ViewState::Rebuilding, progress, None),
        (true, false) => (ViewState::Live, 1.0, job_error),
        (false, _) if job_error.is_some() => (ViewState::Failed, progress, job_error),
        (false, true) => (ViewState::Backfilling, progress, None),
        (false, false) => (ViewState::Backfilling, 0.0, None),
    }
}

/// Everything an object reads, directly or through others.
fn inputs(catalog: &Catalog, id: ObjectId) -> BTreeSet<ObjectId> {
    let (mut found, mut next) = (BTreeSet::new(), vec![id]);
    while let Some(id) = next.pop() {
        for input in catalog.get(id).map(|entry| entry.depends_on.as_slice()).unwrap_or_default() {
            if found.insert(*input) {
                next.push(*input);
            }
        }
    }
    found
}
