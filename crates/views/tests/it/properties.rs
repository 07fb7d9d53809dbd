//! Every operator: random histories, live after every tick = batch over the same events.

use proptest::prelude::*;

use crate::history::{history, history_with_table};
use crate::world::World;

/// Queries over the stream (append-only), the keyed stream (retractions) and its history; `{}` is the relation.
const OVER_ANY: &[&str] = &[
    "SELECT k, g, i FROM {} WHERE i > 0 AND g <> 'a'",
    "SELECT upper(g) AS g, i * 2 + 1 AS n, CASE WHEN b THEN f ELSE 0.5 END AS f FROM {}",
    "SELECT g, count(*) AS n, count(i) AS c, sum(i) AS s FROM {} GROUP BY g",
    "SELECT g, min(i) AS a, max(i) AS b, min(f) AS c, max(f) AS d, min(g) AS e FROM {} GROUP BY g",
    "SELECT g, avg(i) AS a, sum(f) AS s, avg(f) AS m FROM {} GROUP BY g",
    "SELECT g, count(DISTINCT i) AS c, count(DISTINCT f) AS d FROM {} GROUP BY g",
    "SELECT g, bool_and(b) AS a, bool_or(b) AS o FROM {} GROUP BY g",
    "SELECT g, var_samp(i) AS v, var_pop(i) AS p, stddev(i) AS s FROM {} WHERE i BETWEEN -5 AND 5 GROUP BY g",
    "SELECT b, sum(i) FILTER (WHERE i > 0) AS s, count(*) FILTER (WHERE b) AS n FROM {} GROUP BY b",
    "SELECT k, g, b, count(*) AS n FROM {} GROUP BY k, g, b",
    "SELECT count(*) AS n, sum(i) AS s, max(f) AS m FROM {}",
    "SELECT g, sum(i) AS s FROM {} GROUP BY g HAVING count(*) > 1 AND sum(i) > -2",
    "SELECT DISTINCT g, b FROM {}",
    "SELECT g, n, count(*) AS groups FROM (SELECT k, g, count(*) AS n FROM {} GROUP BY k, g) x GROUP BY g, n",
    "SELECT max(s) AS m FROM (SELECT g, sum(i) AS s FROM {} GROUP BY g) x",
    "SELECT g, i FROM {} WHERE b UNION ALL SELECT g, k FROM {} WHERE NOT b",
    "SELECT g, sum(x) AS s FROM (SELECT g, i AS x FROM {} UNION ALL SELECT g, v AS x FROM {}) u GROUP BY g",
    "SELECT g FROM {} UNION SELECT g FROM {} WHERE i > 0",
    "SELECT k % 2 AS odd, first_value(i ORDER BY v, k) AS a, last_value(i ORDER BY v, k) AS z FROM {} GROUP BY k % 2",
    "WITH big AS (SELECT * FROM {} WHERE abs(i) > 1) SELECT g, count(*) AS n FROM big GROUP BY g",
    "SELECT g, mode(i) AS m, mode(f) AS f, any_value(i) AS v, any_value(f) AS w FROM {} GROUP BY g",
    "SELECT g, array_agg(i) AS a, array_agg(f ORDER BY v DESC, k) AS o, array_agg(DISTINCT b) AS d FROM {} GROUP BY g",
    "SELECT b, string_agg(g, ',') AS s, string_agg(DISTINCT g, '' ORDER BY g DESC) AS d FROM {} GROUP BY b",
    "SELECT g, median(i) AS m, percentile_cont(0.3) WITHIN GROUP (ORDER BY f DESC) AS p, median(DISTINCT f) AS d \
     FROM {} GROUP BY g",
    "SELECT g, approx_percentile_cont(f, 0.9) AS p, approx_median(i) AS m, histogram(f, 0.5) AS h FROM {} GROUP BY g",
    "SELECT mode(g) AS m, median(f) AS f, array_agg(k) AS a, string_agg(g, '' ORDER BY v, k) AS s FROM {}",
    "SELECT m, count(*) AS n, median(c) AS c FROM (SELECT g, median(i) AS m, count(*) AS c FROM {} GROUP BY g) x GROUP BY m",
    "SELECT a, count(*) AS n FROM (SELECT g, array_agg(b) AS a FROM {} GROUP BY g) x GROUP BY a",
];

/// Queries over relations whose rows are never retracted.
const OVER_APPEND_ONLY: &[&str] = &["SELECT g, approx_distinct(i) AS i, approx_distinct(f) AS f FROM {} GROUP BY g"];

fn queries() -> Vec<String> {
    let over = |relations: &'static [&str], queries: &'static [&str]| {
        relations.iter().flat_map(move |name| queries.iter().map(move |query| query.replace("{}", name)))
    };
    let over = over(&["s", "k", "HISTORY(k)"], OVER_ANY).chain(over(&["s", "HISTORY(k)"], OVER_APPEND_ONLY));
    over.chain(["SELECT _partition, max(_offset) AS o FROM s GROUP BY _partition".to_owned()]).collect()
}

/// Queries that look rows of the table up.
const LOOKUPS: &[&str] = &[
    "SELECT s.k, s.i, t.g AS name FROM s JOIN t ON s.k = t.k",
    "SELECT k.k, k.i, t.g AS name, t.f FROM k LEFT JOIN t ON k.k = t.k AND t.i > 0",
    "SELECT t.g, count(*) AS n FROM s JOIN t ON s.k = t.k WHERE t.b GROUP BY t.g",
    "SELECT t.g, sum(s.i) AS n FROM t JOIN s ON t.i = s.i GROUP BY t.g",
    "SELECT g, count(*) AS n, sum(i) AS s FROM t GROUP BY g",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn live_equals_batch(ticks in history(), batch in 1_usize..5, threads in 1_usize..3, late in 0_usize..4) {
        let mut world = World::new(threads);
        let queries = queries();
        // Half of the views are there from the start, the others are built from history later.
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

    #[test]
    fn views_follow_views(ticks in history(), batch in 1_usize..5) {
        let mut world = World::new(1);
        let first = world.add_view("SELECT k, g, sum(i) AS s, count(*) AS n FROM k GROUP BY k, g");
        let name = world.catalog.get(first).unwrap().name.name.clone();
        world.add_view(&format!("SELECT g, max(s) AS m, sum(n) AS n FROM {name} GROUP BY g"));
        world.add_view(&format!("SELECT n, count(*) AS c FROM {name} WHERE s IS NOT NULL GROUP BY n"));
        for (number, tick) in ticks.iter().enumerate() {
            world.tick(tick, batch);
            world.check(&format!("after tick {number}"));
        }
    }

    #[test]
    fn lookups_are_built_anew_when_the_table_changes(ticks in history_with_table(), batch in 1_usize..5) {
        let mut world = World::new(1);
        LOOKUPS.iter().for_each(|query| { world.add_view(query); });
        for (number, tick) in ticks.iter().enumerate() {
            world.tick(tick, batch);
            for id in world.flow.outdated() {
                world.rebuild(id);
            }
            world.check(&format!("after tick {number}"));
        }
        prop_assert!(world.flow.outdated().is_empty());
    }
}

/// Cases per property: a few in every run, as many as asked with PROPTEST_CASES.
pub fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}
