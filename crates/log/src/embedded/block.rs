//! The block, the unit that is on disk as a whole or not at all: its header's byte layout, encoding and decoding.
//! Written by `writer`, found again by `scan`, read by `read`. Reads no files and checks no payload.
//!
//! ```text
//!  0  u32  magic "HWBL"
//!  4  u8   kind: 1 batch, 2 state, 3 hole
//!  5  3 B  zero
//!  8  u32  bytes of the body that follows this prefix
//! 12  u32  bytes of the payload that follows the body
//! 16  u64  position of this block in its segment
//! 24  u64  durable: all bytes of the segment below this position were durable before this block was written
//! 32  u32  crc32 of stream, segment, bytes 0..32 and the body
//! 36       body, payload
//! ```
//! All integers are little-endian. Bodies (v = varint, partitions counted from 1 so that 0 is the rejects):
//!
//! * batch: `i64` ingested at (µs), `u8` stamped, [v name length, name, v sequence], v parts, and for each part
//!   v partition, v base offset, v count, `u8` codec, v length bytes, v stored bytes, v raw bytes, `u32` crc32.
//!   Payload: the parts' bytes in order (see `payload`).
//! * state: v previous segment, v its size (both 0 for the first), v partitions, v entries, for each v partition and
//!   v next offset, `u32` crc32 of the payload. Payload: the table of producers (see `producers`).
//!   Every segment begins with one; another follows when partitions are added, and after a hole at the end.
//! * hole: empty, or if the header of what was lost could still be read: v entries, for each v partition and v next
//!   offset after it. The payload is whatever damaged bytes quarantine found there; nobody reads it.
//!
//! `position` and the salted checksum keep a block that was copied elsewhere, or came in as somebody's record, from
//! passing for one of ours. `durable` tells damage from a torn tail: blocks of one group commit carry the same value,
//! which is at or below the position of each; a valid block whose `durable` lies beyond a broken one proves that the
//! broken one had been whole.

use highwater_model::{ObjectId, Offset, PartitionId};

use super::layout::{MAX_HEADER_BYTES, MAX_PARTITIONS, MAX_PARTS, MAX_PAYLOAD_BYTES, MAX_PRODUCER_BYTES};
use super::payload::{Codec, PayloadShape};
use super::varint::{Cursor, put_string, put_varint};
use crate::log::Stamp;

/// First bytes of every block.
pub(crate) const MAGIC: [u8; 4] = *b"HWBL";
/// Bytes before the body.
pub(crate) const PREFIX_BYTES: usize = 36;

/// Which file a block belongs to; goes into its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) stream: ObjectId,
    pub(crate) segment: u64,
}

/// Where a block stands and what was durable before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: u64,
    pub(crate) durable: u64,
}

/// A block without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockHeader {
    pub(crate) place: Place,
    /// Prefix and body.
    pub(crate) header_bytes: u32,
    pub(crate) payload_bytes: u32,
    pub(crate) body: Body,
}

impl BlockHeader {
    /// Position after the block.
    pub(crate) fn end(&self) -> u64 {
        self.payload_start() + u64::from(self.payload_bytes)
    }

    /// Position of the payload.
    pub(crate) fn payload_start(&self) -> u64 {
        self.place.position + u64::from(self.header_bytes)
    }
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// An append.
    Batch(Batch),
    /// Where everything stands.
    State(State),
    /// Bytes given up by quarantine; next offsets after them, if known.
    Hole(Option<Vec<(PartitionId, Offset)>>),
}

/// An append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) ingested_at_micros: i64,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) parts: Vec<BatchPart>,
}

/// Records of one partition in an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchPart {
    pub(crate) partition: PartitionId,
    pub(crate) base: Offset,
    pub(crate) shape: PayloadShape,
}

impl BatchPart {
    /// Offset after the last record.
    pub(crate) fn next(&self) -> Offset {
        self.base.saturating_add(u64::from(self.shape.count))
    }
}

