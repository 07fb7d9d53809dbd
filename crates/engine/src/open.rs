//! Opening a data folder: log, catalog, the newest sound checkpoint, and the rest of the log behind it. State that
//! cannot be used is computed again and said so; log and catalog are never guessed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::TryStreamExt;
use highwater_api::{ApiError, JobKind};
use highwater_log::{EmbeddedLog, Log};
use highwater_model::{Clock, ObjectId, Offsets, PartitionId, StreamSchema};
use highwater_sql::{Catalog, Entry, EntryKind, Planner};
use highwater_views::{Checkpoints, Dataflow, ObjectSave, Restored, ViewPlan, ViewsError};
use parking_lot::RwLock;

use crate::archive::Archives;
use crate::audit::Record;
use crate::background::{Tasks, Unfinished, keep, resume};
use crate::batch::Batches;
use crate::catalog_file;
use crate::checkpoints::CheckpointWriter;
use crate::core::{Core, Health, StreamRuntime};
use crate::error::EngineError;
use crate::indexes;
use crate::jobs::{self, Budget, Jobs};
use crate::memory::Memory;
use crate::priority;
use crate::query::{self, RankedViews};
use crate::reread::Rereader;
use crate::settings::EngineSettings;
use crate::statements::open_stream;
use crate::subscribe::Hub;
use crate::tick::{TickHandle, Ticker};

/// Opens and starts an engine.
pub(crate) async fn open(
    settings: EngineSettings,
    clock: Arc<dyn Clock>,
) -> Result<(Arc<Core>, JoinHandle<()>, tokio::task::JoinHandle<()>), EngineError> {
    let data = settings.data.display().to_string();
    let io = |context: &str| {
        let context = format!("{context} {data}");
        move |source| EngineError::Io { context, source }
    };
    std::fs::create_dir_all(&settings.data).map_err(io("making the data folder"))?;
    let log: Arc<dyn Log> = EmbeddedLog::open(&settings.data, settings.log.clone(), Arc::clone(&clock))?;
    let catalog = catalog_file::load(&settings.data)?;
    remove_litter(log.as_ref(), &catalog, &settings)?;

    let archives = match settings.archive.clone() {
        Some(options) => {
            let archives = Archives::open(options, &catalog).await?;
            belongs_to_log(&archives, log.as_ref(), &catalog)?;
            Some(Arc::new(archives))
        }
        None => None,
    };
    let (checkpoints, mut restored) = Checkpoints::open(&settings.data.join("state"))?;
    restored.problems.iter().for_each(|problem| tracing::warn!(problem, "a checkpoint was set aside"));
    if let Some(why) = ahead_of_log(log.as_ref(), &catalog, &restored.offsets) {
        tracing::warn!(why, "the saved state is set aside and computed again from the log");
        restored = Restored::default();
    }
    // What jobs had put aside when the process ended.
    drop(std::fs::remove_dir_all(settings.data.join("spill")));
    let record = Record::open(&settings.data)?;
    let batches = Arc::new(Batches::open(&settings.data, &catalog)?);
    let (tick, commands) = TickHandle::new();
    let mut flow = new_dataflow(settings.threads)?;
    let core = Arc::new(Core {
        hub: Hub::new(settings.change_history_rows),
        tasks: Tasks::new(record.next_job()),
        unfinished: Unfinished::open(&settings.data),
        record,
        batches,
        jobs: Jobs::new(tokio::runtime::Handle::current()),
        planner: Planner::new(),
        catalog: RwLock::new(catalog),
        ddl: tokio::sync::Mutex::new(()),
        decoding: Arc::new(tokio::sync::Semaphore::new(settings.threads.div_ceil(2))),
        reader: flow.reader(),
        streams: RwLock::default(),
        folders: RwLock::default(),
        health: Health::default(),
        memory: Memory::new(settings.memory_limit),
        holds: std::sync::atomic::AtomicUsize::new(0),
        replays: tokio::sync::Mutex::new(()),
        ranked_views: RankedViews::default(),
        settings,
        clock,
        log,
        archives,
        tick,
    });
    let unbuilt = restore(&core, &mut flow, restored).await?;
    let checkpoints = CheckpointWriter::start(checkpoints, &core.settings)?;
    let ticker = Ticker::new(Arc::clone(&core), flow, checkpoints);
    let thread = std::thread::Builder::new()
        .name("tick".to_owned())
        .spawn(move || ticker.run(&commands))
        .map_err(io("starting the tick thread for"))?;
    let schedules = [
        (JobKind::Audit, core.settings.audit_schedule.clone()),
        (JobKind::Recompute, core.settings.recompute_schedule.clone()),
    ];
    for (kind, schedule) in schedules {
        if let Some(schedule) = schedule {
            tokio::spawn(keep(Arc::clone(&core), kind, schedule, core.tasks.closing()));
        }
    }
    tokio::spawn(resume(Arc::clone(&core)));
    let settling = Arc::clone(&core);
    let settling = tokio::spawn(async move { settle(&settling, unbuilt).await });
    Ok((core, thread, settling))
}

