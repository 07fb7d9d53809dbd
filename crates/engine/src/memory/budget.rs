//! The account: what is held, measured between ticks, against the limit. Ticks never wait for room, for what was
//! acknowledged belongs into the views: it is new events, new views and new rows of tables that are refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use highwater_model::{ObjectId, ObjectName};
use parking_lot::Mutex;

use super::limit::MemoryLimit;

/// From here on events are taken in more slowly, in percent of the limit.
const SOFT_PERCENT: u64 = 90;
/// The longest pause between two requests that are taken in.
const LONGEST_PAUSE_MICROS: i64 = 1_000_000;

/// What the engine holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Rows, indexes and operators of views, tables and keyed streams.
    pub(crate) state: u64,
    /// Events that wait for the next tick.
    pub(crate) waiting: u64,
    /// Recent changes, for readers who follow views.
    pub(crate) changes: u64,
    /// A checkpoint that is gathered or written.
    pub(crate) checkpoint: u64,
}

/// The limit and what is held.
#[derive(Debug)]
pub(crate) struct Memory {
    /// `u64::MAX` stands for none.
    limit: AtomicU64,
    held: Mutex<Held>,
    /// Views under construction, and what they hold.
    builds: Mutex<BTreeMap<ObjectId, (ObjectName, u64)>>,
    refused: AtomicU64,
    /// When the next request may come in while there is little room.
    next_micros: AtomicI64,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Enough.
    Enough,
    /// Little: so long a pause is to be kept between two requests.
    Little(Duration),
    /// None.
    None,
}

impl Memory {
    pub(crate) fn new(limit: MemoryLimit) -> Self {
        let memory = Self {
            limit: AtomicU64::new(u64::MAX),
            held: Mutex::default(),
            builds: Mutex::default(),
            refused: AtomicU64::new(0),
            next_micros: AtomicI64::new(i64::MIN),
        };
        memory.set_limit(limit);
        memory
    }

    pub(crate) fn limit(&self) -> MemoryLimit {
        match self.limit.load(Ordering::Relaxed) {
            u64::MAX => MemoryLimit::NONE,
            bytes => MemoryLimit::of_bytes(bytes),
        }
    }

    pub(crate) fn set_limit(&self, limit: MemoryLimit) {
        self.limit.store(limit.bytes().unwrap_or(u64::MAX), Ordering::Relaxed);
        metrics::gauge!("highwater_engine_memory_limit_bytes")
            .set(limit.bytes().map_or(f64::INFINITY, |bytes| bytes as f64));
    }

    /// Takes down what was measured. Says whether there is room for more.
    pub(crate) fn measured(&self, held: Held) -> Room {
        *self.held.lock() = held;
        metrics::gauge!("highwater_engine_memory_bytes").set(self.total() as f64);
        self.room()
    }

    /// Takes down that at least so many bytes of events wait, which a long tick has not measured yet.
    pub(crate) fn waits(&self, bytes: u64) {
        let mut held = self.held.lock();
        held.waiting = held.waiting.max(bytes);
    }

    /// What was held when it was last measured.
    pub(crate) fn held(&self) -> Held {
        *self.held.lock()
    }

    /// All that is held, views under construction included.
    pub(crate) fn total(&self) -> u64 {
        let Held { state, waiting, changes, checkpoint } = self.held();
        state + waiting + changes + checkpoint + self.builds.lock().values().map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// Takes down what a view under construction holds so far.
    pub(crate) fn building(&self, id: ObjectId, name: &ObjectName, bytes: u64) {
        self.builds.lock().insert(id, (name.clone(), bytes));
    }

    /// A view is in place, or was given up.
    pub(crate) fn built(&self, id: ObjectId) {
        self.builds.lock().remove(&id);
    }

    /// Views under construction with what they hold.
    pub(crate) fn builds(&self) -> Vec<(ObjectName, u64)> {
        self.builds.lock().values().cloned().collect()
    }

    /// How much room there is.
    pub(crate) fn room(&self) -> Room {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == u64::MAX {
            return Room::Enough;
        }
        room_of(self.total(), limit)
    }

    /// Whether there is none.
    pub(crate) fn is_full(&self) -> bool {
        self.room() == Room::None
    }

    /// While there is little room: how long a request still has to wait; `None` when it may come in now.
    pub(crate) fn wait(&self, pause: Duration, now_micros: i64) -> Option<Duration> {
        let next = self.next_micros.load(Ordering::Relaxed);
        // A clock that was set back must not lock anybody out.
        if (1..=LONGEST_PAUSE_MICROS).contains(&next.saturating_sub(now_micros)) {
            return Some(Duration::from_micros(next.saturating_sub(now_micros).unsigned_abs()));
        }
        let pause = i64::try_from(pause.as_micros()).unwrap_or(LONGEST_PAUSE_MICROS);
        self.next_micros.store(now_micros.saturating_add(pause), Ordering::Relaxed);
        None
    }

    /// Counts something that was refused.
    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("highwater_engine_memory_refused_total").increment(1);
    }

    /// How often something was refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn room_of(held: u64, limit: u64) -> Room {
    if held >= limit {
        return Room::None;
    }
    let soft = limit / 100 * SOFT_PERCENT;
    if held < soft {
        return Room::Enough;
    }
    let share = (held - soft) as f64 / (limit - soft) as f64;
    Room::Little(Duration::from_micros(LONGEST_PAUSE_MICROS.unsigned_abs()).mul_f64(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_room_the_longer_the_pause() {
        assert_eq!(room_of(0, 1000), Room::Enough);
        assert_eq!(room_of(899, 1000), Room::Enough);
        assert_eq!(room_of(900, 1000), Room::Little(Duration::ZERO));
        assert_eq!(room_of(950, 1000), Room::Little(Duration::from_millis(500)));
        assert_eq!(room_of(1000, 1000), Room::None);
        assert_eq!(room_of(0, 0), Room::None);
        assert_eq!(Memory::new(MemoryLimit::NONE).room(), Room::Enough);
    }

    #[test]
    fn pauses_are_kept_by_the_clock() {
        let memory = Memory::new(MemoryLimit::of_bytes(1));
        let pause = Duration::from_millis(300);
        assert_eq!(memory.wait(pause, 5_000_000), None);
        assert_eq!(memory.wait(pause, 5_100_000), Some(Duration::from_millis(200)));
        assert_eq!(memory.wait(pause, 5_300_000), None);
        // Set back by an hour.
        assert_eq!(memory.wait(pause, 5_300_000 - 3_600_000_000), None);
    }

    #[test]
    fn what_is_being_built_counts() {
        let memory = Memory::new(MemoryLimit::of_bytes(100));
        memory.measured(Held { state: 40, waiting: 10, changes: 5, checkpoint: 5 });
        assert_eq!(memory.room(), Room::Enough);
        memory.building(ObjectId(1), &ObjectName::new("public", "v"), 40);
        assert!(memory.is_full());
        memory.built(ObjectId(1));
        assert_eq!((memory.total(), memory.is_full()), (60, false));
        memory.waits(5);
        assert_eq!(memory.total(), 60);
        memory.waits(80);
        assert!(memory.is_full());
    }
}
