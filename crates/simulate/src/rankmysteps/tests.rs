//! What the simulator promises: the same bytes for the same settings, from any offset; the population and the steps as
//! described; local times across midnight and both clock changes.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{RankMySteps, UserChoice};
use crate::{SimulateError, Simulator, SimulatorSettings, Timeline, simulator_for};

#[derive(Debug, Deserialize)]
struct Event {
    source: String,
    steps: u64,
    uuid: u64,
    timestamp: String,
}

fn micros(rfc3339: &str) -> i64 {
    rfc3339.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

/// One event per simulated `seconds`.
fn settings(start: &str, seconds: f64, users: Option<u64>) -> SimulatorSettings {
    SimulatorSettings { seed: 7, timeline: Timeline::paced(micros(start), 1.0, seconds).unwrap(), users }
}

fn bytes(simulator: &mut dyn Simulator, events: usize) -> Vec<u8> {
    let mut out = Vec::new();
    simulator.next_batch(events, &mut out);
    out
}

fn events(settings: &SimulatorSettings, choice: UserChoice, count: usize) -> Vec<Event> {
    let out = bytes(&mut RankMySteps::new(settings, choice).unwrap(), count);
    out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

#[test]
fn writes_the_documented_form() {
    let settings = settings("2016-02-03T02:41:39Z", 1.0, None);
    let out = bytes(&mut *simulator_for("rankmysteps", &settings).unwrap(), 1);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("{\"source\":\"1\",\"steps\":"), "{text}");
    assert!(text.ends_with(",\"timestamp\":\"2016-02-02 18:41:39\"}\n"), "{text}");
}

#[test]
fn same_bytes_from_any_offset_and_in_any_batches() {
    let settings = settings("2026-03-01T00:00:00Z", 17.5, None);
    let whole = bytes(&mut *simulator_for("rankmysteps", &settings).unwrap(), 1000);
    let mut parts = simulator_for("rankmysteps", &settings).unwrap();
    let pieced: Vec<u8> = [1, 2, 9, 88, 400, 500].iter().flat_map(|n| bytes(&mut *parts, *n)).collect();
    assert_eq!(whole, pieced);
    let mut sought = simulator_for("rankmysteps", &settings).unwrap();
    sought.seek(500);
    assert!(whole.ends_with(&bytes(&mut *sought, 500)));
    assert_eq!(sought.position(), 1000);
    let other = SimulatorSettings { seed: 8, ..settings };
    assert_ne!(whole, bytes(&mut *simulator_for("rankmysteps", &other).unwrap(), 1000));
}

#[test]
fn the_original_population_in_rounds_of_nine() {
    let events = events(&settings("2026-03-01T00:00:00Z", 0.001, None), UserChoice::Drawn, 9 * 6 * 500);
    for round in events.chunks(9) {
        let users: HashSet<u64> = round.iter().map(|e| e.uuid).collect();
        assert_eq!(users.len(), 9);
        for event in round {
            let source: u64 = event.source.parse().unwrap();
            assert!(((source - 1) * 12_000..=source * 12_000 - 2).contains(&event.uuid), "{event:?}");
            assert_eq!(event.source, round[0].source);
            assert!((1..=10).contains(&event.steps));
        }
    }
    let sources: HashSet<&str> = events.iter().map(|e| e.source.as_str()).collect();
    assert_eq!(sources.len(), 6);
}

#[test]
fn steps_and_users_are_uniform() {
    let events = events(&settings("2026-03-01T00:00:00Z", 0.001, Some(60)), UserChoice::Drawn, 60_000);
    let (mut steps, mut users) = (HashMap::new(), HashMap::new());
    for event in &events {
        *steps.entry(event.steps).or_insert(0_u32) += 1;
        *users.entry(event.uuid).or_insert(0_u32) += 1;
    }
    assert_eq!((steps.len(), users.len()), (10, 60));
    assert!(steps.values().all(|n| (5_600..6_400).contains(n)), "{steps:?}");
    assert!(users.values().all(|n| (900..1_100).contains(n)), "{users:?}");
}

#[test]
fn load_variant_covers_every_user_in_turn() {
    for users in [54, 1_000, 100_003] {
        let settings = settings("2026-03-01T00:00:00Z", 0.001, Some(users));
        let events = events(&settings, UserChoice::InTurn, usize::try_from(users).unwrap());
        let ids: HashSet<u64> = events.iter().map(|e| e.uuid).collect();
        assert_eq!(ids.len() as u64, users);
        assert!(ids.iter().all(|id| *id < users));
    }
    let refused = RankMySteps::new(&settings("2026-03-01T00:00:00Z", 1.0, Some(53)), UserChoice::Drawn);
    assert_eq!(refused.err(), Some(SimulateError::TooFewUsers { users: 53, least: 54 }));
}

#[test]
fn total_steps_is_the_sum_of_the_events() {
    let settings = settings("2026-03-01T00:00:00Z", 0.001, None);
    let mut simulator = RankMySteps::new(&settings, UserChoice::Drawn).unwrap();
    let out = bytes(&mut simulator, 1_000);
    let sum: u64 = out
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice::<Event>(l).unwrap().steps)
        .sum();
    assert_eq!(simulator.total_steps(), sum);
}

#[test]
fn days_turn_at_local_midnight() {
    let events = events(&settings("2016-02-03T07:59:58Z", 1.0, None), UserChoice::Drawn, 4);
    let times: Vec<&str> = events.iter().map(|e| e.timestamp.as_str()).collect();
    assert_eq!(times, ["2016-02-02 23:59:58", "2016-02-02 23:59:59", "2016-02-03 00:00:00", "2016-02-03 00:00:01"]);
}

#[test]
fn the_skipped_hour_in_spring_never_shows() {
    let events = events(&settings("2026-03-08T09:59:59Z", 1.0, None), UserChoice::Drawn, 2);
    let times: Vec<&str> = events.iter().map(|e| e.timestamp.as_str()).collect();
    assert_eq!(times, ["2026-03-08 01:59:59", "2026-03-08 03:00:00"]);
}

#[test]
fn the_repeated_hour_in_autumn_never_shows() {
    let events = events(&settings("2026-11-01T07:00:00Z", 600.0, None), UserChoice::Drawn, 30);
    let times: Vec<&str> = events.iter().map(|e| e.timestamp.as_str()).collect();
    assert!(times.iter().all(|t| !t.starts_with("2026-11-01 01:")), "{times:?}");
    assert_eq!(times[5], "2026-11-01 00:50:00");
    assert_eq!(times[6], "2026-11-01 00:59:59");
    assert_eq!(times[17], "2026-11-01 00:59:59");
    assert_eq!(times[18], "2026-11-01 02:00:00");
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn unknown_apps_are_named() {
    let refused = simulator_for("rankmystep", &settings("2026-03-01T00:00:00Z", 1.0, None));
    assert_eq!(
        refused.err().map(|e| e.to_string()),
        Some("app \"rankmystep\" has no simulator; there is one for: letshang, rankmysteps".to_owned())
    );
}
