//! How large a batch may get.

use std::str::FromStr;

/// Bytes in a batch when only records are counted. Well below what a server takes.
const DEFAULT_BYTES: usize = 8 << 20;

/// A batch ends at whichever limit comes first. A single record may be larger than `bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchLimit {
    /// Records.
    pub(super) records: usize,
    /// Bytes of records.
    pub(super) bytes: usize,
}

impl BatchLimit {
    /// How a file that is known by its content is cut, always: its batches are counted, so that a run that goes on where
    /// another broke off, or sends all of it again, must cut it as that one did. Never to be changed.
    pub(super) const FIXED: Self = Self { records: 20_000, bytes: DEFAULT_BYTES };
}

impl FromStr for BatchLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, usize); 7] =
            [("KiB", 1 << 10), ("MiB", 1 << 20), ("KB", 1_000), ("kB", 1_000), ("MB", 1_000_000), ("B", 1), ("", 0)];
        let wrong = || format!("\"{text}\" is no batch size; write a number of records (5000) or bytes (4MiB)");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: usize = number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
        match factor {
            0 => Ok(Self { records: number, bytes: DEFAULT_BYTES }),
            _ => Ok(Self { records: usize::MAX, bytes: number.checked_mul(*factor).ok_or_else(wrong)? }),
        }
    }
}
