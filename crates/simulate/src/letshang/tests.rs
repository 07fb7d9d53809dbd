//! What the simulator promises: the same bytes from any offset, moves and steps as described, nobody on a river, free hours as
//! listed, and friends.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::LetsHang;
use super::land::{EAST_MOVES, Land, MOVE, NORTH_MOVES, SOUTH, WEST};
use super::people::friendships;
use crate::{SimulateError, Simulator, SimulatorSettings, Timeline, events_per_second, simulator_for};

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Event {
    user: String,
    #[serde(rename = "ts")]
    time: String,
    lat: f64,
    lon: f64,
    available: bool,
    steps: u64,
}

fn micros(rfc3339: &str) -> i64 {
    rfc3339.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

/// `users` walkers, each with a message every `seconds`.
fn settings(start: &str, users: u64, seconds: f64) -> SimulatorSettings {
    let timeline = Timeline::paced(micros(start), users as f64, seconds).unwrap();
    SimulatorSettings { seed: 7, timeline, users: Some(users) }
}

fn bytes(simulator: &mut dyn Simulator, events: usize) -> Vec<u8> {
    let mut out = Vec::new();
    simulator.next_batch(events, &mut out);
    out
}

fn events(settings: &SimulatorSettings, count: usize) -> Vec<Event> {
    let out = bytes(&mut LetsHang::new(settings).unwrap(), count);
    out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

/// A place in moves from the corner, exactly.
fn place(event: &Event) -> (i64, i64) {
    let moves = |degrees: f64, corner: i64| {
        let moves = (degrees * 1e11 - corner as f64) / MOVE as f64;
        assert!((moves - moves.round()).abs() < 1e-3, "{event:?} is no whole number of moves");
        moves.round() as i64
    };
    (moves(event.lon, WEST), moves(event.lat, SOUTH))
}

#[test]
fn writes_the_documented_form() {
    let settings = settings("2015-10-02T22:51:27Z", 3, 0.1);
    let text = String::from_utf8(bytes(&mut *simulator_for("letshang", &settings).unwrap(), 1)).unwrap();
    assert!(text.starts_with("{\"user\":\"user_0\",\"ts\":\"20151002 185127\",\"lat\":40.7"), "{text}");
    assert!(text.contains(",\"lon\":-73.9") && text.ends_with("\"steps\":543096}\n"), "{text}");
    assert_eq!(events_per_second("letshang", None), 50_000.0);
}

#[test]
fn same_bytes_from_any_offset_and_in_any_batches() {
    for seconds in [0.1, 0.7, 60.0] {
        let settings = settings("2026-03-01T00:00:00Z", 13, seconds);
        let whole = bytes(&mut *simulator_for("letshang", &settings).unwrap(), 1000);
        let mut parts = simulator_for("letshang", &settings).unwrap();
        let pieced: Vec<u8> = [1, 2, 9, 88, 400, 500].iter().flat_map(|n| bytes(&mut *parts, *n)).collect();
        assert_eq!(whole, pieced);
        parts.seek(500);
        assert!(whole.ends_with(&bytes(&mut *parts, 500)), "back to the middle");
        let mut sought = simulator_for("letshang", &settings).unwrap();
        sought.seek(500);
        assert!(whole.ends_with(&bytes(&mut *sought, 500)), "straight to the middle");
        let other = SimulatorSettings { seed: 8, ..settings };
        assert_ne!(whole, bytes(&mut *simulator_for("letshang", &other).unwrap(), 1000));
    }
}

/// Ten messages a second: one of five moves each, equally often, a step each but for staying.
#[test]
fn moves_are_one_of_five_and_steps_count_them() {
    let users = 40;
    let events = events(&settings("2026-03-02T15:00:00Z", users, 0.1), 40 * 1_000);
    let mut last: HashMap<String, ((i64, i64), u64)> = HashMap::new();
    let mut moves: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    for event in &events {
        let at = place(event);
        if let Some((before, steps)) = last.insert(event.user.clone(), (at, event.steps)) {
            let moved = (at.0 - before.0, at.1 - before.1);
            *moves.entry(moved).or_default() += 1;
            assert!(moved == (0, 0) || event.steps == steps + 1, "{event:?}");
        }
    }
    assert_eq!(moves.len(), 5, "{moves:?}");
    // A fifth of 39,960 each; five standard deviations are 400.
    assert!(moves.values().all(|n| (7_592..8_392).contains(n)), "{moves:?}");
    let walked: u64 = last.values().map(|(_, steps)| steps - events[0].steps).sum();
    assert!((31_568..32_368).contains(&walked), "{walked} steps");
}

/// Rare messages: as many steps and as wide a spread as the single moves would have had.
#[test]
fn many_moves_at_once_are_like_single_ones() {
    let users = 2_000;
    let spread = |seconds: f64, rounds: usize| {
        let events = events(&settings("2026-03-02T15:00:00Z", users, seconds), users as usize * (rounds + 1));
        let (first, end) = (&events[..users as usize], &events[users as usize * rounds..]);
        let pairs = || first.iter().zip(end).map(|(a, b)| (place(a), place(b)));
        let mean_square =
            pairs().map(|(a, b)| ((b.0 - a.0).pow(2) + (b.1 - a.1).pow(2)) as f64).sum::<f64>() / users as f64;
        let steps = first.iter().zip(end).map(|(a, b)| (b.steps - a.steps) as f64).sum::<f64>() / users as f64;
        (mean_square, steps)
    };
    // 600 moves: a mean square distance of 4/5 · 600 (a little less where the shore is near), and 480 steps.
    let (single, single_steps) = spread(0.1, 600);
    let (many, many_steps) = spread(20.0, 3);
    for (square, steps) in [(single, single_steps), (many, many_steps)] {
        assert!((430.0..530.0).contains(&square) && (477.0..483.0).contains(&steps), "{square} {steps}");
    }
}

#[test]
fn nobody_walks_on_a_river() {
    let land = Land::new();
    let holds =
        |lat: f64, lon: f64| land.holds(((lon * 1e11) as i64 - WEST) / MOVE, ((lat * 1e11) as i64 - SOUTH) / MOVE);
    for (lat, lon) in
        [(40.758, -73.9855), (40.7813, -73.9735), (40.7308, -73.9973), (40.7127, -74.0059), (40.795, -73.94)]
    {
        assert!(holds(lat, lon), "{lat} {lon} is on the island");
    }
    for (lat, lon) in
        [(40.76, -74.01), (40.735, -74.02), (40.745, -74.03), (40.76, -73.956), (40.747, -73.94), (40.72, -73.965)]
    {
        assert!(!holds(lat, lon), "{lat} {lon} is no land of Manhattan");
    }
    // For a day, at several rates; and in the box.
    for seconds in [0.1, 5.0, 600.0] {
        for event in events(&settings("2026-03-01T00:00:00Z", 300, seconds), 300 * 144) {
            let (x, y) = place(&event);
            assert!(land.holds(x, y) && (0..=EAST_MOVES).contains(&x) && (0..=NORTH_MOVES).contains(&y), "{event:?}");
            assert!((40.708751..=40.802895).contains(&event.lat) && (-74.025879..=-73.930435).contains(&event.lon));
        }
    }
}

#[test]
fn steps_begin_anew_at_local_midnight() {
    let events = events(&settings("2026-03-02T04:59:50Z", 1, 1.0), 21);
    assert_eq!((events[9].time.as_str(), events[10].time.as_str()), ("20260301 235959", "20260302 000000"));
    assert!(events[9].steps >= 50 && events[10].steps == 0, "{events:?}");
    assert!((1..=10).contains(&events[11].steps) && events[20].steps > 50, "{events:?}");
}

/// Everybody's free hours are one of the twelve lists, and every list has people.
#[test]
fn availability_is_as_listed() {
    let lists: [&[u32]; 12] = [
        &[8, 9, 10, 17, 18, 19, 20, 21],
        &[8, 9, 10, 11, 16, 17, 18, 19, 20],
        &[8, 9, 15, 16, 17, 18],
        &[14, 15, 16, 17, 18, 19, 20, 21, 22],
        &[0, 10, 11, 12, 22, 23],
        &[12, 13, 14, 15, 16],
        &[0, 19, 20, 21, 22, 23],
        &[0, 1, 2],
        &[8, 11, 13, 15, 17, 19, 21, 22, 23],
        &[2, 8],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12],
        &[13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
    ];
    let mut free: HashMap<String, Vec<u32>> = HashMap::new();
    for event in events(&settings("2026-03-02T05:00:00Z", 300, 1_200.0), 300 * 72) {
        let hours = free.entry(event.user).or_default();
        let hour = event.time[9..11].parse().unwrap();
        if event.available && !hours.contains(&hour) {
            hours.push(hour);
        }
    }
    let mut used = HashSet::new();
    for hours in free.values() {
        used.insert(lists.iter().position(|list| list == hours).unwrap());
    }
    assert_eq!((free.len(), used.len()), (300, 12));
}

/// The hour that autumn repeats cannot be told in local text: watches stand still before it.
#[test]
fn the_repeated_hour_never_shows() {
    for event in events(&settings("2026-11-01T04:00:00Z", 2, 300.0), 2 * 60) {
        assert!(!event.time.starts_with("20261101 01"), "{event:?}");
    }
}

#[test]
fn people_have_about_eight_friends() {
    let pairs = friendships(5_000);
    let set: HashSet<(u64, u64)> = pairs.iter().copied().collect();
    assert_eq!(set.len(), pairs.len());
    assert!(pairs.iter().all(|(a, b)| a != b && *a < 5_000 && set.contains(&(*b, *a))));
    let mean = pairs.len() as f64 / 5_000.0;
    assert!((7.5..=8.0).contains(&mean), "{mean}");
    assert!(friendships(1).is_empty() && friendships(2) == [(0, 1), (1, 0)]);
}

#[test]
fn tables_hold_everybody_once() {
    let simulator = simulator_for("letshang", &settings("2026-03-01T00:00:00Z", 25, 1.0)).unwrap();
    let tables = simulator.tables();
    assert_eq!(tables[0].rows.len(), 25);
    let statements: Vec<String> = tables[0].statements(10).collect();
    assert_eq!(statements.len(), 3);
    let begin =
        "INSERT INTO letshang.users (\"user\", name, zone) SELECT \"user\", name, zone FROM (VALUES ('user_20', '";
    assert!(statements[2].starts_with(begin), "{}", statements[2]);
    assert!(statements[2].ends_with("(SELECT 1 FROM letshang.users AS known WHERE known.\"user\" = new.\"user\")"));
}

#[test]
fn wrong_numbers_of_people_are_refused() {
    let refused = |users| {
        LetsHang::new(&SimulatorSettings { users: Some(users), ..settings("2026-03-01T00:00:00Z", 1, 1.0) }).err()
    };
    assert_eq!(refused(0), Some(SimulateError::TooFewUsers { users: 0, least: 1 }));
    assert!(matches!(refused(1_000_001), Some(SimulateError::OutOfRange { .. })) && refused(50_000).is_none());
}
