//! When checkpoints are taken, and the thread that writes them. The tick thread only gathers what changed, some between
//! any two ticks, so that no tick waits long: rounds gather what changed meanwhile until little is left. What is gathered is
//! handed over at once, so that no copy of the state piles up in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use highwater_model::Offsets;
use highwater_views::{Checkpoints, Dataflow, ObjectSave, Saved, Saving, Spool, ViewsError};
use parking_lot::Mutex;

use crate::error::EngineError;
use crate::priority;
use crate::settings::EngineSettings;

/// Rows that are gathered at once in the end.
const FEW_ROWS: usize = 4_096;
/// Rounds after which a checkpoint is completed however much has changed meanwhile.
const MOST_ROUNDS: u32 = 4;

/// Bytes that are handed to the writer at a time.
const HANDED_BYTES: usize = 1 << 20;
/// Bytes handed over and not yet written, above which gathering waits.
const WAITING_BYTES: usize = 32 << 20;
/// How long an idle tick thread waits for the writer.
const WRITER_WAIT: Duration = Duration::from_millis(2);
/// Rows gathered at a time when the engine closes.
const CLOSING_ROWS: usize = 65_536;

/// What the writer is given.
enum Gathered {
    /// Some of a checkpoint.
    Some(Vec<ObjectSave>),
    /// The rest of it.
    Last(Saved),
}

