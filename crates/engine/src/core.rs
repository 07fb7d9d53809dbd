//! What all parts of the engine share: catalog, log, the readers' side of the dataflow, stream runtimes, settings.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use highwater_decode::Decoder;
use highwater_log::Log;
use highwater_model::{Clock, ObjectId, ObjectName, Offset, PartitionId, StreamSchema};
use highwater_sql::{Catalog, Planner};
use highwater_views::Reader;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use crate::archive::Archives;
use crate::audit::Record;
use crate::background::{Tasks, Unfinished};
use crate::batch::Batches;
use crate::feed::Feed;
use crate::jobs::Jobs;
use crate::memory::Memory;
use crate::query::RankedViews;
use crate::replayed::Replayed;
use crate::settings::EngineSettings;
use crate::subscribe::Hub;
use crate::tick::TickHandle;

/// Shared by doors, tick thread and jobs.
pub(crate) struct Core {
    pub(crate) settings: EngineSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Arc<dyn Log>,
    /// What is kept of streams for good; `None` when nothing is archived.
    pub(crate) archives: Option<Arc<Archives>>,
    pub(crate) planner: Planner,
    /// What was declared. Written only while [`Core::ddl`] is held.
    pub(crate) catalog: RwLock<Catalog>,
    /// One change of the catalog or of a table at a time.
    pub(crate) ddl: tokio::sync::Mutex<()>,
    /// The current version of all relations.
    pub(crate) reader: Reader,
    /// Streams and tables by id.
    pub(crate) streams: RwLock<HashMap<ObjectId, Arc<StreamRuntime>>>,
    /// Turns to decode large requests: more at a time than there are processors to spare would only make those who wait
    /// for an answer wait longer.
    pub(crate) decoding: Arc<Semaphore>,
    pub(crate) tick: TickHandle,
    pub(crate) hub: Hub,
    pub(crate) jobs: Jobs,
    /// Audits and recomputations.
    pub(crate) tasks: Tasks,
    pub(crate) unfinished: Unfinished,
    /// What audits found.
    pub(crate) record: Record,
    /// What recomputations gave.
    pub(crate) batches: Arc<Batches>,
    /// Folders of apps, by schema: files that tables load are below them.
    pub(crate) folders: RwLock<HashMap<String, std::path::PathBuf>>,
    pub(crate) health: Health,
    /// How much may be held, and is.
    pub(crate) memory: Memory,
    /// How many snapshots are being taken: nothing is let go of the log meanwhile.
    pub(crate) holds: AtomicUsize,
    /// One replay of rejects at a time: what one has replayed the next must know.
    pub(crate) replays: tokio::sync::Mutex<()>,
    /// Plain views that ranked indexes answer.
    pub(crate) ranked_views: RankedViews,
}

/// A stream or table that takes records.
pub(crate) struct StreamRuntime {
    pub(crate) id: ObjectId,
    pub(crate) name: ObjectName,
    pub(crate) schema: StreamSchema,
    pub(crate) is_table: bool,
    pub(crate) decoder: Decoder,
    /// Durable events on their way to the tick; of this declaration and those before.
    pub(crate) feed: Arc<Feed>,
    /// Which of its rejects were replayed.
    pub(crate) replayed: Arc<Replayed>,
    /// Picks the partition of requests to a stream without `partition_by`.
    round_robin: AtomicU64,
}

impl StreamRuntime {
    /// The runtime of a declared stream, whose events below `next` are in the dataflow already.
    pub(crate) fn new(
        id: ObjectId,
        name: ObjectName,
        schema: StreamSchema,
        is_table: bool,
        next: impl Fn(PartitionId) -> Offset,
    ) -> Result<Self, highwater_decode::DecodeError> {
        let decoder = Decoder::new(&schema)?;
        let next = (0..schema.partitions).map(|partition| next(PartitionId(partition))).collect();
        let feed = Arc::new(Feed::new(decoder.schema(), next));
        let replayed = Arc::default();
        Ok(Self { id, name, schema, is_table, decoder, feed, replayed, round_robin: AtomicU64::new(0) })
    }

    /// The same stream by another declaration. Its events come the same way: [`Feed::redeclare`] says when.
    pub(crate) fn redeclared(&self, schema: StreamSchema) -> Result<Self, highwater_decode::DecodeError> {
        let (id, name, is_table) = (self.id, self.name.clone(), self.is_table);
        let (feed, replayed) = (Arc::clone(&self.feed), Arc::clone(&self.replayed));
        let decoder = Decoder::new(&schema)?;
        let round_robin = AtomicU64::new(self.round_robin.load(Ordering::Relaxed));
        Ok(Self { id, name, schema, is_table, decoder, feed, replayed, round_robin })
    }

    /// The partitions of its log, without the rejects.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = PartitionId> + use<> {
        (0..self.schema.partitions).map(PartitionId)
    }

    /// The next partition in turn.
    pub(crate) fn next_partition(&self) -> PartitionId {
        let turn = self.round_robin.fetch_add(1, Ordering::Relaxed);
        PartitionId((turn % u64::from(self.schema.partitions)) as u32)
    }
}

impl Core {
    /// The runtime of a stream or table.
    pub(crate) fn stream(&self, id: ObjectId) -> Option<Arc<StreamRuntime>> {
        self.streams.read().get(&id).cloned()
    }
}

/// Why the engine cannot serve, if it cannot.
#[derive(Debug, Default)]
pub(crate) struct Health {
    trouble: RwLock<Option<String>>,
    ready: std::sync::atomic::AtomicBool,
    settled: tokio::sync::watch::Sender<bool>,
}

impl Health {
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The log as it was at the start shows in the views.
    pub(crate) fn settle(&self) {
        self.settled.send_replace(true);
    }

    pub(crate) async fn settled(&self) {
        // The sender lives as long as this does, so waiting ends only when it is true.
        drop(self.settled.subscribe().wait_for(|settled| *settled).await);
    }

    /// Records a defect that stops the engine from serving.
    pub(crate) fn fail(&self, why: String) {
        self.trouble.write().get_or_insert(why);
        self.set_ready(false);
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.read().clone()
    }
}