/// A dataflow whose threads give way to those that answer requests: they inherit that from the thread that starts them.
fn new_dataflow(threads: usize) -> Result<Dataflow, EngineError> {
    let started = std::thread::spawn(move || {
        priority::give_way();
        Dataflow::new(threads)
    });
    let panicked = |_| ViewsError::Invariant("starting the dataflow's threads panicked".to_owned());
    Ok(started.join().map_err(panicked)??)
}

/// Log streams that were dropped from the catalog just before a crash.
fn remove_litter(log: &dyn Log, catalog: &Catalog, settings: &EngineSettings) -> Result<(), EngineError> {
    for id in log.streams() {
        let known = catalog.get(id).is_some_and(|entry| entry.kind.is_logged());
        if known {
            continue;
        }
        if id >= catalog.next_id() {
            return Err(EngineError::Damaged {
                path: settings.data.join("catalog.json").display().to_string(),
                reason: format!(
                    "the log holds stream {id}, which the catalog never knew; restore the catalog that belongs to this log"
                ),
            });
        }
        tracing::info!(stream = %id, "removing the log of a stream that was dropped");
        log.drop_stream(id)?;
    }
    Ok(())
}

/// Refuses a log that ends before what was archived of it: it would give the same offsets to other records.
fn belongs_to_log(archives: &Archives, log: &dyn Log, catalog: &Catalog) -> Result<(), EngineError> {
    for entry in catalog.entries() {
        let Some(schema) = entry.kind.stream_schema() else { continue };
        for partition in (0..schema.partitions).map(PartitionId).chain([PartitionId::REJECTS]) {
            let covered = archives.covered(entry.id, partition);
            let next = log.bounds(entry.id, partition).map_or(0, |bounds| bounds.next);
            if covered > next {
                return Err(EngineError::Damaged {
                    path: archives.root().to_owned(),
                    reason: format!(
                        "it holds {}, partition {partition}, up to offset {covered}, but the log ends at {next}: restore the \
                         log that belongs to this archive, or move the archive away",
                        entry.name
                    ),
                });
            }
        }
    }
    Ok(())
}

/// Why a checkpoint cannot belong to this log, if it cannot.
pub(crate) fn ahead_of_log(log: &dyn Log, catalog: &Catalog, offsets: &Offsets) -> Option<String> {
    offsets.iter().find_map(|(stream, partition, next)| {
        catalog.get(stream)?;
        let end = log.bounds(stream, partition).map_or(0, |bounds| bounds.next);
        (next > end).then(|| format!("it covers stream {stream}/{partition} up to {next}, the log ends at {end}"))
    })
}

