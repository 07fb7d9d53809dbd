//! The jobs there are: their numbers, how far they are, how they are asked to give up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use highwater_api::{ApiError, AuditResult, ErrorKind, JobKind, JobState, JobStatus};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::query::Seen;

/// Jobs that are over and still listed.
const LISTED: usize = 100;

/// All jobs.
#[derive(Debug)]
pub(crate) struct Tasks {
    tasks: Mutex<(u64, BTreeMap<u64, Task>)>,
    /// Held by the job that runs.
    turn: Arc<tokio::sync::Mutex<()>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    closing: CancellationToken,
}

#[derive(Debug)]
struct Task {
    status: JobStatus,
    /// Events that the relation at hand is computed from.
    seen: Arc<Seen>,
    stop: CancellationToken,
    over: watch::Sender<bool>,
}

/// Gives a job up when it is dropped.
#[derive(Debug)]
pub(crate) struct Stop(CancellationToken);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Tasks {
    /// No jobs; the next one gets this number.
    pub(crate) fn new(next: u64) -> Self {
        Self {
            tasks: Mutex::new((next, BTreeMap::new())),
            turn: Arc::default(),
            threads: Mutex::default(),
            closing: CancellationToken::new(),
        }
    }

    /// Adds a job about so many relations; gives it and what tells it to stop.
    pub(super) fn add(&self, kind: JobKind, relations: usize, now_micros: i64) -> (JobStatus, CancellationToken) {
        let mut tasks = self.tasks.lock();
        let id = tasks.0;
        tasks.0 += 1;
        let status = JobStatus {
            id,
            kind,
            state: JobState::Waiting,
            started_micros: now_micros,
            finished_micros: None,
            progress: 0.0,
            relation: None,
            relations: relations as u64,
            results: Vec::new(),
        };
        let stop = self.closing.child_token();
        let task =
            Task { status: status.clone(), seen: Arc::default(), stop: stop.clone(), over: watch::Sender::new(false) };
        tasks.1.insert(id, task);
        let over: Vec<u64> =
            tasks.1.iter().filter(|(_, task)| task.status.state.is_over()).map(|(id, _)| *id).collect();
        for id in over.iter().take(over.len().saturating_sub(LISTED)) {
            tasks.1.remove(id);
        }
        (status, stop)
    }

    /// Waits for the turn of a job.
    pub(super) async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Remembers the thread of a job.
    pub(super) fn runs_on(&self, thread: JoinHandle<()>) {
        let mut threads = self.threads.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.tasks.lock().1.get_mut(&id) {
            change(task);
        }
    }

    /// A job turns to a relation; gives what is to count the events it reads.
    pub(super) fn at(&self, id: u64, relation: String, seen: Arc<Seen>) {
        self.change(id, |task| {
            task.status.state = JobState::Running;
            task.status.relation = Some(relation);
            task.seen = seen;
        });
    }

    /// A relation is done.
    pub(super) fn done(&self, id: u64, result: AuditResult) {
        self.change(id, |task| {
            task.status.results.push(result);
            task.seen = Arc::default();
        });
    }

    /// A job is over.
    pub(super) fn over(&self, id: u64, state: JobState, now_micros: i64) {
        self.change(id, |task| {
            task.status.state = state;
            task.status.relation = None;
            task.status.finished_micros = Some(now_micros);
            task.over.send_replace(true);
        });
    }

    /// All jobs by their numbers.
    pub(crate) fn list(&self) -> Vec<JobStatus> {
        self.tasks.lock().1.values().map(Task::now).collect()
    }

    /// A job.
    pub(crate) fn get(&self, id: u64) -> Result<JobStatus, ApiError> {
        self.tasks.lock().1.get(&id).map(Task::now).ok_or_else(|| unknown(id))
    }

    /// Tells when a job is over.
    pub(super) fn watch(&self, id: u64) -> Result<watch::Receiver<bool>, ApiError> {
        self.tasks.lock().1.get(&id).map(|task| task.over.subscribe()).ok_or_else(|| unknown(id))
    }

    /// What gives a job up when it is dropped.
    pub(crate) fn stop(&self, id: u64) -> Result<Stop, ApiError> {
        self.tasks.lock().1.get(&id).map(|task| Stop(task.stop.clone())).ok_or_else(|| unknown(id))
    }

    /// Fires when the engine closes.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Gives all jobs up and waits for their threads.
    pub(crate) fn close(&self) {
        self.closing.cancel();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            drop(thread.join());
        }
    }
}

impl Task {
    fn now(&self) -> JobStatus {
        let mut status = self.status.clone();
        let done = status.results.len() as f64 + self.seen.progress();
        status.progress = match status.state {
            JobState::Done => 1.0,
            _ => (done / status.relations.max(1) as f64).min(1.0),
        };
        status
    }
}

fn unknown(id: u64) -> ApiError {
    ApiError::new(ErrorKind::NotFound, format!("there is no job {id}")).with_hint("SHOW JOBS lists those there are")
}
