//! Reads records back: finds the block of an offset through the index, walks on from there, checks and decompresses
//! only the parts asked for. Called through `EmbeddedLog`; runs beside appends and sees durable records only.

use std::sync::Arc;

use highwater_model::{Offset, PartitionId};

use super::block::{Batch, BlockHeader, Body};
use super::index::{Entry, STRIDE_BYTES};
use super::payload;
use super::segment::SegmentFile;
use super::stream::Stream;
use crate::LogError;
use crate::log::{Bounds, RecordBlock};

/// Where to start walking.
enum Spot {
    /// All is read.
    End,
    /// Here.
    At { segment: Arc<SegmentFile>, entry: Option<Entry>, limit: u64 },
    /// In this sealed segment.
    Sealed { segment: u64, bytes: u64 },
}

impl Stream {
    /// See [`crate::Log::read`].
    pub(crate) fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<RecordBlock>, LogError> {
        let mut gathered = Gathered { blocks: Vec::new(), from, bytes: 0, max_bytes };
        loop {
            match self.read_on(partition, &mut gathered) {
                Ok(true) if gathered.bytes < max_bytes => {}
                Ok(_) => return Ok(gathered.blocks),
                // What was found before the trouble is right; the next call begins with the trouble.
                Err(_) if !gathered.blocks.is_empty() => return Ok(gathered.blocks),
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes to the next known block and walks on to the one after. Returns whether there may be more.
    fn read_on(&self, partition: PartitionId, gathered: &mut Gathered) -> Result<bool, LogError> {
        match self.locate(partition, gathered.from)? {
            Spot::End => Ok(false),
            Spot::At { segment, entry, limit } => {
                walk(&segment, entry, limit, partition, gathered)?;
                Ok(true)
            }
            Spot::Sealed { segment, bytes } => {
                let shared = &self.shared;
                let loaded =
                    shared.cache.get(&*shared.storage, &shared.settings, &self.folder, self.id, segment, bytes);
                let loaded = match loaded {
                    Ok(loaded) => loaded,
                    // Trimmed since we looked: say so rather than that a file is missing.
                    Err(error) => return self.bounds_for(partition, gathered.from).and(Err(error)),
                };
                walk(&loaded.segment, loaded.index.seek(partition, gathered.from), bytes, partition, gathered)?;
                Ok(true)
            }
        }
    }

    fn locate(&self, partition: PartitionId, from: Offset) -> Result<Spot, LogError> {
        let bounds = self.bounds_for(partition, from)?;
        let view = self.view.read();
        if from >= bounds.next {
            return Ok(Spot::End);
        }
        if let Some(sealed) = view.sealed_with(partition, from) {
            return Ok(Spot::Sealed { segment: sealed.segment, bytes: sealed.summary.bytes });
        }
        let active = &view.active;
        let entry = active.index.seek(partition, from);
        Ok(Spot::At { segment: Arc::clone(&active.file), entry, limit: active.summary.bytes })
    }

    fn bounds_for(&self, partition: PartitionId, from: Offset) -> Result<Bounds, LogError> {
        let bounds = self.bounds(partition)?;
        if from < bounds.earliest {
            return Err(LogError::Truncated { stream: self.id, partition, from, earliest: bounds.earliest });
        }
        Ok(bounds)
    }

    /// See [`crate::Log::bounds`].
    pub(crate) fn bounds(&self, partition: PartitionId) -> Result<Bounds, LogError> {
        let view = self.view.read();
        if !view.has(partition) {
            return Err(LogError::UnknownPartition { stream: self.id, partition });
        }
        Ok(view.bounds(partition))
    }
}

/// What was read so far and where to go on.
struct Gathered {
    blocks: Vec<RecordBlock>,
    from: Offset,
    bytes: usize,
    max_bytes: usize,
}

impl Gathered {
    fn is_full(&self) -> bool {
        !self.blocks.is_empty() && self.bytes >= self.max_bytes
    }
}

/// Gathers from `entry` up to where the next entry must be.
fn walk(
    segment: &SegmentFile,
    entry: Option<Entry>,
    limit: u64,
    partition: PartitionId,
    gathered: &mut Gathered,
) -> Result<(), LogError> {
    let lost = |position: u64, from: Offset| {
        segment.damaged(position, format!("offset {from} of partition {partition} is not where it was written"))
    };
    let Some(entry) = entry else { return Err(lost(0, gathered.from)) };
    let begun_at = gathered.from;
    let mut position = entry.position;
    while position < limit && position < entry.position + STRIDE_BYTES && !gathered.is_full() {
        let header = segment.header(position, limit)?;
        match &header.body {
            Body::Batch(batch) => take(segment, &header, batch, partition, gathered)?,
            Body::State(_) => {}
            Body::Hole(_) => {
                return Err(segment.damaged(position, "the bytes here were lost and given up by quarantine"));
            }
        }
        position = header.end();
    }
    if gathered.from == begun_at { Err(lost(entry.position, begun_at)) } else { Ok(()) }
}

/// Takes a block's parts of the partition that hold `gathered.from` and what follows.
fn take(
    segment: &SegmentFile,
    header: &BlockHeader,
    batch: &Batch,
    partition: PartitionId,
    gathered: &mut Gathered,
) -> Result<(), LogError> {
    let mut position = header.payload_start();
    for part in &batch.parts {
        let start = position;
        position += part.shape.bytes();
        if part.partition != partition || part.next() <= gathered.from {
            continue;
        }
        if part.base > gathered.from {
            let reason = format!("offset {} of partition {partition} was lost before this block", gathered.from);
            return Err(segment.damaged(header.place.position, reason));
        }
        let bytes = segment.bytes(start, part.shape.bytes() as usize)?;
        if !payload::is_intact(&part.shape, &bytes) {
            return Err(segment.damaged(header.place.position, "a checksum of records does not match"));
        }
        let Some(records) = payload::decode(&part.shape, bytes) else {
            return Err(segment.damaged(header.place.position, "the records do not fit their description"));
        };
        let records = records.skip((gathered.from - part.base) as usize);
        gathered.bytes += records.bytes().len();
        gathered.blocks.push(RecordBlock {
            base_offset: gathered.from,
            ingested_at_micros: batch.ingested_at_micros,
            records,
        });
        gathered.from = part.next();
    }
    Ok(())
}
