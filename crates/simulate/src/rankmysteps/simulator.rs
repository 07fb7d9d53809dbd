//! The events `{"source":"6","steps":10,"uuid":10133,"timestamp":"2016-02-02 18:41:39"}` in endless rounds: the sources
//! take turns, each round names nine distinct users of its source, each with 1 to 10 steps. Times are US/Pacific.
//!
//! A round's draws depend only on the seed and the round's number; that is what makes `seek` cheap.

use chrono_tz::America::Los_Angeles;

use super::population::{Population, ROUND, SOURCES};
use crate::decimal::write_number;
use crate::{LocalText, SimulateError, Simulator, SimulatorSettings, SplitMix64, Timeline};

/// Longest event, in bytes, for reserving room.
const EVENT_BYTES: usize = 96;

/// How users are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChoice {
    /// Rounds of distinct users drawn at random, as in the original.
    Drawn,
    /// Every user in turn: `users` events touch every user once (for measurements that need all groups).
    InTurn,
}

/// The simulator.
#[derive(Clone, Debug)]
pub struct RankMySteps {
    seed: u64,
    timeline: Timeline,
    population: Population,
    choice: UserChoice,
    position: u64,
    watch: LocalText,
    round: [Draw; ROUND],
    round_number: Option<u64>,
    total_steps: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Draw {
    source: u64,
    user: u64,
    steps: u64,
}

impl RankMySteps {
    /// The stream the events are for.
    pub const STREAM: &'static str = "rankmysteps.steps";

    /// A simulator at event 0.
    ///
    /// # Errors
    /// When there are too few users for rounds of distinct ones.
    pub fn new(settings: &SimulatorSettings, choice: UserChoice) -> Result<Self, SimulateError> {
        let population = settings.users.map_or(Ok(Population::original()), Population::of)?;
        Ok(Self {
            seed: settings.seed,
            timeline: settings.timeline,
            population,
            choice,
            position: 0,
            watch: LocalText::new(Los_Angeles),
            round: [Draw::default(); ROUND],
            round_number: None,
            total_steps: 0,
        })
    }

    /// The steps of all events made so far by this value: what an exact sum over them must give.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.total_steps
    }

    fn draw_round(&mut self, round: u64) {
        let mut random = SplitMix64::of(self.seed, round);
        let source = round % SOURCES;
        let (first, size) = self.population.source(source);
        for i in 0..ROUND {
            let (source, user) = match self.choice {
                UserChoice::Drawn => (
                    source,
                    loop {
                        let user = first + random.below(size);
                        if self.round[..i].iter().all(|drawn| drawn.user != user) {
                            break user;
                        }
                    },
                ),
                UserChoice::InTurn => self.population.nth(round * ROUND as u64 + i as u64),
            };
            self.round[i] = Draw { source, user, steps: 1 + random.below(10) };
        }
        self.round_number = Some(round);
    }
}

impl Simulator for RankMySteps {
    fn stream(&self) -> &str {
        Self::STREAM
    }

    fn next_batch(&mut self, events: usize, out: &mut Vec<u8>) {
        out.reserve(events.saturating_mul(EVENT_BYTES));
        for event in self.position..self.position.saturating_add(events as u64) {
            let (round, place) = (event / ROUND as u64, (event % ROUND as u64) as usize);
            if self.round_number != Some(round) {
                self.draw_round(round);
            }
            let draw = self.round[place];
            self.total_steps += draw.steps;
            write_event(out, draw, self.watch.at(self.timeline.at_micros(event)));
        }
        self.position = self.position.saturating_add(events as u64);
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn seek(&mut self, event: u64) {
        self.position = event;
    }
}

#[inline]
fn write_event(out: &mut Vec<u8>, draw: Draw, time: &[u8]) {
    out.extend_from_slice(b"{\"source\":\"");
    out.push(b'1' + draw.source as u8);
    out.extend_from_slice(b"\",\"steps\":");
    write_number(out, draw.steps);
    out.extend_from_slice(b",\"uuid\":");
    write_number(out, draw.user);
    out.extend_from_slice(b",\"timestamp\":\"");
    out.extend_from_slice(time);
    out.extend_from_slice(b"\"}\n");
}
