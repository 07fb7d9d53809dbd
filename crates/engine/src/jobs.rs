//! Work in the background: views built from history, with progress that status shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::TryStreamExt;
use highwater_api::{ApiError, ErrorKind};
use highwater_archive::TableSnapshot;
use highwater_model::{EventBatch, ObjectId, ObjectName, Offset, Offsets};
use highwater_sql::{Catalog, CreateMaterializedView, Entry, EntryKind, Planner, Statement, ViewQuery, parse};
use highwater_views::{Build, ViewPlan, ViewSpec, ViewsError};
use parking_lot::Mutex;

use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::feed::read_events;
use crate::memory;
use crate::query;
use crate::tick::Ticker;

/// Bytes of the log fed to a build at a time.
const FEED_BYTES: usize = 8 << 20;
/// A build this close to the present is put in place; the rest is fed between two ticks.
const CLOSE_ROWS: u64 = 50_000;

/// Whether a build has to keep to the memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// It is given up when there is no room.
    Kept,
    /// It takes the place of what was there.
    Exempt,
}

/// What a job is doing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobStatus {
    /// The view or index it builds.
    pub(crate) name: ObjectName,
    /// `build`, `replace`, `rebuild`, `index` or `alter`.
    pub(crate) kind: &'static str,
    /// 0 to 1.
    pub(crate) progress: f64,
    /// What went wrong, when it ended so.
    pub(crate) error: Option<String>,
    /// How many rows had been written to tables when it began: a failed job is tried again when there are more.
    tables_at: u64,
    /// Which of all jobs it is.
    turn: u64,
}

/// What is to be made durable, between two ticks, when a build takes its place.
pub(crate) type Commit = Box<dyn FnOnce(&Core) -> Result<(), EngineError> + Send>;

/// The jobs that run, and those that failed.
#[derive(Debug)]
pub(crate) struct Jobs {
    jobs: Mutex<BTreeMap<ObjectId, JobStatus>>,
    turns: AtomicU64,
    runtime: tokio::runtime::Handle,
}

impl Jobs {
    /// No jobs; new ones run on this runtime.
    pub(crate) fn new(runtime: tokio::runtime::Handle) -> Self {
        Self { jobs: Mutex::default(), turns: AtomicU64::new(0), runtime }
    }

    /// Waits on a thread beside the runtime's own.
    pub(crate) fn block_on<R>(&self, work: impl Future<Output = R>) -> R {
        self.runtime.block_on(work)
    }

    /// All jobs by view.
    pub(crate) fn list(&self) -> Vec<(ObjectId, JobStatus)> {
        self.jobs.lock().iter().map(|(id, job)| (*id, job.clone())).collect()
    }

    /// The job of a view.
    pub(crate) fn of(&self, id: ObjectId) -> Option<JobStatus> {
        self.jobs.lock().get(&id).cloned()
    }

    /// Forgets that jobs of these views failed, so that they can be tried again.
    fn forget_failed(&self, views: &[ObjectId]) {
        self.jobs.lock().retain(|id, job| job.error.is_none() || !views.contains(id));
    }

    /// Builds views anew in the background because tables they look up have changed.
    pub(crate) fn rebuild(&self, core: &Arc<Core>, views: Vec<ObjectId>) {
        for id in views {
            let tables_at = tables_at(core);
            let running =
                self.jobs.lock().get(&id).is_some_and(|job| job.error.is_none() || job.tables_at == tables_at);
            let spec = if running { None } else { stored_spec(core, id) };
            let Some(spec) = spec else { continue };
            let turn = self.start(&spec, "rebuild", tables_at);
            let core = Arc::clone(core);
            self.runtime.spawn(async move {
                if let Err(error) = run(&core, spec, Budget::Kept, turn, None).await {
                    tracing::error!(view = %id, %error, "building a view anew failed");
                }
            });
        }
    }

    /// Shows a job; one that the view has already has to stop. Gives its turn.
    fn start(&self, spec: &ViewSpec, kind: &'static str, tables_at: u64) -> u64 {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let job = JobStatus { name: spec.name.clone(), kind, progress: 0.0, error: None, tables_at, turn };
        self.jobs.lock().insert(spec.id, job);
        turn
    }

    /// Shows a job that looks nothing up in tables.
    pub(crate) fn begin(&self, id: ObjectId, name: ObjectName, kind: &'static str) {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let job = JobStatus { name, kind, progress: 0.0, error: None, tables_at: 0, turn };
        self.jobs.lock().insert(id, job);
    }

