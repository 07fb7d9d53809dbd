//! Random plans over random histories: queries composed of joins, groupings, set operations, windows, top-N, ranks and
//! subqueries, each operator over any other; live after every tick = batch over the same events.
//!
//! Every query has the columns `k` (BIGINT), `g` (TEXT), `i` (BIGINT) and `v` (BIGINT, not NULL, small), so that any fits
//! into any. Orders name all columns: rows that tie are equal, so it does not matter which comes first.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::history::history_with_table;
use crate::properties::cases;
use crate::world::World;

/// Operators above the relations at most.
const DEPTH: u32 = 3;

/// A query over one of the declared relations. `HISTORY(k)` never retracts, `k` and `t` do.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just("s"), 4 => Just("k"), 2 => Just("HISTORY(k)"), 1 => Just("t")]
        .prop_map(|relation| format!("SELECT k, g, i, v FROM {relation}"))
}

fn condition(of: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        (0..4).prop_map(move |n| format!("{of}.v > {n}")),
        (-2..3).prop_map(move |n| format!("{of}.i <= {n}")),
        Just(format!("{of}.g <> 'a'")),
        Just(format!("({of}.g IS NULL OR {of}.k % 2 = 0)")),
        Just(format!("{of}.i IS NOT NULL AND abs({of}.k) < 5")),
    ]
}

/// Operators over one input.
fn over_one(input: String) -> BoxedStrategy<String> {
    let own = |text: &str| Just(text.replace("{}", &input)).boxed();
    let filtered = {
        let input = input.clone();
        condition("x").prop_map(move |condition| format!("SELECT k, g, i, v FROM ({input}) x WHERE {condition}"))
    };
    let grouped = {
        let input = input.clone();
        let value = prop_oneof![
            Just("sum(i)"),
            Just("min(i)"),
            Just("max(i)"),
            Just("count(DISTINCT i)"),
            Just("median(v)::BIGINT"),
            Just("first_value(i ORDER BY v, k, g, i)"),
            Just("sum(i) FILTER (WHERE v > 1)"),
        ];
        let shape = prop_oneof![
            Just("SELECT min(k) AS k, g, {value} AS i, count(*) AS v FROM ({}) x GROUP BY g"),
            Just("SELECT k, max(g) AS g, {value} AS i, count(*) AS v FROM ({}) x GROUP BY k HAVING count(*) > 1"),
            Just("SELECT k, g, {value} AS i, count(i) AS v FROM ({}) x GROUP BY k, g"),
            Just("SELECT count(*) AS k, 'all' AS g, {value} AS i, count(*) AS v FROM ({}) x"),
            Just("SELECT min(k) AS k, g, {value} AS i, count(*) AS v FROM ({}) x GROUP BY ROLLUP (g, v)"),
        ];
        (shape, value).prop_map(move |(shape, value)| shape.replace("{value}", value).replace("{}", &input))
    };
    let first = {
        let input = input.clone();
        (1..5, 0..3).prop_map(move |(limit, offset)| {
            format!("SELECT k, g, i, v FROM ({input}) x ORDER BY v DESC, k, g, i LIMIT {limit} OFFSET {offset}")
        })
    };
    let ranked = {
        let input = input.clone();
        let function = prop_oneof![Just("rank"), Just("row_number"), Just("dense_rank")];
        (function, 1..4).prop_map(move |(function, n)| {
            format!(
                "SELECT k, g, i, CAST(r AS BIGINT) AS v FROM (SELECT k, g, i, {function}() OVER \
                 (PARTITION BY g ORDER BY v DESC, k, i) AS r FROM ({input}) x) y WHERE r <= {n}"
            )
        })
    };
    prop_oneof![
        3 => filtered.boxed(),
        4 => grouped.boxed(),
        2 => first.boxed(),
        2 => ranked.boxed(),
        1 => own("SELECT DISTINCT k, g, i, v FROM ({}) x"),
        1 => own("SELECT (k + v) % 5 AS k, coalesce(g, upper('z')) AS g, i, v + 1 AS v FROM ({}) x"),
        1 => own("SELECT k, g, i, unnest([v, abs(k) % 7]) AS v FROM ({}) x"),
        1 => own("SELECT k, g, coalesce(lag(i) OVER (PARTITION BY g ORDER BY v, k, i), -9) AS i, v FROM ({}) x"),
        1 => own("SELECT k, g, sum(v) OVER (PARTITION BY k ORDER BY v, g, i) AS i, v FROM ({}) x"),
        1 => own(
            "WITH e AS (SELECT k, g, i, v, to_timestamp_micros(v * 1000000) AS ts FROM ({}) x) \
             SELECT max(k) AS k, g, CAST(date_part('epoch', window_start) AS BIGINT) AS i, count(*) AS v \
             FROM HOP(e, ts, INTERVAL '2 seconds', INTERVAL '4 seconds') GROUP BY g, window_start, window_end"
        ),
        1 => own(
            "WITH e AS (SELECT k, g, i, v, to_timestamp_micros(v * 1000000) AS ts FROM ({}) x) \
             SELECT k, max(g) AS g, CAST(date_part('epoch', window_end) AS BIGINT) AS i, count(*) AS v \
             FROM SESSION(e, ts, INTERVAL '1 second', k) GROUP BY k, window_start, window_end"
        ),
    ]
    .boxed()
}

