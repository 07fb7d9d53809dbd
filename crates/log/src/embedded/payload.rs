//! One part of a batch as bytes: the length of each record, then the records end to end, compressed if that helps.
//! Encoded on the appender's thread, decoded on the reader's; the committer only copies it.
//!
//! ```text
//! lengths   one varint per record
//! stored    codec 0: the records as they came · codec 1: one LZ4 block of them
//! ```
//!
//! The checksum covers both and stands in the block's header, so that a reader of one partition reads and checks
//! nothing of the others.

use bytes::Bytes;
use highwater_model::Records;

use super::varint::{Cursor, put_varint};

/// Below so many bytes compression is not tried.
const COMPRESS_FROM_BYTES: usize = 256;

/// How records are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As they came.
    Plain,
    /// One LZ4 block.
    Lz4,
}

impl Codec {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Lz4 => 1,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Plain),
            1 => Some(Self::Lz4),
            _ => None,
        }
    }
}

/// What a block's header says about a part's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadShape {
    pub(crate) count: u32,
    pub(crate) codec: Codec,
    pub(crate) lengths_bytes: u32,
    pub(crate) stored_bytes: u32,
    pub(crate) raw_bytes: u32,
    pub(crate) checksum: u32,
}

impl PayloadShape {
    /// Bytes of the part in the block.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.lengths_bytes) + u64::from(self.stored_bytes)
    }
}

/// Appends a part's bytes to `out`. The caller has checked the limits, so all sizes fit 32 bits.
pub(crate) fn encode(records: &Records, compress: bool, out: &mut Vec<u8>) -> PayloadShape {
    let start = out.len();
    let raw = records.bytes();
    out.reserve(records.len() * 2 + raw.len());
    let mut previous = 0;
    for end in records.ends() {
        let length = end - previous;
        previous = *end;
        if length < 0x80 { out.push(length as u8) } else { put_varint(out, u64::from(length)) }
    }
    let lengths_bytes = out.len() - start;
    let codec = encode_stored(raw, compress, out);
    PayloadShape {
        count: records.len() as u32,
        codec,
        lengths_bytes: lengths_bytes as u32,
        stored_bytes: (out.len() - start - lengths_bytes) as u32,
        raw_bytes: raw.len() as u32,
        checksum: crc32fast::hash(&out[start..]),
    }
}

fn encode_stored(raw: &[u8], compress: bool, out: &mut Vec<u8>) -> Codec {
    if compress && raw.len() >= COMPRESS_FROM_BYTES {
        let start = out.len();
        out.resize(start + lz4_flex::block::get_maximum_output_size(raw.len()), 0);
        // An eighth must be saved, or decompressing costs more than it brings.
        match lz4_flex::block::compress_into(raw, &mut out[start..]) {
            Ok(size) if size < raw.len() - raw.len() / 8 => {
                out.truncate(start + size);
                return Codec::Lz4;
            }
            _ => out.truncate(start),
        }
    }
    out.extend_from_slice(raw);
    Codec::Plain
}

/// Whether a part's bytes are those that were written.
pub(crate) fn is_intact(shape: &PayloadShape, bytes: &[u8]) -> bool {
    bytes.len() as u64 == shape.bytes() && crc32fast::hash(bytes) == shape.checksum
}

/// The records of a part whose bytes [`is_intact`] approved; `None` if they do not fit their description.
pub(crate) fn decode(shape: &PayloadShape, bytes: Vec<u8>) -> Option<Records> {
    let lengths_bytes = shape.lengths_bytes as usize;
    let (lengths, stored) = bytes.split_at_checked(lengths_bytes)?;
    let mut cursor = Cursor::new(lengths);
    let mut ends = Vec::with_capacity(shape.count as usize);
    let mut end = 0_u32;
    for _ in 0..shape.count {
        end = end.checked_add(cursor.varint_u32()?)?;
        ends.push(end);
    }
    if !cursor.is_empty() || end != shape.raw_bytes {
        return None;
    }
    let raw = match shape.codec {
        Codec::Plain => Bytes::from(bytes).slice(lengths_bytes..),
        Codec::Lz4 => {
            let mut raw = vec![0; shape.raw_bytes as usize];
            let size = lz4_flex::block::decompress_into(stored, &mut raw).ok()?;
            (size == raw.len()).then(|| Bytes::from(raw))?
        }
    };
    Records::new(raw, ends)
}
