//! Short ways to make batches and to read them back. For the conformance cases and the tests of the embedded log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use highwater_model::{ObjectId, Offset, PartitionId, Records, RecordsBuilder};

use crate::{Append, Appended, Log, LogError, Part, Stamp};

/// The stream the cases use.
pub const STREAM: ObjectId = ObjectId(7);

/// Records from texts.
///
/// # Panics
/// If they take more than 4 GiB.
pub fn records<T: AsRef<[u8]>>(texts: &[T]) -> Records {
    let mut builder = RecordsBuilder::default();
    for text in texts {
        assert!(builder.push(text.as_ref()));
    }
    builder.finish()
}

/// An unstamped batch of parts.
#[must_use]
pub fn batch(parts: &[(PartitionId, &[&str])]) -> Append {
    Append {
        stream: STREAM,
        ingested_at_micros: 1_000,
        stamp: None,
        parts: parts.iter().map(|(partition, texts)| Part { partition: *partition, records: records(texts) }).collect(),
    }
}

/// The batch with a stamp.
#[must_use]
pub fn stamped(mut append: Append, producer: &str, sequence: u64) -> Append {
    append.stamp = Some(Stamp { producer: producer.to_owned(), sequence });
    append
}

/// Appends and waits.
///
/// # Errors
/// As the log says.
pub fn append(log: &dyn Log, append: Append) -> Result<Appended, LogError> {
    block_on(log.append(append))
}

/// All records of a partition from an offset on, checked to be dense.
pub(crate) fn read_all(log: &dyn Log, partition: PartitionId, from: Offset) -> Vec<String> {
    try_read_all(log, partition, from).unwrap()
}

/// As [`read_all`], or the first error.
pub(crate) fn try_read_all(log: &dyn Log, partition: PartitionId, from: Offset) -> Result<Vec<String>, LogError> {
    let mut found = Vec::new();
    let mut next = from;
    loop {
        let blocks = log.read(STREAM, partition, next, 1)?;
        if blocks.is_empty() {
            return Ok(found);
        }
        for block in blocks {
            assert_eq!(block.base_offset, next, "offsets are dense");
            assert!(!block.records.is_empty(), "a block holds records");
            next += block.records.len() as u64;
            found.extend(block.records.iter().map(|record| String::from_utf8_lossy(record).into_owned()));
        }
    }
}
