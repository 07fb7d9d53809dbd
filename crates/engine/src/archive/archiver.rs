//! The thread that archives: copies what views show from the log into the tables, a commit when enough waits or has
//! waited long enough, and keeps their files few. It gives way to everything else; how far it is behind shows in
//! `highwater.streams`.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use highwater_archive::{Holes, Table};
use highwater_model::{ObjectId, Offset, PartitionId, PartitionRange};
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::rows::{Taken, events_spec, rejects_spec, take};
use super::tables::{Archives, Flush};
use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::priority;
use crate::tick::Ticker;

/// Time between looks at what waits, at most.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Bytes of records in one commit, about: they are held in memory meanwhile.
const COMMIT_BYTES: usize = 64 << 20;
/// Commits between looks for small files to put together. The first commit after a start looks, too: a server that is
/// restarted often would never come to it.
const COMPACT_EVERY: u32 = 16;
/// Time between removals of files that were replaced, the first after the first commit.
const VACUUM_EVERY: Duration = Duration::from_secs(60 * 60);
/// Longest pause after attempts that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The running thread.
pub(crate) struct Archiver {
    stop: CancellationToken,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Archiver {
    /// Starts it, if there is an archive.
    pub(crate) fn start(core: &Arc<Core>) -> std::io::Result<Option<Self>> {
        let Some(archives) = core.archives.clone() else { return Ok(None) };
        let Some(asked) = archives.asked.lock().take() else { return Ok(None) };
        let stop = CancellationToken::new();
        let (core, stopped) = (Arc::clone(core), stop.clone());
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
            priority::give_way();
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(Work { core, archives, streams: HashMap::new() }.run(asked, stopped)),
                Err(error) => tracing::error!(%error, "nothing is archived: the thread for it could not be started"),
            }
        })?;
        Ok(Some(Self { stop, thread: Mutex::new(Some(thread)) }))
    }

    /// Ends it after the commit that it is at.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        self.stop.cancel();
        self.thread.lock().take()
    }
}

struct Work {
    core: Arc<Core>,
    archives: Arc<Archives>,
    streams: HashMap<ObjectId, Progress>,
}

/// How archiving one stream goes.
#[derive(Default)]
struct Progress {
    /// Since when something waits.
    waiting: Option<Instant>,
    commits: u32,
    vacuumed: Option<Instant>,
    /// After a failure, when to try again, and how long was waited.
    retry: Option<(Instant, Duration)>,
}