/// Fills the dataflow with what was saved; gives the views that must be built anew.
async fn restore(core: &Arc<Core>, flow: &mut Dataflow, restored: Restored) -> Result<Vec<ObjectId>, EngineError> {
    let catalog = core.catalog.read().clone();
    let mut saves: HashMap<ObjectId, Vec<ObjectSave>> = restored.objects.into_iter().collect();
    let (mut offsets, mut times) = (restored.offsets, restored.times);
    times.retain(|stream, _| catalog.get(*stream).is_some());
    offsets.retain(|stream| catalog.get(stream).is_some());
    if let Err(error) = restore_keyed(&core.log, &catalog, flow, &mut saves, &offsets) {
        tracing::warn!(%error, "the saved state is set aside and computed again from the log");
        (saves, offsets, times) = (HashMap::new(), Offsets::default(), BTreeMap::new());
        restore_keyed(&core.log, &catalog, flow, &mut saves, &offsets)?;
    }
    let fresh = offsets.total() == 0;
    if fresh {
        feed_keyed(core, &catalog, flow, &mut offsets).await?;
    }
    for entry in catalog.entries() {
        let Some(schema) = entry.kind.stream_schema() else { continue };
        let is_table = matches!(entry.kind, EntryKind::Table { .. });
        let next = |partition: PartitionId| offsets.get(entry.id, partition);
        let runtime: Arc<StreamRuntime> =
            open_stream(core.log.as_ref(), entry.id, entry.name.clone(), schema.clone(), is_table, next)?;
        core.streams.write().insert(entry.id, runtime);
        flow.follow_time(entry.id, schema);
    }
    flow.restore_offsets(offsets, times, core.clock.now_micros().unsigned_abs());
    let mut unbuilt = Vec::new();
    for id in catalog.topological() {
        let Some(spec) = jobs::stored_spec(core, id) else { continue };
        let plan = ViewPlan::new(&spec)?;
        // On top of what is computed again, a view is computed again too.
        let on_unbuilt = plan.relations().iter().any(|input| unbuilt.contains(input));
        match saves.remove(&id) {
            Some(saves) if !on_unbuilt => {
                if let Err(error) = flow.restore_view(plan, saves) {
                    tracing::warn!(view = %spec.name, %error, "the view is computed again from the log");
                    unbuilt.push(id);
                }
            }
            // With nothing restored at all, a view simply follows the log from its beginning; but one that looks
            // tables up must not do so before they are complete.
            None if fresh && !on_unbuilt && plan.lookups().is_empty() && !trimmed(core, plan.streams()) => {
                let mut build = flow.begin(plan)?;
                build.feed_snapshots()?;
                flow.finish(build)?;
            }
            _ => unbuilt.push(id),
        }
    }
    Ok(unbuilt)
}

/// Computes from the archive what the log does not hold any more of keyed streams.
async fn feed_keyed(
    core: &Core,
    catalog: &Catalog,
    flow: &mut Dataflow,
    offsets: &mut Offsets,
) -> Result<(), EngineError> {
    let Some(archives) = &core.archives else { return Ok(()) };
    for entry in catalog.entries() {
        let EntryKind::Stream { schema } = &entry.kind else { continue };
        let earliest =
            |partition| core.log.bounds(entry.id, PartitionId(partition)).map_or(0, |bounds| bounds.earliest);
        if schema.keyed.is_none() || (0..schema.partitions).all(|partition| earliest(partition) == 0) {
            continue;
        }
        let unreadable =
            |error: ApiError| EngineError::ReadArchive { stream: entry.name.to_string(), reason: error.message };
        let Some(archived) = archives.snapshot(entry.id, false).map_err(unreadable)? else { continue };
        let mut rows = query::archived_rows(core, &entry.name, schema, Arc::clone(&archived)).await?;
        let mut latest = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            flow.feed_keyed(entry.id, batch, &mut latest)?;
        }
        archived.covered.iter().for_each(|(partition, next)| offsets.set(entry.id, *partition, *next));
    }
    Ok(())
}

