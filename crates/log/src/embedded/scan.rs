//! Walks a whole segment, checks every byte, and tells a torn tail from damage (see `segment`, "Crashes"). Used by
//! `recovery` and `verify`. Changes nothing.

use highwater_model::{Offset, PartitionId};
use memchr::memmem;

use super::block::{self, BlockHeader, Body, HeaderFault, MAGIC};
use super::payload;
use super::replay::ends_of;
use super::segment::{HEAD_BYTES, SegmentFile};
use crate::LogError;

/// Bytes read at once.
const WINDOW_BYTES: usize = 1 << 20;

/// What a scan tells as it goes.
pub(crate) trait Visitor {
    /// A whole block. `Err` says why it cannot stand here; it is then treated as broken.
    fn block(&mut self, header: &BlockHeader, payload: &[u8]) -> Result<(), &'static str>;

    /// Bytes that were acknowledged and are broken.
    fn damage(&mut self, damage: &Damage);
}

/// Bytes that were acknowledged and are broken.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    pub(crate) position: u64,
    pub(crate) end: u64,
    pub(crate) reason: &'static str,
    /// The block's header if it is still readable.
    pub(crate) header: Option<BlockHeader>,
}

impl Damage {
    /// Next offsets after what was lost, if its header is still readable.
    pub(crate) fn ends(&self) -> Option<Vec<(PartitionId, Offset)>> {
        self.header.as_ref().and_then(ends_of)
    }
}

/// Where a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Position after the last byte that counts.
    pub(crate) end: u64,
    /// Why the bytes behind `end` do not count, if there are any: an append that never finished.
    pub(crate) torn: Option<&'static str>,
}

/// Scans the blocks of a segment of `size` bytes, of which those below `committed` were acknowledged.
pub(crate) fn scan(
    segment: &SegmentFile,
    size: u64,
    committed: u64,
    visitor: &mut dyn Visitor,
) -> Result<Scanned, LogError> {
    let mut window = Window { segment, size, start: 0, bytes: Vec::new() };
    let mut position = HEAD_BYTES as u64;
    while position < size {
        let (header, reason) = match window.block(position, visitor)? {
            Found::Whole(end) => {
                position = end;
                continue;
            }
            Found::Broken(header, reason) => (header, reason),
        };
        let header = header.filter(|header| header.end() <= size);
        let search_from = header.as_ref().map_or(position + 1, BlockHeader::end);
        let later = window.next_header(search_from)?;
        let proven = position < committed || window.proves(position, later.as_ref())?;
        if !proven {
            return Ok(Scanned { end: position, torn: Some(reason) });
        }
        let end = match &header {
            Some(header) => header.end(),
            None => later.map_or(size.max(committed), |later| later.place.position),
        };
        visitor.damage(&Damage { position, end, reason, header });
        position = end;
    }
    if position < committed {
        let reason = "the file ends before bytes that were acknowledged";
        visitor.damage(&Damage { position, end: committed, reason, header: None });
        position = committed;
    }
    Ok(Scanned { end: position, torn: None })
}

enum Found {
    Whole(u64),
    Broken(Option<BlockHeader>, &'static str),
}

struct Window<'a> {
    segment: &'a SegmentFile,
    size: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Up to `count` bytes at `position`; fewer at the end of the file.
    fn get(&mut self, position: u64, count: usize) -> Result<&[u8], LogError> {
        let available = usize::try_from(self.size.saturating_sub(position)).unwrap_or(usize::MAX);
        let count = count.min(available);
        let held = position >= self.start && position + count as u64 <= self.start + self.bytes.len() as u64;
        if !held {
            self.bytes = self.segment.bytes(position, count.max(WINDOW_BYTES.min(available)))?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        let to = (from + count).min(self.bytes.len());
        Ok(&self.bytes[from..to])
    }

    fn header(&mut self, position: u64) -> Result<Result<BlockHeader, HeaderFault>, LogError> {
        let home = self.segment.home;
        let mut count = block::PREFIX_BYTES;
        loop {
            let bytes = self.get(position, count)?;
            match block::decode_header(home, position, bytes) {
                Err(HeaderFault::Short(needed)) if needed > count && bytes.len() == count => count = needed,
                other => return Ok(other),
            }
        }
    }

    fn block(&mut self, position: u64, visitor: &mut dyn Visitor) -> Result<Found, LogError> {
        let header = match self.header(position)? {
            Ok(header) => header,
            Err(HeaderFault::Short(_)) => return Ok(Found::Broken(None, "the file ends within a block")),
            Err(HeaderFault::Bad(reason)) => return Ok(Found::Broken(None, reason)),
        };
        if header.end() > self.size {
            return Ok(Found::Broken(Some(header), "the file ends within a block"));
        }
        let payload = match &header.body {
            Body::Hole(_) => &[],
            _ => self.get(header.payload_start(), header.payload_bytes as usize)?,
        };
        let found = match &header.body {
            Body::Batch(batch) if !parts_are_intact(batch, payload) => Err("a checksum of records does not match"),
            Body::State(state) if crc32fast::hash(payload) != state.checksum => {
                Err("the checksum of the producers does not match")
            }
            _ => visitor.block(&header, payload),
        };
        Ok(match found {
            Ok(()) => Found::Whole(header.end()),
            Err(reason) => Found::Broken(Some(header), reason),
        })
    }

    /// The next readable block header at or after `position`.
    fn next_header(&mut self, mut position: u64) -> Result<Option<BlockHeader>, LogError> {
        while position < self.size {
            let bytes = self.get(position, WINDOW_BYTES)?;
            let (looked_at, found) = (bytes.len() as u64, memmem::find(bytes, &MAGIC));
            let Some(found) = found else {
                // The magic may straddle two windows.
                position += looked_at.saturating_sub(MAGIC.len() as u64 - 1).max(1);
                continue;
            };
            position += found as u64;
            match self.header(position)? {
                Ok(header) => return Ok(Some(header)),
                Err(_) => position += 1,
            }
        }
        Ok(None)
    }

    /// Whether any block from `later` on says that the bytes at `position` were durable before it was written.
    fn proves(&mut self, position: u64, later: Option<&BlockHeader>) -> Result<bool, LogError> {
        let mut candidate = later.cloned();
        while let Some(header) = candidate {
            if header.place.durable > position {
                return Ok(true);
            }
            candidate = self.next_header(header.end())?;
        }
        Ok(false)
    }
}

fn parts_are_intact(batch: &block::Batch, mut payload: &[u8]) -> bool {
    batch.parts.iter().all(|part| {
        let Some((bytes, rest)) = payload.split_at_checked(part.shape.bytes() as usize) else { return false };
        payload = rest;
        payload::is_intact(&part.shape, bytes)
    })
}
