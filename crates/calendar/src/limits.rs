//! How much a calendar may cost. What exceeds a limit is left out and named in a finding.

/// Limits on one file and its expansion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file; a larger one is not read at all.
    pub file_bytes: usize,
    /// Bytes of a content line after unfolding; the rest of a longer one is dropped.
    pub line_bytes: usize,
    /// Components (events, time zones, alarms, …) of a file.
    pub components: usize,
    /// Findings kept; the last one then says how many there were.
    pub findings: usize,
    /// Instances of one event within the horizon.
    pub instances_per_event: usize,
    /// Instances of all events within the horizon.
    pub instances: usize,
    /// Days and periods that the rules of one event may look at.
    pub steps_per_event: u64,
    /// Days and periods that all rules together may look at.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 << 20,
            line_bytes: 1 << 20,
            components: 200_000,
            findings: 200,
            instances_per_event: 10_000,
            instances: 200_000,
            steps_per_event: 1_000_000,
            steps: 50_000_000,
        }
    }
}