    /// Whether a job is still wanted.
    fn check(&self, id: ObjectId, turn: u64) -> Result<(), EngineError> {
        match self.jobs.lock().get(&id) {
            Some(job) if job.turn == turn => Ok(()),
            _ => Err(EngineError::Cancelled),
        }
    }

    /// Stops the build of a view; says whether there was one.
    pub(crate) fn cancel(&self, id: ObjectId) -> bool {
        let mut jobs = self.jobs.lock();
        let runs = jobs.get(&id).is_some_and(|job| job.error.is_none() && job.kind != "alter");
        if runs {
            jobs.remove(&id);
        }
        runs
    }

    /// Shows how far a job is.
    pub(crate) fn progress(&self, id: ObjectId, progress: f64) {
        if let Some(job) = self.jobs.lock().get_mut(&id) {
            job.progress = progress.clamp(0.0, 1.0);
        }
    }

    /// Shows how a job ended: not at all when it went well.
    pub(crate) fn end(&self, id: ObjectId, outcome: &Result<(), EngineError>) {
        let mut jobs = self.jobs.lock();
        match outcome {
            Ok(()) => drop(jobs.remove(&id)),
            Err(error) => {
                if let Some(job) = jobs.get_mut(&id) {
                    job.error = Some(error.to_string());
                }
            }
        }
    }

    /// The same of one of the jobs that a view had.
    fn end_turn(&self, id: ObjectId, turn: u64, outcome: &Result<(), EngineError>) {
        if self.check(id, turn).is_ok() {
            self.end(id, outcome);
        }
    }

    /// Forgets the job of a view that is dropped, which then stops.
    pub(crate) fn forget(&self, id: ObjectId) {
        self.jobs.lock().remove(&id);
    }
}

/// The plan of a materialized view from its stored text.
pub(crate) fn stored_spec(core: &Core, id: ObjectId) -> Option<ViewSpec> {
    let catalog = core.catalog.read();
    let entry = catalog.get(id).filter(|entry| matches!(entry.kind, EntryKind::MaterializedView { .. }))?;
    let spec = spec_of(&core.planner, &catalog, entry);
    spec.inspect_err(|error| tracing::error!(view = %entry.name, %error, "a stored view cannot be planned")).ok()
}

/// The same of an entry in hand.
pub(crate) fn spec_of(planner: &Planner, catalog: &Catalog, entry: &Entry) -> Result<ViewSpec, ApiError> {
    let (create, planned) = plan_stored(planner, catalog, entry)?;
    Ok(ViewSpec { id: entry.id, name: entry.name.clone(), plan: planned.plan, retain: create.retain })
}

/// The statement of a materialized view and the plan of its query.
pub(crate) fn plan_stored(
    planner: &Planner,
    catalog: &Catalog,
    entry: &Entry,
) -> Result<(CreateMaterializedView, ViewQuery), ApiError> {
    let Some(Statement::CreateMaterializedView(create)) = parse(&entry.sql)?.into_iter().next() else {
        return Err(ApiError::internal(format!("{} is no materialized view", entry.name)));
    };
    let planned = planner.plan_declared_view(&create, entry, catalog)?;
    Ok((create, planned))
}

/// Builds a view from history and puts it in place.
pub(crate) async fn build(core: &Arc<Core>, spec: ViewSpec, budget: Budget) -> Result<(), EngineError> {
    let turn = core.jobs.start(&spec, "build", tables_at(core));
    run(core, spec, budget, turn, None).await
}

/// Builds a view from history beside the one of its id, which serves until `commit` is done between two ticks and the new
/// one is in place.
pub(crate) async fn replace(core: &Arc<Core>, spec: ViewSpec, commit: Commit) -> Result<(), EngineError> {
    let turn = core.jobs.start(&spec, "replace", tables_at(core));
    run(core, spec, Budget::Kept, turn, Some(commit)).await
}

