//! The events `{"user":"user_20","ts":"20151002 185127","lat":40.76435,"lon":-73.96943,"available":false,"steps":13461}`: the
//! walkers take turns. Times are local to New York, and so are the hours at which somebody is free and the midnight at
//! which steps begin anew.
//!
//! Where a walker is depends on every move before, so to go to an event is to make all moves up to it; that costs less than
//! writing them. Draws depend on the seed and the event's number alone.

use chrono_tz::America::New_York;

use super::land::{Land, MOVE, SOUTH, WEST};
use super::people::{friendships, name};
use super::schedule::{LIST_COUNT, is_free};
use super::walker::{TICK_MICROS, Walker};
use crate::decimal::write_number;
use crate::simulator::Rows;
use crate::{LocalText, SimulateError, Simulator, SimulatorSettings, SplitMix64, Timeline};

/// Walkers unless asked for.
pub const WALKERS: u64 = 5_000;

/// Walkers at most: each is kept in memory.
const MOST_WALKERS: u64 = 1_000_000;

/// Steps in a second on average: four of five moves are one.
const STEPS_PER_SECOND: u32 = 8;

/// Longest event, in bytes, for reserving room.
const EVENT_BYTES: usize = 128;

/// Units of a coordinate in a degree, and digits behind its point.
const UNITS: u64 = 100_000_000_000;

/// Separates the draws of a walker's beginning from those of events.
const STREAM: u64 = 0x0a11_ce0f_f1ce_0000;

/// The simulator.
#[derive(Clone, Debug)]
pub struct LetsHang {
    seed: u64,
    timeline: Timeline,
    land: Land,
    watch: LocalText,
    walkers: Vec<Walker>,
    /// Up to which event the walkers have walked.
    walked: u64,
    position: u64,
}

impl LetsHang {
    /// The stream the events are for.
    pub const STREAM: &'static str = "letshang.positions";

    /// A simulator at event 0.
    ///
    /// # Errors
    /// When there is nobody to walk, or too many.
    pub fn new(settings: &SimulatorSettings) -> Result<Self, SimulateError> {
        let users = settings.users.unwrap_or(WALKERS);
        if users == 0 {
            return Err(SimulateError::TooFewUsers { users, least: 1 });
        }
        if users > MOST_WALKERS {
            let (value, most) = (users.to_string(), MOST_WALKERS.to_string());
            return Err(SimulateError::OutOfRange { what: "the number of users", value, most });
        }
        let mut simulator = Self {
            seed: settings.seed,
            timeline: settings.timeline,
            land: Land::new(),
            watch: LocalText::new(New_York),
            walkers: vec![Walker::default(); users as usize],
            walked: 0,
            position: 0,
        };
        simulator.begin();
        Ok(simulator)
    }

    /// Puts everybody where they are before the first event.
    fn begin(&mut self) {
        for (user, walker) in (0..).zip(&mut self.walkers) {
            *walker = Walker::somewhere(&mut SplitMix64::of(self.seed ^ STREAM, user), &self.land);
        }
        self.walked = 0;
    }

    /// Makes the moves up to the event that comes next.
    fn catch_up(&mut self) {
        if self.walked > self.position {
            self.begin();
        }
        while self.walked < self.position {
            self.walk(self.walked);
        }
    }