/// Whether the log has let go of records of these streams.
fn trimmed<'a>(core: &Core, streams: impl IntoIterator<Item = &'a ObjectId>) -> bool {
    let earliest = |stream: &StreamRuntime, partition| core.log.bounds(stream.id, partition).map_or(0, |b| b.earliest);
    let mut streams = streams.into_iter().filter_map(|id| core.stream(*id));
    streams.any(|stream| stream.partitions().any(|partition| earliest(&stream, partition) > 0))
}

fn restore_keyed(
    log: &Arc<dyn Log>,
    catalog: &Catalog,
    flow: &mut Dataflow,
    saves: &mut HashMap<ObjectId, Vec<ObjectSave>>,
    offsets: &Offsets,
) -> Result<(), EngineError> {
    for entry in catalog.entries() {
        let Some(schema) = entry.kind.stream_schema().filter(|schema| schema.keyed.is_some()) else { continue };
        let is_table = matches!(entry.kind, EntryKind::Table { .. });
        match saves.remove(&entry.id) {
            Some(mut saves) => {
                if !is_table {
                    rewrite_older(log, entry, schema, &mut saves)?;
                }
                flow.restore_keyed(entry.id, schema, is_table, saves)?;
            }
            // Declared after the checkpoint: it starts at its log's beginning.
            None if offsets.iter().all(|(stream, _, next)| stream != entry.id || next == 0) => {
                drop(flow.add_keyed(entry.id, schema, is_table)?);
            }
            None => {
                let what = format!("nothing was saved of {}", entry.name);
                return Err(EngineError::Views(highwater_views::ViewsError::BadState(what)));
            }
        }
    }
    Ok(())
}

/// Gives the rows of a checkpoint that is older than the stream's declaration the columns that they have now.
fn rewrite_older(
    log: &Arc<dyn Log>,
    entry: &Entry,
    schema: &StreamSchema,
    saves: &mut [ObjectSave],
) -> Result<(), EngineError> {
    let reread = Rereader::new(Arc::clone(log), entry.id, entry.name.to_string(), schema)?;
    let is_older =
        |save: &&mut ObjectSave| save.row_schema().is_some_and(|rows| rows.fields() != reread.schema().fields());
    saves.iter_mut().filter(is_older).try_for_each(|save| save.rewrite_rows(|rows| reread.rewrite(rows)))
}

/// Waits until the log as it was at the start is in the views, builds those that could not be restored, and opens.
async fn settle(core: &Arc<Core>, unbuilt: Vec<ObjectId>) {
    let mut end = Offsets::default();
    for stream in core.streams.read().values() {
        for partition in stream.partitions() {
            if let Ok(bounds) = core.log.bounds(stream.id, partition) {
                end.set(stream.id, partition, bounds.next);
            }
        }
    }
    core.tick.wake();
    if core.tick.visible(&core.reader, &end).await.is_err() {
        return;
    }
    let Ok(outdated) = core.tick.run(|ticker| ticker.flow.outdated()).await else { return };
    for id in unbuilt.into_iter().chain(outdated) {
        let Some(spec) = jobs::stored_spec(core, id) else { continue };
        // What was there before the start is there after it, whatever the limit is now.
        if let Err(error) = jobs::build(core, spec, Budget::Exempt).await {
            tracing::error!(view = %id, %error, "a view could not be computed again");
        }
    }
    let ranked = indexes::indexes(&core.catalog.read(), None);
    indexes::build_all(core, ranked);
    core.health.set_ready(true);
    core.health.settle();
    let owner = Arc::clone(core);
    // How many of the hidden records are rejects is told from then on.
    drop(tokio::task::spawn_blocking(move || {
        for stream in owner.streams.read().values().cloned().collect::<Vec<_>>() {
            if let Err(error) = stream.replayed.catch_up(owner.log.as_ref(), stream.id) {
                tracing::warn!(stream = %stream.name, %error, "which rejects were replayed cannot be read");
            }
        }
    }));
}