async fn run(
    core: &Arc<Core>,
    spec: ViewSpec,
    budget: Budget,
    turn: u64,
    commit: Option<Commit>,
) -> Result<(), EngineError> {
    let id = spec.id;
    // Its own task: a caller who goes away must not leave a half-made view behind.
    let owner = Arc::clone(core);
    let work = core.jobs.runtime.spawn(async move { build_and_place(&owner, &spec, budget, turn, commit).await });
    let outcome = work
        .await
        .unwrap_or_else(|error| Err(EngineError::Views(ViewsError::Invariant(format!("a build stopped: {error}")))));
    core.memory.built(id);
    core.jobs.end_turn(id, turn, &outcome);
    // A table may have changed while the view was built.
    let outdated = core.tick.run(|ticker| ticker.flow.outdated()).await?;
    core.jobs.rebuild(core, outdated);
    outcome
}

/// Tries again to build the views anew whose tables have changed: there may be room for it now.
pub(crate) async fn try_again(core: &Arc<Core>) -> Result<(), EngineError> {
    let outdated = core.tick.run(|ticker| ticker.flow.outdated()).await?;
    core.jobs.forget_failed(&outdated);
    core.jobs.rebuild(core, outdated);
    Ok(())
}

/// How many rows were ever written to tables, as far as the current version shows.
fn tables_at(core: &Core) -> u64 {
    let streams = core.streams.read();
    let offsets = &core.reader.read().offsets;
    let of_tables = offsets.iter().filter(|(id, _, _)| streams.get(id).is_some_and(|stream| stream.is_table));
    of_tables.map(|(_, _, next)| next).sum()
}

async fn build_and_place(
    core: &Arc<Core>,
    spec: &ViewSpec,
    budget: Budget,
    turn: u64,
    mut commit: Option<Commit>,
) -> Result<(), EngineError> {
    let plan = ViewPlan::new(spec)?;
    let mut build = core.tick.run(move |ticker| ticker.flow.begin(plan)).await??;
    let owner = Arc::clone(core);
    build = blocking(move || {
        while build.feed_snapshot()? {
            check_build(&owner, &build, budget, turn)?;
        }
        Ok(build)
    })
    .await?;
    loop {
        let owner = Arc::clone(core);
        build = blocking(move || feed_history(&owner, build, budget, turn)).await?;
        // What is committed must fit the catalog of that moment.
        let guard = if commit.is_some() { Some(core.ddl.lock().await) } else { None };
        let owner = Arc::clone(core);
        let last = commit.take();
        let placed = core.tick.run(move |ticker| place(ticker, &owner, build, turn, last)).await?;
        drop(guard);
        match placed? {
            None => return Ok(()),
            Some((unfinished, again)) => (build, commit) = (unfinished, again),
        }
    }
}

/// Puts a build in place, between two ticks; gives it back when it is too far behind.
fn place(
    ticker: &mut Ticker,
    core: &Core,
    mut build: Build,
    turn: u64,
    commit: Option<Commit>,
) -> Result<Option<(Build, Option<Commit>)>, EngineError> {
    let id = build.plan().id();
    core.jobs.check(id, turn)?;
    let target = ticker.flow.reader().read().offsets.clone();
    if distance(&build, &target) > CLOSE_ROWS {
        return Ok(Some((build, commit)));
    }
    feed_until(core, &mut build, &target, |_| Ok(()))?;
    build.feed_changes()?;
    let same_columns =
        ticker.flow.reader().read().store(id).is_none_or(|old| old.schema().fields() == build.plan().schema().fields());
    if let Some(commit) = commit {
        // From here on it is so, whatever happens.
        commit(core)?;
    }
    let report = ticker.flow.finish(build)?;
    core.memory.built(id);
    if !same_columns {
        core.hub.close(id);
    }
    ticker.published(report);
    Ok(None)
}

/// Runs what takes long beside the runtime's threads.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, EngineError> + Send + 'static,
) -> Result<R, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(EngineError::Views(ViewsError::Invariant(format!("a build stopped: {error}")))))
}

/// Feeds everything the dataflow has seen when this begins.
fn feed_history(core: &Core, mut build: Build, budget: Budget, turn: u64) -> Result<Build, EngineError> {
    let target = core.reader.read().offsets.clone();
    let id = build.plan().id();
    let all = distance(&build, &target).max(1) as f64;
    let goal = target.clone();
    feed_until(core, &mut build, &target, |build| {
        core.jobs.progress(id, 1.0 - distance(build, &goal) as f64 / all);
        check_build(core, build, budget, turn)
    })?;
    build.feed_changes()?;
    Ok(build)
}

