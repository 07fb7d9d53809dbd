//! One walker: every tenth of a second one of north, east, south, west or stay, each as likely. A move is one step; who would
//! leave the island turns round, and stays if that leads off it too.
//!
//! Where messages are rarer than ten a second, the many moves between two of them are drawn at once: a normal
//! approximation of their sums, as the sum of twelve uniform numbers, which is the same on every machine.

use super::land::{EAST_MOVES, Land, NORTH_MOVES};
use crate::SplitMix64;

/// Microseconds between moves.
pub(super) const TICK_MICROS: i64 = 100_000;

/// Moves up to this many are drawn one by one.
const ONE_BY_ONE: i64 = 24;

/// Where a walker is, and how far the walker went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walker {
    /// Moves east and north of the box's corner.
    pub(super) x: i32,
    pub(super) y: i32,
    /// Since local midnight, or since the simulation began.
    pub(super) steps: u32,
    /// The local day of the last message, from the year 0 as `YYYYMMDD`.
    pub(super) day: u32,
    /// Tenths of a second since the simulation began, at the last message.
    pub(super) tick: i64,
}

impl Walker {
    /// Somewhere on the island.
    pub(super) fn somewhere(random: &mut SplitMix64, land: &Land) -> Self {
        loop {
            let x = random.below(EAST_MOVES as u64 + 1) as i64;
            let y = random.below(NORTH_MOVES as u64 + 1) as i64;
            if land.holds(x, y) {
                return Self { x: x as i32, y: y as i32, ..Self::default() };
            }
        }
    }

    /// Makes `ticks` moves; gives the steps among them.
    pub(super) fn walk(&mut self, ticks: i64, random: &mut SplitMix64, land: &Land) -> u32 {
        if ticks > ONE_BY_ONE {
            return self.walk_far(ticks, random, land);
        }
        let mut steps = 0;
        for _ in 0..ticks {
            let (dx, dy) = match random.below(5) {
                0 => (0, 1),
                1 => (1, 0),
                2 => (0, -1),
                3 => (-1, 0),
                _ => continue,
            };
            self.go(dx, dy, land);
            steps += 1;
        }
        steps
    }

    /// Of so many moves four fifths are steps; a fifth each to the east and the west makes a variance of 2/5 each, and so
    /// for north and south.
    fn walk_far(&mut self, ticks: i64, random: &mut SplitMix64, land: &Land) -> u32 {
        let moves = ticks as f64;
        let steps = (0.8 * moves + normal(random) * (0.16 * moves).sqrt()).round().clamp(0.0, moves);
        let spread = (0.4 * moves).sqrt();
        let far = (steps / 2.0).floor();
        let dx = (normal(random) * spread).round().clamp(-far, far);
        let dy = (normal(random) * spread).round().clamp(-far, far);
        self.go(dx as i32, dy as i32, land);
        steps as u32
    }

    fn go(&mut self, dx: i32, dy: i32, land: &Land) {
        for (dx, dy) in [(dx, dy), (-dx, -dy)] {
            let (x, y) = (self.x.saturating_add(dx), self.y.saturating_add(dy));
            if land.holds(i64::from(x), i64::from(y)) {
                (self.x, self.y) = (x, y);
                return;
            }
        }
    }
}

/// A number whose mean is 0 and whose variance is 1.
fn normal(random: &mut SplitMix64) -> f64 {
    let mut sum = 0;
    for _ in 0..3 {
        let bits = random.next_u64();
        sum += (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    }
    sum as f64 / 65_536.0 - 6.0 + 12.0 / 131_072.0
}
