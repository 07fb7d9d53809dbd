//! What can go wrong in the log, worded for the person who must act on it.

use std::io;
use std::path::PathBuf;

use highwater_model::{ObjectId, Offset, PartitionId};

/// An error of the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The stream was never opened, or was dropped.
    #[error("the log holds no stream {0}")]
    UnknownStream(ObjectId),
    /// The stream has no such partition.
    #[error("stream {stream} has no partition {partition}")]
    UnknownPartition {
        /// The stream.
        stream: ObjectId,
        /// The partition asked for.
        partition: PartitionId,
    },
    /// The records asked for were trimmed.
    #[error("stream {stream} partition {partition}: offset {from} was trimmed, the earliest held is {earliest}")]
    Truncated {
        /// The stream.
        stream: ObjectId,
        /// The partition.
        partition: PartitionId,
        /// The offset asked for.
        from: Offset,
        /// The oldest offset held.
        earliest: Offset,
    },
    /// A producer's batch came before its predecessor.
    #[error("producer {producer:?} sent batch {got}, but {expected} is next: send the missing batches first")]
    SequenceGap {
        /// The producer.
        producer: String,
        /// The sequence expected.
        expected: u64,
        /// The sequence that came.
        got: u64,
    },
    /// The disk is full. Nothing acknowledged is lost; appends succeed again when there is room.
    #[error("the disk is full: {path}")]
    StorageFull {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// Too much is waiting to be written.
    #[error("the log is behind by {queued_bytes} bytes")]
    Overloaded {
        /// Bytes waiting.
        queued_bytes: u64,
    },
    /// An fsync failed: the state of the disk is unknown, so the log takes no more appends until it is reopened.
    #[error("the log takes no more appends since a flush to disk failed ({reason}): restart when the disk is well")]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// Bytes on disk are not what was written.
    #[error("{path} is damaged at byte {position}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// What was found.
        reason: String,
    },
    /// Another process has the folder open.
    #[error("{path} is in use by {holder}")]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The append breaks a limit or a rule of the trait.
    #[error("{0}")]
    Invalid(String),
    /// Anything else the operating system said.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// What the system said.
        source: std::sync::Arc<io::Error>,
    },
}
