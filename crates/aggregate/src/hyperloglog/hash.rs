//! A 64-bit hash that is the same on every machine and in every version: it is part of encoded states.

use std::hash::{Hash, Hasher};

/// What is added after each word: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a key. Keys of up to 64 bits have different hashes.
pub(crate) fn stable(key: &(impl Hash + ?Sized)) -> u64 {
    let mut words = Words(STEP);
    key.hash(&mut words);
    words.finish()
}

/// Each word of eight bytes is mixed in by the finalizer of MurmurHash3 (A. Appleby), which is a bijection.
struct Words(u64);

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = mixed(self.0 ^ u64::from_le_bytes(word)).wrapping_add(STEP);
        }
    }

    fn finish(&self) -> u64 {
        mixed(self.0)
    }
}

fn mixed(mut word: u64) -> u64 {
    word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}