/// Operators over two inputs.
fn over_two(left: String, right: String) -> BoxedStrategy<String> {
    let joined = {
        let (left, right) = (left.clone(), right.clone());
        let kind =
            prop_oneof![3 => Just("JOIN"), 1 => Just("LEFT JOIN"), 1 => Just("RIGHT JOIN"), 1 => Just("FULL JOIN")];
        let on = prop_oneof![
            Just("a.k = b.k"),
            Just("a.g = b.g AND a.k = b.k"),
            Just("a.g = b.g AND a.v < b.v"),
            Just("a.k = b.k AND a.i <> b.i"),
        ];
        (kind, on).prop_map(move |(kind, on)| {
            format!(
                "SELECT coalesce(a.k, b.k) AS k, b.g, a.i, coalesce(a.v, b.v) AS v FROM ({left}) a {kind} ({right}) b ON {on}"
            )
        })
    };
    let own = |text: &str| Just(text.replace("{left}", &left).replace("{right}", &right)).boxed();
    prop_oneof![
        6 => joined.boxed(),
        1 => own("{left} UNION ALL {right}"),
        1 => own("SELECT k, g, i, v FROM ({left}) a UNION SELECT k, g, i, v FROM ({right}) b"),
        1 => own("SELECT k, g, i, v FROM ({left}) a EXCEPT SELECT k, g, i, v FROM ({right}) b"),
        1 => own("SELECT k, g, i, v FROM ({left}) a INTERSECT SELECT k, g, i, v FROM ({right}) b"),
        1 => own("SELECT k, g, i, v FROM ({left}) a WHERE EXISTS (SELECT 1 FROM ({right}) b WHERE b.k = a.k AND b.v > a.v)"),
        1 => own("SELECT k, g, i, v FROM ({left}) a WHERE NOT EXISTS (SELECT 1 FROM ({right}) b WHERE b.g = a.g)"),
        1 => own("SELECT k, g, i, v FROM ({left}) a WHERE a.v IN (SELECT v FROM ({right}) b)"),
        1 => own("SELECT k, g, (SELECT max(b.i) FROM ({right}) b WHERE b.k = a.k) AS i, v FROM ({left}) a"),
        1 => own("SELECT k, g, i, v FROM ({left}) a WHERE a.v >= (SELECT avg(b.v) FROM ({right}) b)"),
    ]
    .boxed()
}

fn query() -> impl Strategy<Value = String> {
    leaf().prop_recursive(DEPTH, 8, 2, |inner| {
        prop_oneof![
            2 => inner.clone().prop_flat_map(over_one),
            1 => (inner.clone(), inner).prop_flat_map(|(left, right)| over_two(parenthesized(left), parenthesized(right))),
        ]
    })
}

/// As a query that can stand on either side of a set operation.
fn parenthesized(query: String) -> String {
    format!("SELECT k, g, i, v FROM ({query}) p")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10 * cases(), max_shrink_iters: 4096, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_equals_batch(
        first in query(),
        second in query(),
        ticks in history_with_table(),
        batch in 1_usize..5,
        threads in 1_usize..3,
    ) {
        let mut world = World::new(threads);
        world.try_view(&first)?;
        let half = ticks.len() / 2;
        for (number, tick) in ticks.iter().enumerate() {
            if number == half {
                world.try_view(&second)?;
            }
            world.tick(tick, batch);
            for id in world.flow.outdated() {
                world.rebuild(id);
            }
            world.check(&format!("after tick {number}"));
        }
    }
}

/// What the property above says is worth as much as the plans it tries.
#[test]
fn most_random_plans_can_be_kept() {
    let world = World::new(1);
    let mut runner = TestRunner::deterministic();
    let mut refusals = Vec::new();
    for _ in 0..400 {
        let sql = query().new_tree(&mut runner).unwrap().current();
        if let Err(refusal) = world.plan(world.catalog.next_id(), "tried", &sql) {
            refusals.push(format!("{sql}: {refusal}"));
        }
    }
    assert!(refusals.len() < 20, "{} of 400 are refused:\n{}", refusals.len(), refusals.join("\n\n"));
}

impl World {
    /// Adds a view unless its query is refused, which must be for a reason that a user can act on.
    fn try_view(&mut self, sql: &str) -> Result<(), TestCaseError> {
        match self.plan(self.catalog.next_id(), "tried", sql) {
            Ok(_) => drop(self.add_view(sql)),
            Err(refusal) => {
                let is_defect = ["nvariant", "nternal", "defect", "bug"].iter().any(|word| refusal.contains(word));
                prop_assert!(!is_defect, "{sql}: {refusal}");
            }
        }
        Ok(())
    }
}