/// Where everything stands: enough to go on from without what came before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The segment before this one and its final size; 0 for the first segment of a stream.
    pub(crate) previous: u64,
    pub(crate) previous_bytes: u64,
    pub(crate) partitions: u32,
    /// Next offset of each partition that is not at 0.
    pub(crate) next: Vec<(PartitionId, Offset)>,
    /// Checksum of the payload.
    pub(crate) checksum: u32,
}

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// So many bytes are needed to tell.
    Short(usize),
    /// They are not, for this reason.
    Bad(&'static str),
}

/// Appends a block's prefix and body to `out`.
pub(crate) fn encode_header(home: Home, place: Place, body: &Body, payload_bytes: u32, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[kind(body), 0, 0, 0]);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&payload_bytes.to_le_bytes());
    out.extend_from_slice(&place.position.to_le_bytes());
    out.extend_from_slice(&place.durable.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    match body {
        Body::Batch(batch) => encode_batch(batch, out),
        Body::State(state) => encode_state(state, out),
        Body::Hole(None) => {}
        Body::Hole(Some(ends)) => put_ends(ends, out),
    }
    let body_bytes = (out.len() - start - PREFIX_BYTES) as u32;
    out[start + 8..start + 12].copy_from_slice(&body_bytes.to_le_bytes());
    let checksum = checksum(home, &out[start..start + 32], &out[start + PREFIX_BYTES..]);
    out[start + 32..start + PREFIX_BYTES].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads the header at the front of `bytes`, which lie at `position` of the file.
pub(crate) fn decode_header(home: Home, position: u64, bytes: &[u8]) -> Result<BlockHeader, HeaderFault> {
    if bytes.len() < PREFIX_BYTES {
        return Err(HeaderFault::Short(PREFIX_BYTES));
    }
    if bytes[..4] != MAGIC {
        return Err(HeaderFault::Bad("no block begins here"));
    }
    let short = HeaderFault::Short(PREFIX_BYTES);
    let mut prefix = Cursor::new(&bytes[8..PREFIX_BYTES]);
    let body_bytes = prefix.u32().ok_or(short)? as usize;
    let payload_bytes = prefix.u32().ok_or(short)?;
    let place = Place { position: prefix.u64().ok_or(short)?, durable: prefix.u64().ok_or(short)? };
    let stored = prefix.u32().ok_or(short)?;
    if body_bytes > MAX_HEADER_BYTES || u64::from(payload_bytes) > MAX_PAYLOAD_BYTES {
        return Err(HeaderFault::Bad("the block header is over the limits"));
    }
    let header_bytes = PREFIX_BYTES + body_bytes;
    let Some(body) = bytes.get(PREFIX_BYTES..header_bytes) else {
        return Err(HeaderFault::Short(header_bytes));
    };
    if checksum(home, &bytes[..32], body) != stored || place.position != position || place.durable > position {
        return Err(HeaderFault::Bad("the checksum of the block header does not match"));
    }
    let body = decode_body(bytes[4], body, payload_bytes).ok_or(HeaderFault::Bad("the block header makes no sense"))?;
    Ok(BlockHeader { place, header_bytes: header_bytes as u32, payload_bytes, body })
}

fn kind(body: &Body) -> u8 {
    match body {
        Body::Batch(_) => 1,
        Body::State(_) => 2,
        Body::Hole(_) => 3,
    }
}

fn checksum(home: Home, prefix: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&home.stream.0.to_le_bytes());
    hasher.update(&home.segment.to_le_bytes());
    hasher.update(prefix);
    hasher.update(body);
    hasher.finalize()
}

fn put_partition(out: &mut Vec<u8>, partition: PartitionId) {
    put_varint(out, u64::from(partition.0.wrapping_add(1)));
}

fn partition(cursor: &mut Cursor<'_>) -> Option<PartitionId> {
    Some(PartitionId(cursor.varint_u32()?.wrapping_sub(1)))
}