    /// Makes one event's moves. Gives the user.
    fn walk(&mut self, event: u64) -> u64 {
        let users = self.walkers.len() as u64;
        let user = event % users;
        let micros = self.timeline.at_micros(event);
        let text = self.watch.at(micros);
        let day = digits(&text[..4]) * 10_000 + digits(&text[5..7]) * 100 + digits(&text[8..10]);
        let of_day = digits(&text[11..13]) * 3600 + digits(&text[14..16]) * 60 + digits(&text[17..19]);
        let tick = micros.saturating_sub(self.timeline.start_micros()) / TICK_MICROS;
        if let Some(walker) = self.walkers.get_mut(user as usize) {
            let ticks = if walker.day == 0 { 0 } else { (tick - walker.tick).max(0) };
            let steps = walker.walk(ticks, &mut SplitMix64::of(self.seed, event), &self.land);
            if walker.day == 0 {
                // Everybody has been walking since midnight.
                walker.steps = of_day * STEPS_PER_SECOND;
            } else if walker.day == day || ticks == 0 {
                walker.steps = walker.steps.saturating_add(steps);
            } else {
                // Of moves across midnight those after it count.
                let today = ticks.min(i64::from(of_day) * 10);
                walker.steps = (i64::from(steps) * today / ticks) as u32;
            }
            walker.day = day;
            walker.tick = tick;
        }
        self.walked = event + 1;
        user
    }

    /// The list of free hours of a walker.
    fn list(user: u64) -> u64 {
        SplitMix64::of(STREAM, user).below(LIST_COUNT)
    }

    fn write(&mut self, user: u64, micros: i64, out: &mut Vec<u8>) {
        let list = Self::list(user);
        let Some(walker) = self.walkers.get(user as usize) else { return };
        let text = self.watch.at(micros);
        out.extend_from_slice(b"{\"user\":\"user_");
        write_number(out, user);
        out.extend_from_slice(b"\",\"ts\":\"");
        for part in [&text[..4], &text[5..7], &text[8..10], b" ", &text[11..13], &text[14..16], &text[17..19]] {
            out.extend_from_slice(part);
        }
        out.extend_from_slice(b"\",\"lat\":");
        write_degrees(out, SOUTH + i64::from(walker.y) * MOVE);
        out.extend_from_slice(b",\"lon\":");
        write_degrees(out, WEST + i64::from(walker.x) * MOVE);
        out.extend_from_slice(b",\"available\":");
        let free = is_free(list, digits(&text[11..13]));
        out.extend_from_slice(if free { b"true" } else { b"false" });
        out.extend_from_slice(b",\"steps\":");
        write_number(out, u64::from(walker.steps));
        out.extend_from_slice(b"}\n");
    }
}

impl Simulator for LetsHang {
    fn stream(&self) -> &str {
        Self::STREAM
    }

    fn next_batch(&mut self, events: usize, out: &mut Vec<u8>) {
        out.reserve(events.saturating_mul(EVENT_BYTES));
        self.catch_up();
        for event in self.position..self.position.saturating_add(events as u64) {
            let user = self.walk(event);
            self.write(user, self.timeline.at_micros(event), out);
        }
        self.position = self.position.saturating_add(events as u64);
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn seek(&mut self, event: u64) {
        self.position = event;
    }

    fn tables(&self) -> Vec<Rows> {
        let users = self.walkers.len() as u64;
        let people = (0..users).map(|user| format!("('user_{user}', '{}', 'America/New_York')", name(user)));
        let friends = friendships(users).into_iter().map(|(a, b)| format!("('user_{a}', 'user_{b}')"));
        let (user, user_and_friend) = (["\"user\"", "name", "zone"], ["\"user\"", "friend"]);
        vec![
            Rows { table: "letshang.users", columns: user.to_vec(), key: 1, rows: people.collect() },
            Rows { table: "letshang.friendships", columns: user_and_friend.to_vec(), key: 2, rows: friends.collect() },
        ]
    }
}

fn digits(text: &[u8]) -> u32 {
    text.iter().fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// Units of 1e-11 degrees as decimal degrees.
#[inline]
fn write_degrees(out: &mut Vec<u8>, units: i64) {
    if units < 0 {
        out.push(b'-');
    }
    let units = units.unsigned_abs();
    write_number(out, units / UNITS);
    out.push(b'.');
    let mut place = UNITS / 10;
    let fraction = units % UNITS;
    while place > 0 {
        out.push(b'0' + (fraction / place % 10) as u8);
        place /= 10;
    }
}