/// Decides when to save, and hands what was saved to a writer thread.
pub(crate) struct CheckpointWriter {
    interval: Duration,
    max_events: u64,
    events: u64,
    last: Instant,
    saving: Option<Saving>,
    state: Arc<WriterState>,
    queue: Option<Sender<Gathered>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct WriterState {
    busy: AtomicBool,
    /// The next save must be whole.
    wants_full: AtomicBool,
    /// Bytes handed over and not yet written.
    waiting: AtomicUsize,
    /// What the newest checkpoint on disk covers.
    covered: Mutex<Offsets>,
}

impl CheckpointWriter {
    /// Starts the writer thread over an opened checkpoint folder.
    pub(crate) fn start(checkpoints: Checkpoints, settings: &EngineSettings) -> Result<Self, EngineError> {
        let state = Arc::new(WriterState::default());
        state.wants_full.store(checkpoints.wants_full(), Ordering::Release);
        let (queue, gathered) = channel::<Gathered>();
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                priority::give_way();
                let mut writer = Writer { checkpoints, spool: None, state: shared };
                gathered.into_iter().for_each(|gathered| writer.take(gathered));
            })
            .map_err(|source| EngineError::Io { context: "starting the checkpoint thread".to_owned(), source })?;
        Ok(Self {
            interval: settings.checkpoint_interval,
            max_events: settings.checkpoint_events,
            events: 0,
            last: Instant::now(),
            saving: None,
            state,
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Counts events since the last save.
    pub(crate) fn count(&mut self, events: u64) {
        self.events += events;
    }

    /// What the newest checkpoint written by this process covers: the log below it may be let go.
    pub(crate) fn covered(&self) -> Offsets {
        self.state.covered.lock().clone()
    }

    /// Whether a checkpoint is being gathered.
    pub(crate) fn is_gathering(&self) -> bool {
        self.saving.is_some()
    }

    /// Bytes held by a checkpoint that is gathered or written.
    pub(crate) fn bytes(&self) -> usize {
        self.saving.as_ref().map_or(0, Saving::bytes) + self.state.waiting.load(Ordering::Acquire)
    }

    /// How long to wait before more can be gathered, if the writer has enough to do.
    pub(crate) fn wait(&self) -> Option<Duration> {
        (self.state.waiting.load(Ordering::Acquire) > WAITING_BYTES).then_some(WRITER_WAIT)
    }

    /// Goes on with a checkpoint, or begins one when it is time and the writer is free. Called between ticks, of which
    /// the last had so many rows.
    pub(crate) fn go_on(&mut self, flow: &mut Dataflow, tick_rows: usize) -> Result<(), EngineError> {
        let Some(saving) = &mut self.saving else {
            let due = self.events >= self.max_events || (self.events > 0 && self.last.elapsed() >= self.interval);
            if due && !self.state.busy.load(Ordering::Acquire) {
                self.begin(flow)?;
            }
            return Ok(());
        };
        if self.state.waiting.load(Ordering::Acquire) > WAITING_BYTES {
            return Ok(());
        }
        let started = Instant::now();
        // Large ticks make gathering fall behind unless it grows with them.
        let left = flow.save_some(saving, tick_rows.max(1))?;
        if saving.bytes() >= HANDED_BYTES {
            hand_over(&self.state, self.queue.as_ref(), Gathered::Some(saving.take()));
        }
        metrics::histogram!("highwater_engine_checkpoint_pause_seconds").record(started.elapsed().as_secs_f64());
        match left {
            Some(rows) if rows <= FEW_ROWS || saving.rounds() >= MOST_ROUNDS => self.complete(flow),
            _ => Ok(()),
        }
    }

    /// Saves a last time and waits until everything is written.
    pub(crate) fn finish(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        if self.saving.is_none() {
            self.begin(flow)?;
        }
        while let Some(saving) = &mut self.saving {
            let is_all = flow.save_some(saving, CLOSING_ROWS)?.is_some();
            hand_over(&self.state, self.queue.as_ref(), Gathered::Some(saving.take()));
            if is_all {
                break;
            }
            while let Some(pause) = self.wait() {
                std::thread::sleep(pause);
            }
        }
        self.complete(flow)?;
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        Ok(())
    }

    fn begin(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        self.saving = Some(flow.begin_save(self.state.wants_full.swap(false, Ordering::AcqRel))?);
        (self.events, self.last) = (0, Instant::now());
        Ok(())
    }

    /// Gathers the rest and hands it to the writer.
    fn complete(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        let Some(saving) = self.saving.take() else { return Ok(()) };
        let started = Instant::now();
        let saved = flow.finish_save(saving)?;
        metrics::histogram!("highwater_engine_checkpoint_pause_seconds").record(started.elapsed().as_secs_f64());
        self.state.busy.store(true, Ordering::Release);
        hand_over(&self.state, self.queue.as_ref(), Gathered::Last(saved));
        Ok(())
    }
}

fn hand_over(state: &WriterState, queue: Option<&Sender<Gathered>>, gathered: Gathered) {
    state.waiting.fetch_add(gathered.bytes(), Ordering::AcqRel);
    if let Some(queue) = queue {
        drop(queue.send(gathered));
    }
}

impl Gathered {
    fn bytes(&self) -> usize {
        match self {
            Self::Some(objects) => objects.iter().map(ObjectSave::bytes).sum(),
            Self::Last(saved) => saved.bytes(),
        }
    }
}

/// The writer thread's own state.
struct Writer {
    checkpoints: Checkpoints,
    /// The checkpoint under way, once some of it is there; or why it cannot be written.
    spool: Option<Result<Spool, ViewsError>>,
    state: Arc<WriterState>,
}

impl Writer {
    fn take(&mut self, gathered: Gathered) {
        let bytes = gathered.bytes();
        let mut spooled = self.spool.take().unwrap_or_else(|| self.checkpoints.spool());
        match gathered {
            Gathered::Some(objects) => {
                for object in &objects {
                    if let Ok(spool) = &mut spooled
                        && let Err(error) = spool.add(object)
                    {
                        spooled = Err(error);
                    }
                }
                self.spool = Some(spooled);
                self.state.waiting.fetch_sub(bytes, Ordering::AcqRel);
            }
            Gathered::Last(saved) => {
                self.complete(spooled, saved);
                self.state.waiting.fetch_sub(bytes, Ordering::AcqRel);
                self.state.busy.store(false, Ordering::Release);
            }
        }
    }

    fn complete(&mut self, spooled: Result<Spool, ViewsError>, saved: Saved) {
        let started = Instant::now();
        match self.checkpoints.finish(spooled, &saved) {
            Ok(bytes) => {
                *self.state.covered.lock() = saved.offsets;
                metrics::counter!("highwater_engine_checkpoint_bytes_total").increment(bytes);
                metrics::histogram!("highwater_engine_checkpoint_seconds").record(started.elapsed().as_secs_f64());
            }
            // The state is a cache of the log: nothing is lost, a restart takes longer.
            Err(error) => tracing::warn!(%error, "a checkpoint could not be written"),
        }
        if self.checkpoints.wants_full() {
            self.state.wants_full.store(true, Ordering::Release);
        }
    }
}