fn encode_batch(batch: &Batch, out: &mut Vec<u8>) {
    out.extend_from_slice(&batch.ingested_at_micros.to_le_bytes());
    out.push(u8::from(batch.stamp.is_some()));
    if let Some(stamp) = &batch.stamp {
        put_string(out, &stamp.producer);
        put_varint(out, stamp.sequence);
    }
    put_varint(out, batch.parts.len() as u64);
    for part in &batch.parts {
        put_partition(out, part.partition);
        put_varint(out, part.base);
        put_varint(out, u64::from(part.shape.count));
        out.push(part.shape.codec.number());
        put_varint(out, u64::from(part.shape.lengths_bytes));
        put_varint(out, u64::from(part.shape.stored_bytes));
        put_varint(out, u64::from(part.shape.raw_bytes));
        out.extend_from_slice(&part.shape.checksum.to_le_bytes());
    }
}

fn encode_state(state: &State, out: &mut Vec<u8>) {
    put_varint(out, state.previous);
    put_varint(out, state.previous_bytes);
    put_varint(out, u64::from(state.partitions));
    put_ends(&state.next, out);
    out.extend_from_slice(&state.checksum.to_le_bytes());
}

fn decode_body(kind: u8, bytes: &[u8], payload_bytes: u32) -> Option<Body> {
    let mut cursor = Cursor::new(bytes);
    let body = match kind {
        1 => {
            let batch = decode_batch(&mut cursor)?;
            let payload: u64 = batch.parts.iter().map(|part| part.shape.bytes()).sum();
            (payload == u64::from(payload_bytes)).then_some(Body::Batch(batch))?
        }
        2 => Body::State(decode_state(&mut cursor)?),
        3 if cursor.is_empty() => Body::Hole(None),
        3 => Body::Hole(Some(ends(&mut cursor)?)),
        _ => return None,
    };
    cursor.is_empty().then_some(body)
}

fn decode_batch(cursor: &mut Cursor<'_>) -> Option<Batch> {
    let ingested_at_micros = cursor.i64()?;
    let stamp = match cursor.u8()? {
        0 => None,
        1 => Some(Stamp { producer: cursor.string(MAX_PRODUCER_BYTES)?, sequence: cursor.varint()? }),
        _ => return None,
    };
    let count = usize::try_from(cursor.varint()?).ok().filter(|count| *count <= MAX_PARTS)?;
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        parts.push(BatchPart {
            partition: partition(cursor)?,
            base: cursor.varint()?,
            shape: PayloadShape {
                count: cursor.varint_u32()?,
                codec: Codec::from_number(cursor.u8()?)?,
                lengths_bytes: cursor.varint_u32()?,
                stored_bytes: cursor.varint_u32()?,
                raw_bytes: cursor.varint_u32()?,
                checksum: cursor.u32()?,
            },
        });
    }
    Some(Batch { ingested_at_micros, stamp, parts })
}

fn decode_state(cursor: &mut Cursor<'_>) -> Option<State> {
    let (previous, previous_bytes) = (cursor.varint()?, cursor.varint()?);
    let partitions = cursor.varint_u32().filter(|partitions| *partitions <= MAX_PARTITIONS)?;
    let next = ends(cursor)?;
    Some(State { previous, previous_bytes, partitions, next, checksum: cursor.u32()? })
}

fn put_ends(ends: &[(PartitionId, Offset)], out: &mut Vec<u8>) {
    put_varint(out, ends.len() as u64);
    for (partition, next) in ends {
        put_partition(out, *partition);
        put_varint(out, *next);
    }
}

fn ends(cursor: &mut Cursor<'_>) -> Option<Vec<(PartitionId, Offset)>> {
    let count = usize::try_from(cursor.varint()?).ok().filter(|count| *count <= MAX_PARTS)?;
    (0..count).map(|_| Some((partition(cursor)?, cursor.varint()?))).collect()
}
