//! Rebuilds from blocks what a segment holds and where everything stands after it. Fed by `scan` on behalf of
//! `recovery` (the last segment, or one whose index is lost) and `verify`. Reads no files.

use std::collections::BTreeSet;

use highwater_model::{Offset, PartitionId, PartitionRange};

use super::block::{Batch, BlockHeader, Body, State};
use super::index::{Ends, Index, Summary};
use super::layout::MAX_PARTITIONS;
use super::producers::Producers;

/// Where everything stands at some point of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) partitions: u32,
    pub(crate) next: Ends,
    pub(crate) producers: Producers,
}

impl Standing {
    /// A stream's very beginning.
    pub(crate) fn beginning(max_producers: usize) -> Self {
        Self { partitions: 0, next: Ends::new(), producers: Producers::new(max_producers) }
    }

    /// The state block that says this, and its payload.
    pub(crate) fn to_state(&self, previous: u64, previous_bytes: u64) -> (State, Vec<u8>) {
        let payload = self.producers.encode();
        let state = State {
            previous,
            previous_bytes,
            partitions: self.partitions,
            next: self.next.iter().map(|(partition, next)| (*partition, *next)).collect(),
            checksum: crc32fast::hash(&payload),
        };
        (state, payload)
    }
}

/// The replay of one segment.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    pub(crate) standing: Standing,
    pub(crate) summary: Summary,
    pub(crate) index: Index,
    max_producers: usize,
    /// Whether a block has been seen.
    begun: bool,
    /// Whether offsets may jump since something was lost before.
    loose: bool,
    /// Whether nothing has told yet where the segment began.
    unplaced: bool,
    /// Bytes lost of which nothing tells what offsets were in them: at most so many.
    doubtful_bytes: u64,
    /// Partitions whose next offset is known from what came after those bytes.
    confirmed: BTreeSet<PartitionId>,
}

impl Replay {
    /// Begins a segment of which its own first block tells the state.
    pub(crate) fn new(max_producers: usize) -> Self {
        Self {
            standing: Standing::beginning(max_producers),
            summary: Summary::default(),
            index: Index::default(),
            max_producers,
            begun: false,
            loose: true,
            unplaced: true,
            doubtful_bytes: 0,
            confirmed: BTreeSet::new(),
        }
    }

    /// Begins a segment whose first block may be lost, after what came before it.
    pub(crate) fn after(before: Standing, max_producers: usize) -> Self {
        let start = before.next.clone();
        let mut replay = Self { standing: before, unplaced: false, ..Self::new(max_producers) };
        replay.summary.start.clone_from(&start);
        replay.summary.next = start;
        replay
    }

    /// Takes the next block. `Err` says why it cannot be the next; then nothing has changed.
    pub(crate) fn block(&mut self, header: &BlockHeader, payload: &[u8]) -> Result<(), &'static str> {
        match &header.body {
            Body::Batch(batch) => self.batch(batch, header.place.position)?,
            Body::State(state) => self.state(state, payload)?,
            Body::Hole(ends) => self.hole(ends.as_deref(), header.place.position, header.end()),
        }
        self.begun = true;
        Ok(())
    }

    fn batch(&mut self, batch: &Batch, position: u64) -> Result<(), &'static str> {
        let mut next = Vec::with_capacity(batch.parts.len());
        for part in &batch.parts {
            let before = next.iter().rev().find(|(partition, _)| *partition == part.partition);
            let expected = before.map_or_else(|| self.next(part.partition), |(_, next)| *next);
            if part.base < expected || (part.base > expected && !self.loose) {
                return Err("the offsets of the block do not follow those before it");
            }
            next.push((part.partition, part.next()));
        }
        for part in &batch.parts {
            // Where state blocks are lost, what is there tells the least that there must have been.
            if self.unplaced {
                self.summary.start.entry(part.partition).or_insert(part.base);
            }
            if self.doubtful_bytes > 0 {
                self.confirmed.insert(part.partition);
            }
            if !part.partition.is_rejects() {
                self.standing.partitions = self.standing.partitions.max(part.partition.0 + 1);
            }
        }
        self.index.add(batch, position);
        self.summary.add(batch);
        if let Some(stamp) = &batch.stamp {
            let ranges = batch.parts.iter().map(|part| PartitionRange {
                partition: part.partition,
                first: part.base,
                next: part.next(),
            });
            self.standing.producers.stored(stamp, ranges.collect());
        }
        self.standing.next.extend(next);
        Ok(())
    }

    fn next(&self, partition: PartitionId) -> u64 {
        self.standing.next.get(&partition).copied().unwrap_or(0)
    }

    fn state(&mut self, state: &State, payload: &[u8]) -> Result<(), &'static str> {
        let next: Ends = state.next.iter().copied().collect();
        let falls_short = |of: &Ends, than: &Ends| than.iter().any(|(p, at)| of.get(p).copied().unwrap_or(0) < *at);
        if falls_short(&next, &self.standing.next) || (!self.loose && falls_short(&self.standing.next, &next)) {
            return Err("the state block does not follow from the blocks before it");
        }
        let producers =
            Producers::decode(payload, self.max_producers).ok_or("the table of producers makes no sense")?;
        self.standing = Standing { partitions: state.partitions, next: next.clone(), producers };
        self.summary.next.clone_from(&next);
        if !self.begun {
            self.summary.start = next;
        }
        (self.loose, self.unplaced, self.doubtful_bytes) = (false, false, 0);
        Ok(())
    }

    /// Takes note of lost bytes. If the header of what was there could be read, the next offsets after it are given.
    pub(crate) fn hole(&mut self, ends: Option<&[(PartitionId, Offset)]>, position: u64, end: u64) {
        self.begun = true;
        self.loose = true;
        self.index.break_at(end);
        self.standing.producers.doubt();
        let Some(ends) = ends else {
            self.doubtful_bytes += end.saturating_sub(position);
            self.confirmed.clear();
            return;
        };
        for (partition, after) in ends {
            let next = self.standing.next.entry(*partition).or_default();
            *next = (*next).max(*after);
            self.summary.next.insert(*partition, *next);
        }
    }

    /// Ends the last segment: where lost bytes may have held records that nothing tells of, skips as many offsets as
    /// there can have been (every record takes at least a byte), so that none is given twice.
    pub(crate) fn settle_doubt(&mut self) {
        if self.doubtful_bytes == 0 {
            return;
        }
        // Partitions may have been added in what was lost.
        for partition in (0..MAX_PARTITIONS).map(PartitionId).chain([PartitionId::REJECTS]) {
            if !self.confirmed.contains(&partition) {
                let next = self.standing.next.entry(partition).or_default();
                *next = next.saturating_add(self.doubtful_bytes);
                self.summary.next.insert(partition, *next);
            }
        }
        self.doubtful_bytes = 0;
    }
}

/// Next offsets after a block, if it is one that has any.
pub(crate) fn ends_of(header: &BlockHeader) -> Option<Vec<(PartitionId, Offset)>> {
    match &header.body {
        Body::Batch(batch) => Some(batch.parts.iter().map(|part| (part.partition, part.next())).collect()),
        Body::State(state) => Some(state.next.clone()),
        Body::Hole(ends) => ends.clone(),
    }
}
