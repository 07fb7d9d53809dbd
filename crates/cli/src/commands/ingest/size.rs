//! How large a batch may get.

use std::fmt;
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

impl fmt::Display for BatchLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, {} bytes", self.records, self.bytes)
    }
}
