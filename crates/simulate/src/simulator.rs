//! What every simulator can do, and the settings they share.

use crate::Timeline;

/// Makes one app's events as NDJSON. Event number `n` is the same whatever was made before it.
pub trait Simulator: Send {
    /// The stream the events are for, qualified.
    fn stream(&self) -> &str;

    /// Appends the next events to `out`, one JSON object a line.
    fn next_batch(&mut self, events: usize, out: &mut Vec<u8>);

    /// The number of the event that comes next; starts at 0.
    fn position(&self) -> u64;

    /// Goes on with this event number.
    fn seek(&mut self, event: u64);
}

/// What decides every byte of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatorSettings {
    /// Picks one of 2^64 histories.
    pub seed: u64,
    /// When events happen.
    pub timeline: Timeline,
    /// How many people; `None` is the app's own number.
    pub users: Option<u64>,
}
