//! When checkpoints are taken, and the thread that writes them: the tick thread only gathers what changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use highwater_model::Offsets;
use highwater_views::{Checkpoints, Dataflow, Saved};
use parking_lot::Mutex;

use crate::error::EngineError;
use crate::settings::EngineSettings;

/// Decides when to save, and hands what was saved to a writer thread.
pub(crate) struct CheckpointWriter {
    interval: Duration,
    max_events: u64,
    events: u64,
    last: Instant,
    state: Arc<WriterState>,
    queue: Option<Sender<Saved>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct WriterState {
    busy: AtomicBool,
    /// The next save must be whole.
    wants_full: AtomicBool,
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
                let mut checkpoints = checkpoints;
                for saved in saves {
                    write(&mut checkpoints, &saved, &shared);
                }
            })
            .map_err(|source| EngineError::Io { context: "starting the checkpoint thread".to_owned(), source })?;
        Ok(Self {
            interval: settings.checkpoint_interval,
            max_events: settings.checkpoint_events,
            events: 0,
            last: Instant::now(),
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

    /// Saves when it is time and the writer is free.
    pub(crate) fn write_if_due(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        let due = self.events >= self.max_events || (self.events > 0 && self.last.elapsed() >= self.interval);
        if due && !self.state.busy.load(Ordering::Acquire) {
            self.save(flow)?;
        }
        Ok(())
    }

    /// Saves a last time and waits until everything is written.
    pub(crate) fn finish(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        self.save(flow)?;
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        Ok(())
    }

    fn save(&mut self, flow: &mut Dataflow) -> Result<(), EngineError> {
        let started = Instant::now();
        let saved = flow.save(self.state.wants_full.swap(false, Ordering::AcqRel))?;
        metrics::histogram!("highwater_engine_checkpoint_pause_seconds").record(started.elapsed().as_secs_f64());
        self.state.busy.store(true, Ordering::Release);
        (self.events, self.last) = (0, Instant::now());
        if let Some(queue) = &self.queue {
            drop(queue.send(saved));
        }
        Ok(())
    }
}

fn write(checkpoints: &mut Checkpoints, saved: &Saved, state: &WriterState) {
    let started = Instant::now();
    match checkpoints.write(saved) {
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
    state.busy.store(false, Ordering::Release);
}
