//! The tick thread: owns the dataflow, moves it on with whatever events are durable, runs commands between ticks,
//! and asks for checkpoints. Everyone else reaches the dataflow through [`TickHandle`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use highwater_api::ApiError;
use highwater_model::{EventBatch, ObjectId, Offsets};
use highwater_views::{Dataflow, Reader, TickReport, ViewFigures};
use parking_lot::RwLock;
use tokio::sync::{oneshot, watch};

use crate::checkpoints::CheckpointWriter;
use crate::core::Core;
use crate::error::EngineError;
use crate::memory::{Held, Room, size_text};
use crate::priority;
use crate::signal::Signal;

/// How long an idle tick thread sleeps at most.
const IDLE: Duration = Duration::from_millis(500);
/// Views that change with the clock do so at most this often when there are no events.
const BETWEEN_CLOCK_TICKS: Duration = Duration::from_millis(10);
/// Time between refreshes of the figures that status shows.
const FIGURES_EVERY: Duration = Duration::from_secs(1);
/// Time between measurements of what is held, and its longest share of the tick thread's time (one part in so many).
const MEASURE_EVERY: Duration = Duration::from_millis(10);
const MEASURE_SHARE: u32 = 20;
/// The figures are refreshed early when so large a part of the memory limit came or went (one part in so many): what is
/// said of a limit names who holds the most by then.
const FIGURES_DRIFT: u64 = 20;
/// Time between looks at what retention lets go.
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// A command for the tick thread; says whether to go on.
type Command = Box<dyn FnOnce(&mut Ticker) -> bool + Send>;

/// Everyone's way to the tick thread.
pub(crate) struct TickHandle {
    commands: Sender<Command>,
    signal: Arc<Signal>,
    /// Rises with every published version.
    versions: watch::Sender<u64>,
    figures: RwLock<HashMap<ObjectId, ViewFigures>>,
    /// The thread has ended: nothing new will be visible.
    ended: AtomicBool,
}

/// The tick thread's own state.
pub(crate) struct Ticker {
    pub(crate) flow: Dataflow,
    core: Arc<Core>,
    checkpoints: CheckpointWriter,
    figures_at: Option<Instant>,
    /// Bytes of state when the figures were taken.
    figures_of: u64,
    trimmed_at: Instant,
    measured_at: Instant,
    /// How long measuring took.
    measuring: Duration,
    /// Whether there was no room when it was last measured.
    is_full: bool,
    /// Views whose size was told.
    gauged: BTreeSet<String>,
}

impl TickHandle {
    /// A handle and the commands that its thread will take.
    pub(crate) fn new() -> (Self, Receiver<Command>) {
        let (commands, receiver) = std::sync::mpsc::channel();
        let handle = Self {
            commands,
            signal: Arc::default(),
            versions: watch::Sender::new(0),
            figures: RwLock::default(),
            ended: AtomicBool::new(false),
        };
        (handle, receiver)
    }

    /// Tells the thread that there is something to do.
    pub(crate) fn wake(&self) {
        self.signal.ring();
    }

    /// Runs `work` on the tick thread, between two ticks.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ticker) -> R + Send + 'static,
    ) -> Result<R, EngineError> {
        let (answer, answered) = oneshot::channel();
        let command: Command = Box::new(move |ticker| {
            // Whoever asked may have gone away; the work is done all the same.
            drop(answer.send(work(ticker)));
            true
        });
        self.commands.send(command).map_err(|_| EngineError::Stopping)?;
        self.wake();
        answered.await.map_err(|_| EngineError::Stopping)
    }

    /// Asks the thread to end after a last checkpoint.
    pub(crate) fn stop(&self) {
        drop(self.commands.send(Box::new(|_| false)));
        self.wake();
    }

    /// Waits until the version served includes `wanted`.
    pub(crate) async fn visible(&self, reader: &Reader, wanted: &Offsets) -> Result<(), ApiError> {
        let mut versions = self.versions.subscribe();
        loop {
            versions.borrow_and_update();
            if reader.read().offsets.covers(wanted) {
                return Ok(());
            }
            if self.ended.load(Ordering::Acquire) {
                return Err(EngineError::Stopping.into());
            }
            versions.changed().await.map_err(|_| ApiError::from(EngineError::Stopping))?;
        }
    }

    /// Changes with every published version.
    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    /// Sizes of the relations, about a second old.
    pub(crate) fn figures(&self) -> HashMap<ObjectId, ViewFigures> {
        self.figures.read().clone()
    }
}

