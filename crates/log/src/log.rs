//! The `Log` trait: partitions, dense offsets, batches acknowledged after fsync, idempotent producers, tailing,
//! and trimming whose effect the reader is told. Shaped so that Kafka fits it too (stream = topic).

use std::future::Future;
use std::pin::Pin;

use highwater_model::{ObjectId, Offset, PartitionId, PartitionRange, Records};

use crate::LogError;

/// A producer's stamp on a batch. Sequences count a producer's batches to one stream, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The producer's name, 1 to 128 bytes.
    pub producer: String,
    /// The batch's number.
    pub sequence: u64,
}

/// Records for one partition.
#[derive(Clone, Debug)]
pub struct Part {
    /// The partition, or [`PartitionId::REJECTS`].
    pub partition: PartitionId,
    /// The records.
    pub records: Records,
}

/// A batch for one stream. Durable as a whole or not at all, with its stamp.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream.
    pub stream: ObjectId,
    /// When it was accepted, microseconds since the epoch.
    pub ingested_at_micros: i64,
    /// The stamp, if retries are to be stored once.
    pub stamp: Option<Stamp>,
    /// The records, by partition.
    pub parts: Vec<Part>,
}

/// What became of an append. It is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Whether this stamp was stored before; then nothing was stored now.
    pub duplicate: bool,
    /// Where each part lies, in the order of the parts. For a duplicate of the producer's latest batch the
    /// original ranges, for an older one none.
    pub ranges: Vec<PartitionRange>,
}

/// Resolves when the append is durable. Dropping it does not undo the append.
pub type AppendFuture = Pin<Box<dyn Future<Output = Result<Appended, LogError>> + Send>>;

/// Records of one partition as they were stored, dense from `base_offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBlock {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// When they were accepted, microseconds since the epoch.
    pub ingested_at_micros: i64,
    /// The records.
    pub records: Records,
}

/// What a partition holds: `earliest..next`, all durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Offset of the oldest record still held.
    pub earliest: Offset,
    /// Offset after the newest durable record.
    pub next: Offset,
}

/// How much a stream holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamSize {
    /// Bytes on disk.
    pub bytes: u64,
    /// Records held, all partitions but rejects.
    pub records: u64,
    /// Rejected records held.
    pub rejects: u64,
}

/// A durable, partitioned log of raw records.
///
/// Promises, checked by the conformance suite: what is acknowledged is durable; offsets of a partition are dense and
/// never reused; a batch is stored whole or not at all; a stamp is stored once; readers see only durable records.
pub trait Log: Send + Sync {
    /// Makes the stream known with at least so many partitions. Doing it again is fine; partitions never shrink.
    fn open_stream(&self, stream: ObjectId, partitions: u32) -> Result<(), LogError>;

    /// Removes a stream and all its records.
    fn drop_stream(&self, stream: ObjectId) -> Result<(), LogError>;

    /// The streams held.
    fn streams(&self) -> Vec<ObjectId>;

    /// Appends a batch. Batches of one stream become durable in the order of these calls; those waiting at the same
    /// moment share one fsync. The call itself does not block on the disk.
    fn append(&self, append: Append) -> AppendFuture;

    /// Reads blocks of a partition from an offset on, in order, until about `max_bytes` were gathered; at least one
    /// block when there is any. Empty at the end of the log. The first block may start below `from`
    /// only in memory: it is cut so that its `base_offset` is `from`.
    ///
    /// # Errors
    /// [`LogError::Truncated`] when `from` lies below the earliest offset held.
    fn read(
        &self,
        stream: ObjectId,
        partition: PartitionId,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<RecordBlock>, LogError>;

    /// Where to read on when [`Log::read`] finds the records at `from` damaged: the next offset that is held, or the
    /// end, if those between were given up knowingly. `None` if they were not, and the damage must be faced.
    fn after_hole(&self, stream: ObjectId, partition: PartitionId, from: Offset) -> Result<Option<Offset>, LogError>;

    /// What a partition holds.
    fn bounds(&self, stream: ObjectId, partition: PartitionId) -> Result<Bounds, LogError>;

    /// How much a stream holds.
    fn size(&self, stream: ObjectId) -> Result<StreamSize, LogError>;

    /// A number that rises whenever any record becomes durable.
    fn progress(&self) -> u64;

    /// Resolves as soon as [`Log::progress`] is above `seen`.
    fn progressed(&self, seen: u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Lets go of records accepted before `before_micros` (if given) and of the oldest ones while more than
    /// `max_bytes` are held (if given), but of nothing at or above `keep_from(partition)`. Coarse: whole segments.
    fn trim(
        &self,
        stream: ObjectId,
        before_micros: Option<i64>,
        max_bytes: Option<u64>,
        keep_from: &dyn Fn(PartitionId) -> Offset,
    ) -> Result<(), LogError>;
}
