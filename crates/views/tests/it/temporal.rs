//! Filters by the clock: rows enter and leave when their time comes, with and without events; at every moment live = batch
//! with that moment as `now()`.

use proptest::prelude::*;

use crate::history::history;
use crate::properties::cases;
use crate::world::World;

/// `v`, 0 to 4, is taken as seconds since 1970.
const TIMED: &[&str] = &[
    "SELECT k, g, v FROM {} WHERE to_timestamp_micros(v * 1000000) > now() - INTERVAL '2 seconds'",
    "SELECT g, count(*) AS n, max(i) AS m FROM {} WHERE to_timestamp_micros(v * 1000000) >= now() - INTERVAL '1 second' GROUP BY g",
    "SELECT k, v FROM {} WHERE to_timestamp_micros(v * 1000000) <= now() AND b",
    "SELECT k, v FROM {} WHERE to_timestamp_micros(v * 1000000) < now() + INTERVAL '1 second' AND now() < to_timestamp_micros(v * 1000000) + INTERVAL '3 seconds'",
    "SELECT k, v FROM {} WHERE to_timestamp_micros(v * 1000000) BETWEEN now() - INTERVAL '2 seconds' AND now() - INTERVAL '1 second'",
    "SELECT x.k, y.g FROM {} x JOIN s y ON x.k = y.k WHERE to_timestamp_micros(y.v * 1000000) > now() - INTERVAL '1 second'",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn rows_enter_and_leave_in_time(
        ticks in history(),
        steps in prop::collection::vec(prop_oneof![Just(0_i64), Just(1), Just(500_000), Just(1_000_000)], 6),
        late in 0_usize..4,
    ) {
        let over = ["s", "k"].iter().flat_map(|name| TIMED.iter().map(move |query| query.replace("{}", name)));
        let queries: Vec<String> = over.collect();
        let mut world = World::new(2);
        for query in queries.iter().step_by(2) {
            world.add_view(query);
        }
        for (number, tick) in ticks.iter().enumerate() {
            world.now += steps[number];
            if number == late {
                queries.iter().skip(1).step_by(2).for_each(|query| { world.add_view(query); });
            }
            world.tick(tick, 3);
            world.check(&format!("after tick {number}"));
            world.let_time_pass(700_000, &format!("after tick {number}"));
        }
    }
}

#[test]
fn conditions_that_cannot_be_kept_are_refused() {
    let world = World::new(1);
    let refusal = |condition: &str| {
        let sql = format!("SELECT k FROM s WHERE {condition}");
        world.plan(world.catalog.next_id(), "v", &sql).map(|_| ()).expect_err(condition)
    };
    for condition in [
        "to_timestamp_micros(v) > now() - INTERVAL '1 month'",
        "to_timestamp_micros(v) = now()",
        "b OR to_timestamp_micros(v) > now()",
        "date_part('hour', now()) > v",
    ] {
        let said = refusal(condition);
        assert!(said.contains("now()") || said.contains("clock"), "{condition}: {said}");
    }
}
