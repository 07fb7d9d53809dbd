//! Unpacks gzip bodies with a limit on the result. Called by the doors before decoding.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::DecodeError;

/// Unpacks a gzip body (several members in a row are one body, RFC 1952 §2.2) of at most `max_bytes` unpacked.
///
/// # Errors
/// When the body is no gzip, is damaged, ends early, or unpacks to more than `max_bytes`.
pub fn gunzip(body: &[u8], max_bytes: usize) -> Result<Bytes, DecodeError> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        let reason = "it does not start like gzip; send it without `Content-Encoding: gzip`, or compress it".to_owned();
        return Err(DecodeError::Gzip { reason, source: None });
    }
    // A bomb packs about 1:1000: room is made as bytes come, never for what a header promises.
    let mut unpacked = Vec::with_capacity(body.len().saturating_mul(4).min(max_bytes).min(64 << 20));
    let limit = (max_bytes as u64).saturating_add(1);
    match MultiGzDecoder::new(body).take(limit).read_to_end(&mut unpacked) {
        Ok(_) if unpacked.len() > max_bytes => Err(DecodeError::TooLarge { limit: max_bytes }),
        Ok(_) => Ok(unpacked.into()),
        Err(source) => {
            let reason = if source.kind() == ErrorKind::UnexpectedEof {
                format!("it ends early, after {} unpacked bytes; send it again whole", unpacked.len())
            } else {
                format!("it is damaged after {} unpacked bytes ({source})", unpacked.len())
            };
            Err(DecodeError::Gzip { reason, source: Some(source) })
        }
    }
}
