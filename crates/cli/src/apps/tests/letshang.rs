//! The app `letshang` against scripts over the raw events: hours of availability over a change of clocks, any order of
//! arrival, and real GPS tracks (beside the checkout; without them the test says so).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::America::New_York;
use highwater_api::BodyFormat;
use highwater_simulate::{SimulatorSettings, Timeline, simulator_for};
use serde::Deserialize;

use super::running::Running;

const STREAM: &str = "letshang.positions";

#[derive(Clone, Debug, Deserialize)]
struct Told {
    user: String,
    ts: String,
    lat: f64,
    lon: f64,
    available: bool,
    steps: u64,
}

impl Told {
    fn at(&self) -> DateTime<Utc> {
        if let Ok(instant) = self.ts.parse() {
            return instant;
        }
        // Simulated watches never show a local time that comes twice.
        let local = NaiveDateTime::parse_from_str(&self.ts, "%Y%m%d %H%M%S").unwrap();
        New_York.from_local_datetime(&local).single().unwrap().to_utc()
    }
}

/// How times are written.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    Local,
    Instants,
}

/// Three days of 40 walkers, a message every ten minutes each: as lines, and read by hand.
fn three_days_before(end: &str, seed: u64, times: Times) -> (Vec<String>, Vec<Told>) {
    let end = end.parse::<DateTime<Utc>>().unwrap().timestamp_micros();
    let events = 40 * 3 * 144;
    let settings = SimulatorSettings { seed, timeline: Timeline::spread(end, 3, events), users: Some(40) };
    let mut body = Vec::new();
    simulator_for("letshang", &settings).unwrap().next_batch(events as usize, &mut body);
    let mut lines: Vec<String> = String::from_utf8(body).unwrap().lines().map(str::to_owned).collect();
    if times == Times::Instants {
        for (event, line) in (0..).zip(&mut lines) {
            let told: Told = serde_json::from_str(line).unwrap();
            let at = DateTime::from_timestamp_micros(settings.timeline.at_micros(event)).unwrap();
            *line = line.replace(&told.ts, &at.with_timezone(&New_York).format("%Y-%m-%dT%H:%M:%S%:z").to_string());
        }
    }
    let told = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, told)
}

/// Lines in an order that depends on the seed alone.
fn shuffled(mut lines: Vec<String>, mut seed: u64) -> Vec<String> {
    for index in (1..lines.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(index, (seed >> 33) as usize % (index + 1));
    }
    lines
}

async fn fed(lines: &[String], batch: usize) -> Running {
    let app = Running::start("letshang").await;
    for lines in lines.chunks(batch) {
        let report = app.ingest(STREAM, BodyFormat::NdJson, lines.join("\n")).await;
        assert_eq!(report.rejected, 0);
    }
    app
}

const PEOPLE: &str = "SELECT * FROM letshang.people ORDER BY \"user\"";
const HOURS: &str = "SELECT CAST(hour AS TEXT), users FROM letshang.available_by_hour ORDER BY hour";
const STEPS: &str = "SELECT day, \"user\", steps FROM letshang.daily_steps ORDER BY day, \"user\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_and_days_as_a_script_counts_them() {
    // Both changes of clocks lie within the three days: 2026-03-08 and 2026-11-01, when local watches stand still for the
    // two passes of the repeated hour, and instants tell them apart.
    for (end, times, hours) in [
        ("2026-03-10T04:00:00Z", Times::Local, 72),
        ("2026-11-03T05:00:00Z", Times::Local, 70),
        ("2026-11-03T05:00:00Z", Times::Instants, 72),
    ] {
        let (lines, told) = three_days_before(end, 3, times);
        let app = fed(&lines, 5_000).await;
        let mut free: BTreeMap<DateTime<Utc>, BTreeSet<&str>> = BTreeMap::new();
        let mut days: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for told in &told {
            let at = told.at();
            let hour = DateTime::from_timestamp(at.timestamp().div_euclid(3600) * 3600, 0).unwrap();
            let users = free.entry(hour).or_default();
            if told.available {
                users.insert(&told.user);
            }
            let day = at.with_timezone(&New_York).format("%Y-%m-%d").to_string();
            let steps = days.entry((day, &told.user)).or_default();
            *steps = told.steps.max(*steps);
        }
        let wanted: Vec<String> =
            free.iter().map(|(hour, users)| format!("{}|{}", hour.format("%Y-%m-%dT%H:%M:%SZ"), users.len())).collect();
        assert_eq!(wanted.len(), hours);
        assert_eq!(app.sql(HOURS).await, wanted);
        let wanted: Vec<String> = days.iter().map(|((day, user), steps)| format!("{day}|{user}|{steps}")).collect();
        assert_eq!(app.sql(STEPS).await, wanted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shuffled_replay_gives_the_same() {
    let (lines, told) = three_days_before("2026-03-10T04:00:00Z", 4, Times::Local);
    let in_order = fed(&lines, 5_000).await;
    let mut last: BTreeMap<&str, &Told> = BTreeMap::new();
    for told in &told {
        last.insert(&told.user, told);
    }
    let wanted: Vec<String> = last
        .values()
        .map(|told| {
            let seen_at = told.at().format("%Y-%m-%dT%H:%M:%SZ");
            format!("{}|{}|{}|{}|{}|{seen_at}", told.user, told.lat, told.lon, told.available, told.steps)
        })
        .collect();
    assert_eq!(in_order.sql(PEOPLE).await, wanted);
    for (seed, batch) in [(1, 997), (2, 20_000)] {
        let shuffled = fed(&shuffled(lines.clone(), seed), batch).await;
        for query in [PEOPLE, HOURS, STEPS] {
            assert_eq!(shuffled.sql(query).await, in_order.sql(query).await, "{query}");
        }
    }
}

fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let there = folder.join("gps").is_dir();
    if !there {
        eprintln!("SKIPPED: no GPS tracks beside the checkout");
    }
    there.then_some(folder)
}

/// Metres between two places on the sphere, as any textbook has it.
fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    let radians = |degrees: f64| degrees.to_radians();
    let (lat, lon) = (radians(to.0 - from.0) / 2.0, radians(to.1 - from.1) / 2.0);
    let a = lat.sin().powi(2) + radians(from.0).cos() * radians(to.0).cos() * lon.sin().powi(2);
    2.0 * 6_371_008.8 * a.sqrt().asin()
}