impl Ticker {
    pub(crate) fn new(core: Arc<Core>, flow: Dataflow, checkpoints: CheckpointWriter) -> Self {
        Self {
            flow,
            core,
            checkpoints,
            figures_at: None,
            figures_of: 0,
            trimmed_at: Instant::now(),
            measured_at: Instant::now(),
            measuring: Duration::ZERO,
            is_full: false,
            gauged: BTreeSet::new(),
        }
    }

    /// Runs until told to stop. An error is a defect or a failing disk: the engine then serves no more.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        priority::give_way();
        let outcome = self.serve(commands);
        if let Err(error) = outcome {
            tracing::error!(%error, "the tick thread stopped");
            self.core.health.fail(format!("views stand still since an error: {error}"));
        }
        self.core.tick.ended.store(true, Ordering::Release);
        self.core.tick.versions.send_modify(|version| *version += 1);
    }

    fn serve(&mut self, commands: &Receiver<Command>) -> Result<(), EngineError> {
        loop {
            loop {
                match commands.try_recv() {
                    Ok(command) => {
                        if !command(self) {
                            return self.checkpoints.finish(&mut self.flow);
                        }
                        self.refresh_figures(true);
                        self.measure();
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            if self.advance()? == 0 {
                self.checkpoints.go_on(&mut self.flow, 0)?;
                if self.checkpoints.is_gathering() {
                    self.measure_if_due();
                    if let Some(pause) = self.checkpoints.wait() {
                        self.core.tick.signal.wait(pause);
                    }
                    continue;
                }
                self.measure();
                self.refresh_figures(false);
                self.trim_if_due();
                self.core.tick.signal.wait(self.until_due());
            }
        }
    }

    /// How long nothing is to be done unless events come.
    fn until_due(&self) -> Duration {
        let Some(due) = self.flow.due_micros() else { return IDLE };
        let micros = due.saturating_sub(self.core.clock.now_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(BETWEEN_CLOCK_TICKS, IDLE)
    }

    /// One tick with the events that are durable, or because the clock changes a view; says how many rows it took.
    fn advance(&mut self) -> Result<usize, EngineError> {
        let now = self.core.clock.now_micros();
        self.flow.set_clock(now);
        let events = self.take_events()?;
        let rows: usize = events.values().flatten().map(|batch| batch.rows.num_rows()).sum();
        // A batch without rows passes over records that were given up.
        if events.is_empty() && self.flow.due_micros().is_none_or(|due| due > now) {
            return Ok(0);
        }
        let started = Instant::now();
        let report = self.flow.tick(events)?;
        metrics::histogram!("highwater_engine_tick_seconds").record(started.elapsed().as_secs_f64());
        metrics::counter!("highwater_engine_tick_rows_total").increment(rows as u64);
        self.checkpoints.count(rows as u64);
        self.published(report);
        self.checkpoints.go_on(&mut self.flow, rows)?;
        self.measure_if_due();
        self.refresh_figures(false);
        self.trim_if_due();
        Ok(rows)
    }

    /// Tells readers, subscribers and jobs of a new version.
    pub(crate) fn published(&mut self, report: TickReport) {
        for (id, error) in &report.failures {
            tracing::error!(object = %id, %error, "a view stopped");
        }
        let ticks = self.flow.reader().read().ticks;
        self.core.hub.publish(report, ticks);
        self.core.tick.versions.send_modify(|version| *version += 1);
        let outdated = self.flow.outdated();
        if !outdated.is_empty() {
            self.core.jobs.rebuild(&self.core, outdated);
        }
    }

    fn take_events(&self) -> Result<HashMap<ObjectId, Vec<EventBatch>>, EngineError> {
        let streams: Vec<_> = self.core.streams.read().values().cloned().collect();
        let mut budget = self.core.settings.tick_rows;
        let mut events = HashMap::new();
        for stream in streams {
            let taken = stream.feed.take(&stream, self.core.log.as_ref(), budget)?;
            if !taken.is_empty() {
                let rows: usize = taken.iter().map(|batch| batch.rows.num_rows()).sum();
                budget = budget.saturating_sub(rows).max(1_024);
                events.insert(stream.id, taken);
            }
        }
        Ok(events)
    }

    fn trim_if_due(&mut self) {
        if self.trimmed_at.elapsed() >= TRIM_EVERY && self.core.holds.load(Ordering::Acquire) == 0 {
            self.trim();
        }
    }

    /// Lets go of what retention allows, a checkpoint covers and the archive holds.
    pub(crate) fn trim(&mut self) {
        self.trimmed_at = Instant::now();
        let covered = self.checkpoints.covered();
        let now = self.core.clock.now_micros();
        for stream in self.core.streams.read().values() {
            let retention = &stream.schema.retention;
            if retention.age_micros.is_none() && retention.bytes.is_none() {
                continue;
            }
            let before = retention.age_micros.map(|age| now.saturating_sub(age));
            // Rejects are in no view. What the archive does not hold yet stays, whatever its age.
            let keep = |partition: highwater_model::PartitionId| {
                let viewed = if partition.is_rejects() { u64::MAX } else { covered.get(stream.id, partition) };
                let archives = self.core.archives.as_ref().filter(|_| !stream.is_table);
                archives.map_or(viewed, |archives| viewed.min(archives.covered(stream.id, partition)))
            };
            if let Err(error) = self.core.log.trim(stream.id, before, retention.bytes, &keep) {
                tracing::warn!(stream = %stream.name, %error, "old records could not be let go");
            }
        }
    }

    fn measure_if_due(&mut self) {
        if self.measured_at.elapsed() >= MEASURE_EVERY.max(self.measuring * MEASURE_SHARE) {
            self.measure();
        }
    }

    /// Measures what is held; says so when there is no room any more, or again.
    fn measure(&mut self) {
        let started = Instant::now();
        let held = Held {
            state: self.flow.bytes() as u64,
            waiting: self.core.streams.read().values().map(|stream| stream.feed.waiting_bytes() as u64).sum(),
            changes: self.core.hub.bytes() as u64,
            checkpoint: self.checkpoints.bytes() as u64,
        };
        // Before the new sizes are known to anybody: whoever is refused for them is told who holds the most.
        let drift = held.state.abs_diff(self.figures_of).saturating_mul(FIGURES_DRIFT);
        self.refresh_figures(self.core.memory.limit().bytes().is_some_and(|limit| drift > limit));
        let is_full = self.core.memory.measured(held) == Room::None;
        self.measuring = started.elapsed();
        self.measured_at = Instant::now();
        if is_full != std::mem::replace(&mut self.is_full, is_full) {
            let (limit, total) = (self.core.memory.limit().to_string(), size_text(self.core.memory.total()));
            if is_full {
                tracing::warn!(limit, held = total, "the memory limit is reached: new events and views are refused");
            } else {
                tracing::info!(limit, held = total, "there is room in memory again");
            }
        }
    }

    fn refresh_figures(&mut self, now: bool) {
        if now || self.figures_at.is_none_or(|at| at.elapsed() >= FIGURES_EVERY) {
            self.figures_at = Some(Instant::now());
            self.figures_of = self.flow.bytes() as u64;
            let figures = self.flow.figures();
            self.gauge(&figures);
            *self.core.tick.figures.write() = figures;
        }
    }

    /// Tells the size of every view, table and keyed stream, and 0 for those that are gone.
    fn gauge(&mut self, figures: &HashMap<ObjectId, ViewFigures>) {
        let sizes: HashMap<String, usize> = {
            let catalog = self.core.catalog.read();
            let name = |id: &ObjectId| catalog.get(*id).map(|entry| entry.name.to_string());
            figures.iter().filter_map(|(id, figures)| Some((name(id)?, figures.bytes))).collect()
        };
        self.gauged.extend(sizes.keys().cloned());
        for name in &self.gauged {
            let bytes = sizes.get(name).copied().unwrap_or(0);
            metrics::gauge!("highwater_engine_relation_bytes", "relation" => name.clone()).set(bytes as f64);
        }
        self.gauged.retain(|name| sizes.contains_key(name));
    }
}
