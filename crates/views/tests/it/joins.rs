//! Joins, subqueries and set operations: random histories, live after every tick = batch over the same events.

use proptest::prelude::*;

use crate::history::{history, history_with_table};
use crate::properties::cases;
use crate::world::World;

/// `s` is append-only, `k` is updated and retracted, `HISTORY(k)` is append-only.
const JOINS: &[&str] = &[
    "SELECT a.k, a.i, b.g FROM s a JOIN k b ON a.k = b.k",
    "SELECT a.k, a.i, b.v FROM s a JOIN HISTORY(k) b ON a.g = b.g AND a.i < b.v",
    "SELECT a.k, a.g, b.i FROM k a LEFT JOIN s b ON a.g = b.g AND a.i < b.i",
    "SELECT a.k, a.g, b.i FROM k a LEFT JOIN s b ON a.k = b.k",
    "SELECT a.k, b.k AS other, b.f FROM k a RIGHT JOIN s b ON a.g = b.g AND a.b",
    "SELECT a.k, b.k AS other, a.g, b.i FROM k a FULL JOIN s b ON a.g = b.g AND a.i <> b.i",
    "SELECT a.k, b.n FROM k a FULL JOIN (SELECT k, count(*) AS n FROM s WHERE b GROUP BY k) b ON a.k = b.k",
    "SELECT a.k, b.k AS other FROM k a JOIN k b ON a.g = b.g AND a.k < b.k",
    "SELECT x.g, count(*) AS n, min(y.v) AS m FROM k x JOIN s y ON x.g = y.g JOIN HISTORY(k) z ON z.k = y.k GROUP BY x.g",
    "SELECT a.k, b.n FROM k a CROSS JOIN (SELECT count(*) AS n, max(v) AS m FROM s) b WHERE a.v < b.m",
    "SELECT o.k, o.i FROM k o WHERE EXISTS (SELECT 1 FROM s WHERE s.g = o.g)",
    "SELECT o.k, o.g FROM k o WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.g = o.g AND s.i > o.i)",
    "SELECT o.k, o.g FROM k o WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.g = o.g)",
    "SELECT s.k, s.i FROM s WHERE s.k IN (SELECT k FROM HISTORY(k) WHERE b)",
    "SELECT o.k, o.i FROM k o WHERE o.k NOT IN (SELECT k FROM s WHERE i > 0)",
    "SELECT o.k FROM k o WHERE o.b OR EXISTS (SELECT 1 FROM s WHERE s.k = o.k)",
    "SELECT o.k, o.v FROM k o WHERE o.v > (SELECT avg(v) FROM s)",
    "SELECT o.k, (SELECT max(s.v) FROM s WHERE s.k = o.k) AS m FROM k o",
    "SELECT o.k, (SELECT count(*) FROM s WHERE s.g = o.g) AS n FROM k o",
    "SELECT g, b FROM k INTERSECT SELECT g, b FROM s",
    "SELECT g, b FROM k EXCEPT SELECT g, b FROM s",
];

/// Joins with a table that updates rows on the other side too: neither side is built anew.
const WITH_TABLE: &[&str] = &[
    "SELECT k.k, k.i, t.g AS name FROM k JOIN t ON k.k = t.k",
    "SELECT k.k, t.k AS other, t.i FROM k FULL JOIN t ON k.g = t.g AND t.b",
    "SELECT t.k, t.g FROM t WHERE t.k IN (SELECT k FROM s)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn joins_equal_batch(ticks in history(), batch in 1_usize..5, threads in 1_usize..3, late in 0_usize..4) {
        let mut world = World::new(threads);
        for query in JOINS.iter().step_by(2) {
            world.add_view(query);
        }
        for (number, tick) in ticks.iter().enumerate() {
            if number == late {
                JOINS.iter().skip(1).step_by(2).for_each(|query| { world.add_view(query); });
            }
            world.tick(tick, batch);
            world.check(&format!("after tick {number}"));
        }
    }

    #[test]
    fn joins_with_tables_follow_them(ticks in history_with_table(), batch in 1_usize..5) {
        let mut world = World::new(1);
        WITH_TABLE.iter().for_each(|query| { world.add_view(query); });
        for (number, tick) in ticks.iter().enumerate() {
            world.tick(tick, batch);
            prop_assert!(world.flow.outdated().is_empty());
            world.check(&format!("after tick {number}"));
        }
    }
}
