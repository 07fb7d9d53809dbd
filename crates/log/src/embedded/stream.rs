//! One stream: takes appends on callers' threads (checks, encodes, queues) and owns the committer thread. Created by
//! `recovery` through `EmbeddedLog`; reading, trimming and growing are in `read`, `trim` and `grow`.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::channel::oneshot;
use futures::future;
use highwater_model::ObjectId;
use parking_lot::{Condvar, Mutex, RwLock};

use super::block::{Batch, BatchPart};
use super::committer;
use super::failure::io_error;
use super::layout::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_PARTS, MAX_PRODUCER_BYTES};
use super::payload;
use super::queue::{Queue, Taken};
use super::recovery::Recovered;
use super::shared::Shared;
use super::view::View;
use super::writer::Writer;
use crate::LogError;
use crate::log::{Append, AppendFuture, Appended, Stamp};

/// See the module. Locks are taken in the order writer, queue, view.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: ObjectId,
    pub(crate) folder: PathBuf,
    pub(crate) shared: Arc<Shared>,
    /// Set if acknowledged bytes were found broken: the stream is read-only.
    pub(crate) damage: Option<LogError>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) wake: Condvar,
    pub(crate) view: RwLock<View>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl Stream {
    pub(crate) fn new(id: ObjectId, folder: PathBuf, shared: Arc<Shared>, found: Recovered) -> Self {
        let active = &found.view.active;
        let writer = Writer::new(Arc::clone(&active.file), active.summary.bytes, found.sidecar);
        let queue = Queue::new(found.standing.next, found.standing.producers, found.standing.partitions);
        Self {
            id,
            folder,
            shared,
            damage: found.damage,
            writer: Mutex::new(writer),
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            view: RwLock::new(found.view),
            committer: Mutex::new(None),
        }
    }

    /// Whether the stream takes appends.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        match &self.damage {
            Some(damage) => Err(damage.clone()),
            None => self.shared.check_poison(),
        }
    }

    /// See [`crate::Log::append`].
    pub(crate) fn append(self: &Arc<Self>, append: Append) -> AppendFuture {
        let (answer, answered) = oneshot::channel();
        let taken = match self.prepare(append) {
            Ok((batch, payload)) => self.enqueue(batch, payload, answer),
            Err(error) => Taken::Refused(error),
        };
        match taken {
            Taken::Waits => Box::pin(async move {
                answered.await.unwrap_or_else(|_| {
                    Err(LogError::Poisoned { reason: "the writing thread ended before its time".to_owned() })
                })
            }),
            Taken::Duplicate(ranges) => Box::pin(future::ready(Ok(Appended { duplicate: true, ranges }))),
            Taken::Refused(error) => Box::pin(future::ready(Err(error))),
        }
    }

    /// Checks an append and encodes its records; offsets come later.
    fn prepare(&self, append: Append) -> Result<(Batch, Vec<u8>), LogError> {
        self.check()?;
        check_limits(&append)?;
        {
            let queue = self.queue.lock();
            if let Some(part) = append.parts.iter().find(|part| !queue.has(part.partition)) {
                return Err(LogError::UnknownPartition { stream: self.id, partition: part.partition });
            }
            // Encoding is the expensive part: not for nothing. The right check, by encoded size, follows.
            if queue.bytes >= self.shared.settings.queue_bytes && append.stamp.is_none() {
                return Err(LogError::Overloaded { queued_bytes: queue.bytes });
            }
        }
        let mut encoded = Vec::new();
        let parts = append.parts.into_iter().map(|part| BatchPart {
            partition: part.partition,
            base: 0,
            shape: payload::encode(&part.records, self.shared.settings.compress, &mut encoded),
        });
        let parts = parts.collect();
        Ok((Batch { ingested_at_micros: append.ingested_at_micros, stamp: append.stamp, parts }, encoded))
    }

    fn enqueue(self: &Arc<Self>, batch: Batch, payload: Vec<u8>, answer: super::queue::Answer) -> Taken {
        if let Err(error) = self.start_committer() {
            return Taken::Refused(error);
        }
        let mut queue = self.queue.lock();
        if queue.closing {
            return Taken::Refused(LogError::UnknownStream(self.id));
        }
        // Under the lock: who poisons the log fails the queue under it too, and nothing may be left behind.
        if let Err(error) = self.shared.check_poison() {
            return Taken::Refused(error);
        }
        let before = queue.bytes;
        let taken = queue.take(batch, payload, answer, self.shared.settings.queue_bytes);
        self.shared.queued(queue.bytes - before);
        self.wake.notify_one();
        taken
    }

    fn start_committer(self: &Arc<Self>) -> Result<(), LogError> {
        let mut committer = self.committer.lock();
        if committer.is_none() {
            let stream = Arc::clone(self);
            let name = format!("log-{}", self.id);
            let spawned = std::thread::Builder::new().name(name).spawn(move || committer::run(&stream));
            *committer = Some(spawned.map_err(|error| io_error("start the writing thread of", &self.folder, error))?);
        }
        Ok(())
    }

    /// Takes no more appends, writes those that wait (or fails them if the stream is `dropped`), ends the thread.
    pub(crate) fn close(&self, dropped: bool) {
        {
            let mut queue = self.queue.lock();
            queue.closing = true;
            queue.dropped |= dropped;
        }
        self.wake.notify_all();
        let committer = self.committer.lock().take();
        // An answer may drop the last handle of the log on the committer itself, which then ends on its own.
        if let Some(committer) = committer.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            drop(committer.join());
        }
    }
}

fn check_limits(append: &Append) -> Result<(), LogError> {
    let invalid = |text: String| Err(LogError::Invalid(text));
    if let Some(Stamp { producer, sequence }) = &append.stamp {
        if producer.is_empty() || producer.len() > MAX_PRODUCER_BYTES {
            return invalid(format!(
                "the producer's name has {} bytes: give 1 to {MAX_PRODUCER_BYTES}",
                producer.len()
            ));
        }
        if *sequence == u64::MAX {
            return invalid(format!("the sequence of producer {producer:?} is beyond the last, {}", u64::MAX - 1));
        }
    }
    if append.parts.len() > MAX_PARTS {
        return invalid(format!("the batch has {} parts, at most {MAX_PARTS} fit", append.parts.len()));
    }
    let bytes: u64 = append.parts.iter().map(|part| part.records.bytes().len() as u64).sum();
    let records: usize = append.parts.iter().map(|part| part.records.len()).sum();
    if bytes > MAX_BATCH_BYTES || records > MAX_BATCH_RECORDS {
        return invalid(format!(
            "the batch has {records} records of {bytes} bytes: split it, at most {MAX_BATCH_RECORDS} records of \
             {MAX_BATCH_BYTES} bytes fit"
        ));
    }
    Ok(())
}
