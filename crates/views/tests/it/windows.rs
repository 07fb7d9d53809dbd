//! Windows, unnesting and groupings: random histories, live after every tick = batch over the same events. `v`, 0 to 4,
//! is taken as seconds since 1970.

use proptest::prelude::*;

use crate::history::history;
use crate::properties::cases;
use crate::world::World;

const TIMES: &str = "(SELECT *, to_timestamp_micros(v * 1000000) AS ts FROM {})";

const WINDOWS: &[&str] = &[
    "WITH e AS {times} SELECT g, window_start, window_end, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '2 seconds') GROUP BY g, window_start, window_end",
    "WITH e AS {times} SELECT w.window_start, sum(w.v) AS s FROM HOP(e, ts, INTERVAL '1 second', INTERVAL '3 seconds') AS w GROUP BY w.window_start",
    "WITH e AS {times} SELECT window_end, count(*) AS n FROM HOP(e, ts, INTERVAL '2 seconds', INTERVAL '3 seconds') GROUP BY window_end",
    "WITH e AS {times} SELECT g, window_start, window_end, count(*) AS n FROM SESSION(e, ts, INTERVAL '1 second', g) GROUP BY g, window_start, window_end",
    "WITH e AS {times} SELECT window_start, max(v) AS m FROM SESSION(e, ts, INTERVAL '1500 milliseconds') GROUP BY window_start",
    "SELECT k, unnest([v, i, k]) AS x FROM {}",
    "SELECT x, count(*) AS n FROM (SELECT unnest([v, k]) AS x FROM {} WHERE b) u GROUP BY x",
    "SELECT g, b, count(*) AS n, sum(v) AS s FROM {} GROUP BY ROLLUP (g, b)",
    "SELECT g, b, k, max(v) AS m FROM {} GROUP BY GROUPING SETS ((g), (b, k), (g, k))",
    "SELECT g, b, grouping(g) AS a, count(*) AS n FROM {} WHERE v > 0 GROUP BY CUBE (g, b)",
];

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
