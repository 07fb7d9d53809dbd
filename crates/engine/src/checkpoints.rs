//! When checkpoints are taken, and the thread that writes them. The tick thread only gathers what changed, some between
//! any two ticks, so that no tick waits long: rounds gather what changed meanwhile until little is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use highwater_model::Offsets;
use highwater_views::{Checkpoints, Dataflow, Saved, Saving};
use parking_lot::Mutex;

use crate::error::EngineError;
use crate::priority;
use crate::settings::EngineSettings;

/// Rows that are gathered at once in the end.
const FEW_ROWS: usize = 4_096;
/// Rounds after which a checkpoint is completed however much has changed meanwhile.
const MOST_ROUNDS: u32 = 4;

/// Decides when to save, and hands what was saved to a writer thread.
pub(crate) struct CheckpointWriter {
    interval: Duration,
    max_events: u64,
    events: u64,
    last: Instant,
    saving: Option<Saving>,
    state: Arc<WriterState>,
    queue: Option<Sender<Saved>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct WriterState {
    busy: AtomicBool,
    /// The next save must be whole.
    wants_full: AtomicBool,
    /// Bytes of the checkpoint that is being written.
    writing: AtomicUsize,
    /// What the newest checkpoint on disk covers.
    covered: Mutex<Offsets>,
}

impl CheckpointWriter {
    /// Starts the writer thread over an opened checkpoint folder.
    pub(crate) fn start(checkpoints: Checkpoints, settings: &EngineSettings) -> Result<Self, EngineError> {
        let state = Arc::new(WriterState::default());
        state.wants_full.store(checkpoints.wants_full(), Ordering::Release);
        let (queue, saves) = channel::<Saved>();
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                priority::give_way();
                let mut checkpoints = checkpoints;
                for saved in saves {
                    write(&mut checkpoints, saved, &shared);
                }
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
        self.saving.as_ref().map_or(0, Saving::bytes) + self.state.writing.load(Ordering::Acquire)
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
        let started = Instant::now();
        // Large ticks make gathering fall behind unless it grows with them.
        let left = flow.save_some(saving, tick_rows.max(1))?;
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
        self.state.writing.store(saved.bytes(), Ordering::Release);
        if let Some(queue) = &self.queue {
            drop(queue.send(saved));
        }
        Ok(())
    }
}

fn write(checkpoints: &mut Checkpoints, saved: Saved, state: &WriterState) {
    let started = Instant::now();
    match checkpoints.write(&saved) {
        Ok(bytes) => {
            state.covered.lock().clone_from(&saved.offsets);
            metrics::counter!("highwater_engine_checkpoint_bytes_total").increment(bytes);
            metrics::histogram!("highwater_engine_checkpoint_seconds").record(started.elapsed().as_secs_f64());
        }
        // The state is a cache of the log: nothing is lost, a restart takes longer.
        Err(error) => tracing::warn!(%error, "a checkpoint could not be written"),
    }
    if checkpoints.wants_full() {
        state.wants_full.store(true, Ordering::Release);
    }
    drop(saved);
    state.writing.store(0, Ordering::Release);
    state.busy.store(false, Ordering::Release);
}