impl Work {
    async fn run(mut self, mut asked: UnboundedReceiver<Flush>, stop: CancellationToken) {
        let look_every = LOOK_EVERY.min(self.archives.options.interval / 2).max(Duration::from_millis(1));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                flush = asked.recv() => match flush {
                    Some(answer) => {
                        let done = self.flush(&stop).await;
                        // Whoever asked may have gone away.
                        drop(answer.send(done));
                    }
                    None => return,
                },
                () = tokio::time::sleep(look_every) => self.look(&stop).await,
            }
        }
    }

    fn streams(&self) -> Vec<Arc<StreamRuntime>> {
        self.core.streams.read().values().filter(|stream| !stream.is_table).cloned().collect()
    }

    async fn flush(&mut self, stop: &CancellationToken) -> Result<(), EngineError> {
        for stream in self.streams() {
            self.archive(&stream, stop).await?;
        }
        // What is archived need not stay in the log.
        self.core.tick.run(Ticker::trim).await
    }

    /// Archives the streams of which enough waits, or has waited long enough.
    async fn look(&mut self, stop: &CancellationToken) {
        let streams = self.streams();
        self.streams.retain(|id, _| streams.iter().any(|stream| stream.id == *id));
        for stream in streams {
            let lag = archive_lag(&self.core, &self.archives, &stream);
            metrics::gauge!("highwater_archive_lag", "stream" => stream.name.to_string()).set(lag as f64);
            let options = &self.archives.options;
            let progress = self.streams.entry(stream.id).or_default();
            if lag == 0 {
                progress.waiting = None;
                continue;
            }
            let waited = progress.waiting.get_or_insert_with(Instant::now).elapsed();
            let is_due = waited >= options.interval || lag >= options.commit_rows;
            if !is_due || progress.retry.is_some_and(|(at, _)| Instant::now() < at) || stop.is_cancelled() {
                continue;
            }
            if let Err(error) = self.archive(&stream, stop).await {
                let progress = self.streams.entry(stream.id).or_default();
                let pause = progress.retry.map_or(LOOK_EVERY * 2, |(_, pause)| pause * 2).min(LONGEST_PAUSE);
                progress.retry = Some((Instant::now() + pause, pause));
                tracing::warn!(stream = %stream.name, %error, pause = ?pause, "archiving failed and is tried again");
                metrics::counter!("highwater_archive_failures_total").increment(1);
                *self.archives.of(stream.id).error.lock() = Some(error.to_string());
            }
        }
    }

    /// Archives what views show of a stream, and its rejects.
    async fn archive(&mut self, stream: &Arc<StreamRuntime>, stop: &CancellationToken) -> Result<(), EngineError> {
        let tables = self.archives.of(stream.id);
        let is_there = tables.turn.lock().await;
        // Its declaration may have changed while this waited.
        let Some(stream) = self.core.stream(stream.id).filter(|_| *is_there) else { return Ok(()) };
        let stream = &stream;
        let goals = goals(&self.core, stream);
        let (rejects, events): (Vec<_>, Vec<_>) = goals.into_iter().partition(|(partition, _)| partition.is_rejects());
        for (goals, is_rejects) in [(events, false), (rejects, true)] {
            while !stop.is_cancelled() && self.commit(stream, &goals, is_rejects).await? {}
        }
        let progress = self.streams.entry(stream.id).or_default();
        (progress.waiting, progress.retry) = (None, None);
        *tables.error.lock() = None;
        Ok(())
    }

    /// One commit; says whether there was anything to be committed.
    async fn commit(
        &mut self,
        stream: &Arc<StreamRuntime>,
        goals: &[(PartitionId, Offset)],
        is_rejects: bool,
    ) -> Result<bool, EngineError> {
        let behind = |(partition, to): &&(PartitionId, Offset)| self.archives.covered(stream.id, *partition) < *to;
        let goals: Vec<(PartitionId, Offset)> = goals.iter().filter(behind).copied().collect();
        if goals.is_empty() {
            return Ok(false);
        }
        let spec = match is_rejects {
            true => rejects_spec(stream.id, &stream.name),
            false => events_spec(stream.id, &stream.name, &stream.schema, self.archives.options.keep_raw),
        };
        let schema = Arc::clone(&spec.schema);
        let table = self.archives.writable(stream.id, spec, is_rejects).await?;
        let started = Instant::now();
        let (core, of, covered) = (Arc::clone(&self.core), Arc::clone(stream), table.snapshot());
        let taken = crate::jobs::blocking(move || {
            let share = COMMIT_BYTES / goals.len();
            let mut all = Vec::new();
            for (partition, to) in goals {
                let from = covered.covered.get(&partition).copied().unwrap_or(0);
                all.extend(take(&of, core.log.as_ref(), partition, from, to, &schema, share)?);
            }
            Ok(all)
        });
        let taken: Vec<Taken> = taken.await?;
        if taken.is_empty() {
            return Ok(false);
        }
        let ranges: Vec<PartitionRange> = taken.iter().map(|taken| taken.range).collect();
        let count: u64 = ranges.iter().map(PartitionRange::len).sum();
        let bytes: usize = taken.iter().map(|taken| taken.bytes).sum();
        // What the log has lost or let go of was told of when it was met.
        let rows = taken.into_iter().flat_map(|taken| taken.rows).collect();
        table.append_with(rows, &ranges, Holes::Acknowledged).await?;
        metrics::histogram!("highwater_archive_commit_seconds").record(started.elapsed().as_secs_f64());
        tracing::debug!(stream = %stream.name, rows = count, bytes, took = ?started.elapsed(), "archived");
        self.tidy_up(stream, &table).await?;
        Ok(true)
    }

    /// Puts small files together, and removes from time to time what nobody reads any more.
    async fn tidy_up(&mut self, stream: &StreamRuntime, table: &Table) -> Result<(), EngineError> {
        let progress = self.streams.entry(stream.id).or_default();
        let look = progress.commits.is_multiple_of(COMPACT_EVERY);
        progress.commits += 1;
        if look {
            let started = Instant::now();
            let compacted = table.compact().await?;
            tracing::debug!(stream = %stream.name, ?compacted, took = ?started.elapsed(), "small files of the archive were put together");
        }
        if progress.vacuumed.is_none_or(|at| at.elapsed() >= VACUUM_EVERY) {
            progress.vacuumed = Some(Instant::now());
            let vacuumed = table.vacuum(self.archives.options.keep_replaced).await?;
            tracing::debug!(stream = %stream.name, ?vacuumed, "replaced files of the archive were removed");
        }
        Ok(())
    }
}

/// Records that could be archived and are not yet.
pub(crate) fn archive_lag(core: &Core, archives: &Archives, stream: &StreamRuntime) -> u64 {
    let behind = |(partition, to): (PartitionId, Offset)| to.saturating_sub(archives.covered(stream.id, partition));
    goals(core, stream).into_iter().map(behind).sum()
}

/// Up to where each partition of a stream may be archived: what the current version shows, and all durable rejects.
fn goals(core: &Core, stream: &StreamRuntime) -> Vec<(PartitionId, Offset)> {
    let version = core.reader.read();
    let shown = stream.partitions().map(|partition| (partition, version.offsets.get(stream.id, partition)));
    let mut goals: Vec<(PartitionId, Offset)> = shown.collect();
    drop(version);
    if let Ok(bounds) = core.log.bounds(stream.id, PartitionId::REJECTS) {
        goals.push((PartitionId::REJECTS, bounds.next));
    }
    goals
}
