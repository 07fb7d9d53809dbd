//! Joins with what a relation was at a time of the row: random histories, accepted in no order, live after every tick =
//! batch over the same events = a loop over all messages.

use proptest::prelude::*;

use crate::history::{Event, history_with_table};
use crate::properties::cases;
use crate::world::{STREAM, TABLE, World};

const FIRST: &str = "SELECT s.k, s.i, t.g AS name FROM s LEFT JOIN t FOR SYSTEM_TIME AS OF s._ingested_at ON s.k = t.k";

const LOOKUPS: &[&str] = &[
    FIRST,
    "SELECT s.v, p.f FROM s JOIN t FOR SYSTEM_TIME AS OF s._ingested_at AS p ON s.k = p.k AND p.i > 0",
    "SELECT s.g AS sg, p.* FROM s JOIN t FOR SYSTEM_TIME AS OF s._ingested_at AS p ON s.g = p.g",
    "SELECT c.g, count(*) AS n, sum(s.i) AS i FROM s JOIN k FOR SYSTEM_TIME AS OF s._ingested_at AS c ON c.k = s.k GROUP BY c.g",
    "SELECT a.g AS a, c.* FROM s LEFT JOIN t FOR SYSTEM_TIME AS OF to_timestamp_micros(s.v * 3 + 9) AS a ON a.k = s.k \
     LEFT JOIN k FOR SYSTEM_TIME AS OF s._ingested_at AS c ON c.k = s.k AND c.v >= s.v",
    "SELECT x.k, x.n, t.g FROM (SELECT k, count(*) AS n, max(_ingested_at) AS last FROM s GROUP BY k) x \
     JOIN t FOR SYSTEM_TIME AS OF x.last ON t.k = x.k",
];

/// When an event was accepted: in no order at all, so that nothing depends on one.
fn accepted_at(event: &Event) -> i64 {
    10 + (event.v * 5 + event.i.unwrap_or(3) + 2 * event.k).rem_euclid(9)
}

/// What the first of them says, told by a loop.
fn told(world: &World) -> Vec<String> {
    let of = |id| world.past.get(&id).map(Vec::as_slice).unwrap_or_default();
    let text = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
    let line = |event: &Event| {
        // A later write has the higher offset.
        let mut writes =
            of(TABLE).iter().filter(|write| write.k == event.k && accepted_at(write) <= accepted_at(event));
        let current = writes.next_back().filter(|write| write.deleted != Some(true));
        format!(
            "{}|{}|{}",
            event.k,
            text(event.i.map(|i| i.to_string())),
            text(current.and_then(|write| write.g.clone()))
        )
    };
    let mut lines: Vec<String> = of(STREAM).iter().map(line).collect();
    lines.sort_unstable();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn what_was_is_what_was(ticks in history_with_table(), batch in 1_usize..5, late in 0_usize..4) {
        let mut world = World::new(1);
        world.accepted_at = accepted_at;
        let first = world.add_view(FIRST);
        LOOKUPS[1..].iter().step_by(2).for_each(|query| { world.add_view(query); });
        for (number, tick) in ticks.iter().enumerate() {
            if number == late {
                LOOKUPS[2..].iter().step_by(2).for_each(|query| { world.add_view(query); });
            }
            world.tick(tick, batch);
            world.check(&format!("after tick {number}"));
            prop_assert_eq!(world.live(first), told(&world));
        }
        prop_assert!(world.flow.outdated().is_empty(), "changes of the table build nothing anew");
    }
}

#[test]
fn the_spans_of_versions_are_not_seen() {
    let world = World::new(1);
    for sql in [
        "SELECT s.v AS a, t.* FROM s JOIN t FOR SYSTEM_TIME AS OF s._ingested_at ON s.k = t.k",
        "SELECT * FROM (SELECT v AS a FROM s) s JOIN t FOR SYSTEM_TIME AS OF to_timestamp_micros(s.a) ON s.a = t.k",
    ] {
        let plan = world.plan(world.catalog.next_id(), "v", sql).unwrap();
        let names: Vec<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["a", "k", "g", "i", "f", "b", "v"]);
    }
}
