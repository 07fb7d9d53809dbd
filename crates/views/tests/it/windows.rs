//! Windows, unnesting and groupings: random histories, live after every tick = batch over the same events. `v`, 0 to 4,
//! is taken as seconds since 1970.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::history::{Event, history};
use crate::properties::cases;
use crate::world::{STREAM, World};

const TIMES: &str = "(SELECT *, to_timestamp_micros(v * 1000000) AS ts FROM {})";

const WINDOWS: &[&str] = &[
    "WITH e AS {times} SELECT g, window_start, window_end, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '2 seconds') GROUP BY g, window_start, window_end",
    "WITH e AS {times} SELECT w.window_start, sum(w.v) AS s FROM HOP(e, ts, INTERVAL '1 second', INTERVAL '3 seconds') AS w GROUP BY w.window_start",
    "WITH e AS {times} SELECT window_end, count(*) AS n FROM HOP(e, ts, INTERVAL '2 seconds', INTERVAL '3 seconds') GROUP BY window_end",
    "WITH e AS {times} SELECT window_start, b, sum(f) AS s, avg(f) AS a, min(i) AS x, max(g) AS y, count(DISTINCT i) AS d FROM HOP(e, ts, INTERVAL '4 seconds', INTERVAL '8 seconds') GROUP BY window_start, b",
    "WITH e AS {times} SELECT window_end, array_agg(i) AS l, median(f) AS m, stddev(f) AS d, count(*) FILTER (WHERE b) AS n, string_agg(g, ',') AS t FROM HOP(e, ts, INTERVAL '4 seconds', INTERVAL '10 seconds') WHERE k < 4 GROUP BY window_end",
    "WITH e AS {times} SELECT upper(g) AS g, sum(i + v) AS s FROM HOP(e, ts, INTERVAL '4 seconds', INTERVAL '12 seconds') WHERE window_start >= TIMESTAMP '1970-01-01 00:00:00' OR k = 1 GROUP BY upper(g), window_start HAVING count(*) > 1",
    "WITH e AS {times} SELECT window_start, max(window_end) AS m, count(*) AS n FROM HOP(e, ts, INTERVAL '4 seconds', INTERVAL '8 seconds') GROUP BY window_start",
    "WITH e AS {times} SELECT DISTINCT window_start, g FROM HOP(e, ts, INTERVAL '3 seconds', INTERVAL '9 seconds')",
    "WITH e AS {times} SELECT * FROM HOP(e, ts, INTERVAL '2 seconds', INTERVAL '3 seconds')",
    "WITH e AS {times} SELECT g, window_start, window_end, count(*) AS n FROM SESSION(e, ts, INTERVAL '1 second', g) GROUP BY g, window_start, window_end",
    "WITH e AS {times} SELECT window_start, max(v) AS m FROM SESSION(e, ts, INTERVAL '1500 milliseconds') GROUP BY window_start",
    "SELECT k, unnest([v, i, k]) AS x FROM {}",
    "SELECT x, count(*) AS n FROM (SELECT unnest([v, k]) AS x FROM {} WHERE b) u GROUP BY x",
    "SELECT g, b, count(*) AS n, sum(v) AS s FROM {} GROUP BY ROLLUP (g, b)",
    "SELECT g, b, k, max(v) AS m FROM {} GROUP BY GROUPING SETS ((g), (b, k), (g, k))",
    "SELECT g, b, grouping(g) AS a, count(*) AS n FROM {} WHERE v > 0 GROUP BY CUBE (g, b)",
];

/// What a plan says of itself.
fn explained(sql: &str) -> Vec<String> {
    let world = World::new(1);
    world.plan(world.catalog.next_id(), "v", sql).unwrap().explain()
}

fn hop(select: &str, size: u32, group: &str) -> String {
    let hop = format!("HOP(e, ts, INTERVAL '2 seconds', INTERVAL '{size} seconds')");
    format!("WITH e AS {TIMES} SELECT {select} FROM {hop} GROUP BY {group}").replace("{}", "s")
}

#[test]
fn hops_are_aggregated_by_pane_when_what_is_aggregated_does_not_depend_on_the_window() {
    let by_pane = |select: &str, size: u32, group: &str| {
        explained(&hop(select, size, group)).iter().any(|line| line.contains("put rows of a tick together by pane"))
    };
    assert!(by_pane("window_start, g, sum(f) AS s", 4, "window_start, g"));
    assert!(by_pane("window_end, count(*) FILTER (WHERE b) AS n", 7, "window_end"));
    assert!(!by_pane("window_start, max(window_end) AS m", 4, "window_start"));
    let lines = explained(&hop("window_start, g, count(*) AS n", 4, "window_start, g"));
    assert!(lines.iter().any(|line| line.contains("pane by pane")), "{lines:?}");
}

/// The work of a tick by the number of windows that an event is in: prints, for whoever changes it, and asserts nothing of it.
#[test]
fn the_work_of_hops_by_windows_per_event() {
    const EVENTS: i64 = 20_000;
    let event = |n: i64| Event {
        k: n % 50,
        g: Some(["a", "b", "c"][n as usize % 3].to_owned()),
        i: Some(n),
        f: Some(n as f64 / 7.0),
        b: None,
        v: n / 2_000,
        deleted: None,
    };
    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    for windows in [2, 12, 60] {
        let paned = hop("window_start, g, sum(f) AS s, count(*) AS n", 2 * windows, "window_start, g");
        // The same rows, but what is aggregated seems to depend on the window.
        let expanded = paned.replace("count(*)", "count(window_end)");
        let mut took = Vec::new();
        let mut rows = Vec::new();
        for query in [&paned, &expanded] {
            let mut world = World::new(1);
            let id = world.add_view(query);
            let before = std::time::Instant::now();
            world.tick(&HashMap::from([(STREAM, events.clone())]), 8_192);
            took.push(before.elapsed());
            rows.push(world.live(id));
        }
        assert_eq!(rows[0], rows[1]);
        println!("{windows} windows an event, {EVENTS} events: {:?} by pane, {:?} by event", took[0], took[1]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn windows_equal_batch(ticks in history(), batch in 1_usize..5, late in 0_usize..4) {
        let over = |name: &str, query: &&str| query.replace("{times}", TIMES).replace("{}", name);
        let queries: Vec<String> =
            ["s", "k"].iter().flat_map(|name| WINDOWS.iter().map(move |query| over(name, query))).collect();
        let mut world = World::new(2);
        for query in queries.iter().step_by(2) {
            world.add_view(query);
        }
        for (number, tick) in ticks.iter().enumerate() {
            if number == late {
                queries.iter().skip(1).step_by(2).for_each(|query| { world.add_view(query); });
            }
            world.tick(tick, batch);
            world.check(&format!("after tick {number}"));
        }
    }
}
