//! The sketch of one group: the hashes themselves while they are few, then the registers of a HyperLogLog (P. Flajolet,
//! É. Fusy, O. Gandouet, F. Meunier, 2007) of precision 14, whose standard error is 0.81 %.
//!
//! Which form a sketch has depends only on the hashes it was given, not on their order or on merges. Encoded it is 8 bytes
//! for each hash, little-endian and ascending, or one byte for each register; the length tells which.

use super::estimate;

/// Leading bits of a hash that number its register.
const PRECISION: u32 = 14;
/// Number of registers.
pub(super) const REGISTERS: usize = 1 << PRECISION;
/// The greatest value of a register: one more than the bits of a hash that are left.
pub(super) const TOP: u8 = (64 - PRECISION + 1) as u8;
/// Up to so many hashes are kept as they are: a quarter of the memory of the registers.
const FEW: usize = 512;

/// The different values of a group.
pub(super) enum Sketch {
    /// Hashes in order.
    Few(Vec<u64>),
    /// For each register the longest run of zeros plus one, in the hashes of that register.
    Many(Box<[u8]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Sketch {
    /// Adds a value by its hash.
    pub(super) fn add(&mut self, hash: u64) {
        match self {
            Self::Few(hashes) => {
                if let Err(index) = hashes.binary_search(&hash) {
                    hashes.insert(index, hash);
                    if hashes.len() > FEW {
                        let hashes = std::mem::take(hashes);
                        *self = Self::Many(vec![0; REGISTERS].into());
                        hashes.into_iter().for_each(|hash| self.add(hash));
                    }
                }
            }
            Self::Many(registers) => {
                let register = &mut registers[(hash >> (64 - PRECISION)) as usize];
                // The bit that is set ends the run where the hash does.
                let run = (hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
                *register = run.max(*register);
            }
        }
    }

    /// Adds all values of another sketch.
    pub(super) fn merge(&mut self, other: Self) {
        let hashes = match (other, &mut *self) {
            (Self::Few(hashes), _) => hashes,
            (Self::Many(others), Self::Many(registers)) => {
                registers.iter_mut().zip(others).for_each(|(register, other)| *register = other.max(*register));
                return;
            }
            (many @ Self::Many(_), Self::Few(_)) => match std::mem::replace(self, many) {
                Self::Few(hashes) => hashes,
                Self::Many(_) => return,
            },
        };
        hashes.into_iter().for_each(|hash| self.add(hash));
    }

    /// The number of different values: exact while they are few (no two of which share a hash).
    pub(super) fn count(&self) -> i64 {
        match self {
            Self::Few(hashes) => hashes.len() as i64,
            Self::Many(registers) => {
                let mut counts = [0; TOP as usize + 1];
                registers.iter().for_each(|value| counts[usize::from(*value)] += 1);
                estimate::estimate(&counts).round() as i64
            }
        }
    }

    /// Heap bytes.
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Few(hashes) => hashes.capacity() * size_of::<u64>(),
            Self::Many(registers) => registers.len(),
        }
    }

    /// As bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Few(hashes) => hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect(),
            Self::Many(registers) => registers.to_vec(),
        }
    }

    /// From bytes written by [`Self::encode`]; `None` if they were not.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() == REGISTERS {
            return bytes.iter().all(|value| *value <= TOP).then(|| Self::Many(bytes.into()));
        }
        let (hashes, rest) = bytes.as_chunks::<8>();
        let hashes: Vec<u64> = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        let written = rest.is_empty() && hashes.len() <= FEW && hashes.is_sorted_by(|one, two| one < two);
        written.then_some(Self::Few(hashes))
    }
}