/// Six real people with real GPS faults: last places as the oracle has them, distances without the jumps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_tracks_end_where_they_end_and_jumps_are_no_walking() {
    let Some(folder) = shared() else { return };
    let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("FACTS.json")).unwrap()).unwrap();
    let mut csv = String::new();
    let packed = std::fs::File::open(folder.join("gps/geolife_stream.csv.gz")).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut csv).unwrap();
    let rows: Vec<(&str, &str, f64, f64)> = csv
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0], cells[1], cells[2].parse().unwrap(), cells[3].parse().unwrap())
        })
        .collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|(ts, user, lat, lon)| format!("{{\"user\":\"{user}\",\"ts\":\"{ts}\",\"lat\":{lat},\"lon\":{lon}}}"))
        .collect();
    // Places of one second: the last in the file counts, so its order is kept; whole people are shuffled by the server's
    // partitions.
    let app = fed(&lines, 10_000).await;
    let last = app.sql("SELECT \"user\", CAST(seen_at AS TEXT), lat, lon FROM letshang.people ORDER BY \"user\"").await;
    let wanted: Vec<String> = facts["gps"]["last_position"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(user, place)| format!("{user}|{}|{}|{}", place[0].as_str().unwrap(), place[1][0], place[1][1]))
        .collect();
    assert_eq!(last, wanted);

    let mut tracks: HashMap<&str, BTreeMap<i64, (f64, f64)>> = HashMap::new();
    for (ts, user, lat, lon) in &rows {
        let at = ts.parse::<DateTime<Utc>>().unwrap().timestamp();
        tracks.entry(user).or_default().insert(at, (*lat, *lon));
    }
    let walked = app.sql("SELECT \"user\", sum(metres), sum(jumps) FROM letshang.walked GROUP BY 1 ORDER BY 1").await;
    assert_eq!(walked.len(), tracks.len());
    let mut jumps_of_all = 0;
    for row in walked {
        let cells: Vec<&str> = row.split('|').collect();
        let (mut distance, mut whole, mut jumps) = (0.0, 0.0, 0);
        let track: Vec<_> = tracks[cells[0]].iter().collect();
        for pair in track.windows(2) {
            let leg = metres(*pair[0].1, *pair[1].1);
            whole += leg;
            if leg > 10.0 * (pair[1].0 - pair[0].0) as f64 { jumps += 1 } else { distance += leg }
        }
        let given: f64 = cells[1].parse().unwrap();
        assert!((given - distance).abs() < 0.01 * distance.max(1.0) / 100.0, "{row}: {distance} m by hand");
        assert_eq!(cells[2], jumps.to_string(), "{row}");
        assert!(given < whole || jumps == 0);
        jumps_of_all += jumps;
    }
    assert!(jumps_of_all >= facts["gps"]["implausible_jumps_over_100mps"].as_i64().unwrap());
}
