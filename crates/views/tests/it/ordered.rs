//! First rows, ranks and window functions: random histories, live after every tick = batch over the same events. Orders
//! are such that rows which tie are equal in what is selected: SQL does not say which of them comes first.

use proptest::prelude::*;

use crate::history::history;
use crate::properties::cases;
use crate::world::World;

const ORDERED: &[&str] = &[
    "SELECT k, i, v FROM {} ORDER BY i DESC NULLS LAST, k, v LIMIT 3",
    "SELECT k, v FROM {} ORDER BY v, k LIMIT 2 OFFSET 1",
    "SELECT k + v AS x FROM {} WHERE b ORDER BY v DESC, k LIMIT 4",
    "SELECT g, max(v) AS m, count(*) AS n FROM (SELECT g, v FROM {} ORDER BY v DESC, k, g LIMIT 4) x GROUP BY g",
    "SELECT k, g, rn FROM (SELECT k, g, row_number() OVER (PARTITION BY g ORDER BY i, k, v) AS rn FROM {}) x WHERE rn <= 2",
    "SELECT k, g FROM (SELECT k, g, row_number() OVER (PARTITION BY g ORDER BY i, k, v) AS rn FROM {}) x WHERE rn = 2 AND k > 1",
    "SELECT k, v, r FROM (SELECT k, v, rank() OVER (ORDER BY v DESC) AS r FROM {}) x WHERE r < 3",
    "SELECT k, v, r FROM (SELECT k, v, dense_rank() OVER (PARTITION BY b ORDER BY v) AS r FROM {}) x WHERE 2 >= r",
    "SELECT k, g, i FROM {} QUALIFY row_number() OVER (PARTITION BY k ORDER BY v DESC, i DESC NULLS LAST, g NULLS LAST) = 1",
    "SELECT DISTINCT ON (g) g, k, v FROM {} ORDER BY g, v DESC, k",
    "SELECT k, v, rank() OVER (PARTITION BY g ORDER BY v) AS r FROM {}",
    "SELECT k, v, lag(v) OVER (PARTITION BY g ORDER BY v, k) AS p, lead(v, 2) OVER (PARTITION BY g ORDER BY v, k) AS n FROM {}",
    "SELECT k, sum(v) OVER (PARTITION BY g ORDER BY k) AS s, count(*) OVER (PARTITION BY b) AS n FROM {}",
    "SELECT k, v, sum(v) OVER (PARTITION BY g ORDER BY v, k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a FROM {}",
    "SELECT k, v, first_value(v) OVER (ORDER BY v, k) AS a, last_value(v) OVER (ORDER BY v) AS z FROM {}",
    "SELECT g, s, rank() OVER (ORDER BY s DESC) AS r FROM (SELECT g, count(*) AS s FROM {} GROUP BY g) x",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn ordered_views_equal_batch(ticks in history(), batch in 1_usize..5, threads in 1_usize..3, late in 0_usize..4) {
        let over = ["s", "k"].iter().flat_map(|name| ORDERED.iter().map(move |query| query.replace("{}", name)));
        let queries: Vec<String> = over.collect();
        let mut world = World::new(threads);
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