/// Takes down what a build holds; an error when that leaves no room, or when it is wanted no more.
fn check_build(core: &Core, build: &Build, budget: Budget, turn: u64) -> Result<(), EngineError> {
    let plan = build.plan();
    core.jobs.check(plan.id(), turn)?;
    if budget == Budget::Exempt {
        core.memory.building(plan.id(), plan.name(), build.bytes() as u64);
        return Ok(());
    }
    check_room(core, plan.id(), plan.name(), build.bytes(), "built")
}

/// Takes down what something holds that is being made; an error when that leaves no room.
pub(crate) fn check_room(
    core: &Core,
    id: ObjectId,
    name: &ObjectName,
    bytes: usize,
    what: &str,
) -> Result<(), EngineError> {
    core.memory.building(id, name, bytes as u64);
    if !core.memory.is_full() {
        return Ok(());
    }
    Err(EngineError::NoRoom(Box::new(memory::full(core, ErrorKind::TooLarge, &format!("{name} cannot be {what}")))))
}

/// Events between what a build was fed and `target`.
fn distance(build: &Build, target: &Offsets) -> u64 {
    let streams = build.plan().streams();
    let wanted = target.iter().filter(|(stream, partition, _)| streams.contains(stream) && !partition.is_rejects());
    wanted.map(|(stream, partition, next)| next.saturating_sub(build.offsets().get(stream, partition))).sum()
}

fn feed_until(
    core: &Core,
    build: &mut Build,
    target: &Offsets,
    mut progress: impl FnMut(&Build) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    for id in build.plan().streams().clone() {
        let Some(stream) = core.stream(id) else { continue };
        feed_archived(core, build, &stream, target, &mut progress)?;
        loop {
            let mut events = Vec::new();
            for partition in stream.partitions() {
                let (mut next, end) = (build.offsets().get(id, partition), target.get(id, partition));
                if next < end {
                    let read = read_events(&stream, core.log.as_ref(), partition, &mut next, FEED_BYTES)?;
                    if let Some(first) = read.first() {
                        build.pass_over(id, partition, first.base_offset);
                    }
                    events.extend(read.into_iter().filter_map(|batch| cut(batch, end)));
                }
            }
            if events.is_empty() {
                break;
            }
            build.feed_events(id, events)?;
            progress(build)?;
        }
    }
    Ok(())
}

/// Feeds what is archived of a stream that the build has seen nothing of: it is quicker to read than the log, which may
/// have let go of it.
fn feed_archived(
    core: &Core,
    build: &mut Build,
    stream: &StreamRuntime,
    target: &Offsets,
    progress: &mut impl FnMut(&Build) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let id = stream.id;
    if stream.partitions().any(|partition| build.offsets().get(id, partition) > 0) {
        return Ok(());
    }
    let archived = match &core.archives {
        Some(archives) => archives
            .snapshot(id, false)
            .map_err(|error| EngineError::ReadArchive { stream: stream.name.to_string(), reason: error.message })?,
        None => None,
    };
    let covered = |archived: &TableSnapshot, partition| archived.covered.get(&partition).copied().unwrap_or(0);
    // Nothing of it may lie beyond what the build is to hold.
    let fits = |archived: &TableSnapshot| {
        stream.partitions().all(|partition| covered(archived, partition) <= target.get(id, partition))
    };
    let Some(archived) = archived.filter(|archived| fits(archived)) else { return Ok(()) };
    let reading = query::archived_rows(core, &stream.name, &stream.schema, Arc::clone(&archived));
    let mut rows = core.jobs.block_on(reading)?;
    let (view, mut fed) = (build.plan().id(), 0);
    let all = archived.rows + distance(build, target).saturating_sub(archived.rows);
    while let Some(batch) = core.jobs.block_on(rows.try_next())? {
        fed += batch.num_rows() as u64;
        build.feed_history(id, batch)?;
        progress(build)?;
        core.jobs.progress(view, fed as f64 / all.max(1) as f64);
    }
    for partition in stream.partitions() {
        build.pass_over(id, partition, covered(&archived, partition));
    }
    Ok(())
}

/// The rows of a batch below `end`.
pub(crate) fn cut(mut batch: EventBatch, end: Offset) -> Option<EventBatch> {
    let rows = end.saturating_sub(batch.base_offset).min(batch.rows.num_rows() as u64);
    if rows == 0 {
        return None;
    }
    batch.rows = batch.rows.slice(0, rows as usize);
    Some(batch)
}
