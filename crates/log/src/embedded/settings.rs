//! The settings of the embedded log and their bounds. Given by whoever opens it.

use super::layout::{MAX_BATCH_BYTES, MAX_SEGMENT_BYTES};
use crate::LogError;

/// Settings of the embedded log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A segment that has grown to so many bytes is closed and a new one begun. The unit of trimming. Default 128 MiB,
    /// at most 2 GiB.
    pub segment_bytes: u64,
    /// Most bytes waiting to be written per stream; beyond, appends get [`LogError::Overloaded`]. Default 64 MiB.
    pub queue_bytes: u64,
    /// Most bytes written with one flush; keeps the wait of the first in a group short. Default 16 MiB.
    pub group_bytes: u64,
    /// Most producers remembered per stream. The one silent longest is forgotten first; a batch it sends again after
    /// that is stored again. Default 10,000.
    pub max_producers: usize,
    /// Whether records are compressed (LZ4) where that saves at least an eighth. Default true.
    pub compress: bool,
    /// Most sealed segments kept open with their index. Default 64.
    pub cached_segments: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 128 << 20,
            queue_bytes: 64 << 20,
            group_bytes: 16 << 20,
            max_producers: 10_000,
            compress: true,
            cached_segments: 64,
        }
    }
}

impl LogSettings {
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let refuse = |text: String| Err(LogError::Invalid(text));
        if self.segment_bytes == 0 || self.segment_bytes > MAX_SEGMENT_BYTES {
            return refuse(format!("segment_bytes is {}: give 1 to {MAX_SEGMENT_BYTES}", self.segment_bytes));
        }
        if self.queue_bytes == 0 || self.group_bytes == 0 || self.group_bytes > 16 * MAX_BATCH_BYTES {
            return refuse(format!(
                "queue_bytes is {}, group_bytes is {}: give at least 1, and at most {} for group_bytes",
                self.queue_bytes,
                self.group_bytes,
                16 * MAX_BATCH_BYTES
            ));
        }
        if self.max_producers == 0 || self.max_producers > 1_000_000 {
            return refuse(format!("max_producers is {}: give 1 to 1000000", self.max_producers));
        }
        Ok(())
    }
}
