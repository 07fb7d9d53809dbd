//! Who a batch says it comes from. A file is its own producer: named by a hash of its content and format, and always cut
//! into the same batches (`BatchLimit::FIXED`), so that sending it again (after a crash, by mistake) stores nothing
//! twice. The stream is not in the name: every stream counts its producers' batches by itself, whatever it is called.

use std::io::Read;

use highwater_api::{BodyFormat, ProducerStamp};

use super::source::Source;
use crate::failure::Failure;

/// Longest name of a producer.
const MOST_CHARACTERS: usize = 128;

/// A producer's name and the number of its first batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    producer: String,
    first: u64,
}

impl Identity {
    /// A name given by the user.
    pub(super) fn named(producer: &str, first: u64) -> Result<Self, Failure> {
        let fits = !producer.is_empty()
            && producer.len() <= MOST_CHARACTERS
            && producer.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            return Ok(Self { producer: producer.to_owned(), first });
        }
        Err(Failure::Usage(format!(
            "\"{producer}\" cannot name a producer; take 1 to {MOST_CHARACTERS} visible ASCII characters without spaces"
        )))
    }

    /// The name of a file's content. Standard input has none before it was read, so it gets one of its own: retries
    /// are stored once, a second run is not recognised.
    pub(super) fn of_content(source: &Source, format: BodyFormat) -> Result<Self, Failure> {
        if source.is_standard_input() {
            return Ok(Self { producer: super::super::live::new_producer("stdin"), first: 0 });
        }
        let mut hasher = blake3::Hasher::new();
        // Another format cuts the same bytes otherwise.
        hasher.update(format!("{format:?}\n").as_bytes());
        let mut bytes = source.open()?.bytes;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(source.damaged(&error, "nothing was sent")),
            };
        }
        let hash = hasher.finalize().to_hex();
        Ok(Self { producer: format!("file-{}", &hash[..32]), first: 0 })
    }

    /// The stamp of the `nth` batch, from 0.
    pub(super) fn stamp(&self, nth: u64) -> ProducerStamp {
        ProducerStamp { producer: self.producer.clone(), sequence: self.first + nth }
    }
}
