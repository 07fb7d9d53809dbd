//! Views that retain: at every moment live = batch with the filter by the clock, through checkpoints too; what left is freed
//! and what comes for it later is dropped and counted.

use std::collections::HashMap;

use highwater_model::ObjectId;
use highwater_views::Checkpoints;
use proptest::prelude::*;

use crate::checkpoints::restored;
use crate::history::{Event, history};
use crate::properties::cases;
use crate::world::{STREAM, World};

/// `v`, 0 to 4, is taken as seconds since 1970; `at` is the column by which rows leave.
const RETAINED: &[&str] = &[
    "SELECT to_timestamp_micros(v * 1000000) AS at, g, count(*) AS n, sum(i) AS s, max(f) AS m FROM {} GROUP BY 1, g",
    "SELECT DISTINCT b, to_timestamp_micros(v * 1000000) AS at FROM {}",
    "SELECT g, date_bin(INTERVAL '2 seconds', to_timestamp_micros(v * 1000000)) AS at, min(i) AS a, count(DISTINCT k) AS d \
     FROM {} GROUP BY 1, 2 HAVING count(*) > 1",
    "SELECT k, g, to_timestamp_micros(v * 1000000) AS at FROM {} WHERE i > 0",
    "SELECT at, count(*) AS groups, sum(n) AS n FROM \
     (SELECT to_timestamp_micros(v * 1000000) AS at, g, count(*) AS n FROM {} GROUP BY 1, 2) x GROUP BY at",
    "SELECT CASE WHEN b THEN to_timestamp_micros(v * 1000000) END AS at, array_agg(k) AS k FROM {} GROUP BY 1",
    "SELECT at, n FROM (SELECT to_timestamp_micros(v * 1000000) AS at, count(*) AS n FROM {} GROUP BY 1) x \
     UNION ALL SELECT to_timestamp_micros(v * 1000000) AS at, k AS n FROM {}",
    "SELECT window_start, window_end AS at, sum(i) AS s FROM \
     (SELECT *, date_bin(INTERVAL '1 second', to_timestamp_micros(v * 1000000)) AS window_start, \
     date_bin(INTERVAL '1 second', to_timestamp_micros(v * 1000000)) + INTERVAL '1 second' AS window_end FROM {}) x \
     GROUP BY window_start, window_end",
    "WITH e AS (SELECT *, to_timestamp_micros(v * 1000000) AS ts FROM {}) SELECT window_end AS at, sum(f) AS s, count(*) AS n \
     FROM HOP(e, ts, INTERVAL '2 seconds', INTERVAL '4 seconds') GROUP BY window_end",
    "SELECT t.g, to_timestamp_micros(x.v * 1000000) AS at, count(*) AS n FROM HISTORY({}) x JOIN t ON x.k = t.k GROUP BY 1, 2",
];

fn queries() -> Vec<String> {
    let over = |name: &str| RETAINED.iter().map(|query| query.replace("{}", name)).collect::<Vec<_>>();
    [over("s"), over("k")].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn rows_leave_and_never_come_back(
        ticks in history(),
        steps in prop::collection::vec(prop_oneof![Just(0_i64), Just(1), Just(500_000), Just(1_000_000)], 6),
        late in 0_usize..4,
        retain in prop_oneof![Just(1_i64), Just(1_000_000), Just(2_500_000)],
    ) {
        let mut world = World::new(2);
        let queries = queries();
        for query in queries.iter().step_by(2) {
            world.add_view_retaining(query, retain, "at");
        }
        for (number, tick) in ticks.iter().enumerate() {
            world.now += steps[number];
            if number == late {
                queries.iter().skip(1).step_by(2).for_each(|query| { world.add_view_retaining(query, retain, "at"); });
            }
            world.tick(tick, 3);
            world.check(&format!("after tick {number}"));
            world.let_time_pass(700_000, &format!("after tick {number}"));
        }
    }

    #[test]
    fn restored_views_go_on_leaving(
        ticks in history(),
        restart in prop::collection::vec(any::<bool>(), 6),
        in_parts in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
        let mut world = World::new(1);
        // What looks up would be built anew.
        for query in queries().iter().filter(|query| !query.contains("JOIN")) {
            world.add_view_retaining(query, 1_200_000, "at");
        }
        let mut saving = world.flow.begin_save(true).unwrap();
        for (number, tick) in ticks.iter().enumerate() {
            world.now += 700_000;
            world.tick(tick, 3);
            if in_parts {
                world.flow.save_some(&mut saving, 1 + number * 5_000).unwrap();
            }
            if restart[number] {
                checkpoints.write(&world.flow.finish_save(saving).unwrap()).unwrap();
                world = restored(&world, folder.path());
                saving = world.flow.begin_save(number % 2 == 0).unwrap();
            }
            world.check(&format!("after tick {number}"));
        }
    }
}

fn event(k: i64, v: i64) -> Event {
    Event { k, g: Some(format!("group {k}")), i: Some(1), f: None, b: None, v, deleted: None }
}

fn figures(world: &World, id: ObjectId) -> (usize, usize, Option<u64>) {
    let figures = world.flow.figures().remove(&id).unwrap();
    (figures.rows, figures.operators.iter().map(|operator| operator.rows).sum::<usize>() - figures.rows, figures.late)
}

#[test]
fn what_left_is_freed_and_what_comes_later_is_dropped_and_counted() {
    let mut world = World::new(1);
    let per_second = "SELECT to_timestamp_micros(v * 1000000) AS at, k, g, count(*) AS n FROM s GROUP BY 1, 2, 3";
    let id = world.add_view_retaining(per_second, 2_000_000, "at");
    let tick = |world: &mut World, events: Vec<Event>| world.tick(&HashMap::from([(STREAM, events)]), 10_000);
    let mut bytes = Vec::new();
    for second in 0..30 {
        world.now = second * 1_000_000;
        tick(&mut world, (0..500).map(|k| event(k, second)).collect());
        world.check("while seconds pass");
        drop(world.flow.save(second == 0).unwrap());
        bytes.push(world.flow.bytes());
    }
    // Two seconds are kept, however many there were.
    assert_eq!(figures(&world, id), (1_000, 1_000, Some(0)));
    assert!(bytes[29] <= bytes[4] * 5 / 4, "{bytes:?}");
    tick(&mut world, vec![event(1, 0), event(2, 27), event(3, 28), event(4, 29)]);
    world.check("late events");
    assert_eq!(figures(&world, id), (1_000, 1_000, Some(2)));
    world.now = 60_000_000;
    tick(&mut world, Vec::new());
    assert_eq!(figures(&world, id), (0, 0, Some(2)));
    assert_eq!(world.flow.due_micros(), None);
    // A clock that is set back brings nothing back, not even in part.
    world.now = 29_000_000;
    tick(&mut world, vec![event(1, 29)]);
    assert_eq!(figures(&world, id), (0, 0, Some(3)));
}

#[test]
fn what_reads_a_view_that_retains_sees_its_rows_leave() {
    let mut world = World::new(1);
    let per_second = "SELECT to_timestamp_micros(v * 1000000) AS at, count(*) AS n FROM s GROUP BY 1";
    let id = world.add_view_retaining(per_second, 2_000_000, "at");
    let name = world.catalog.get(id).unwrap().name.name.clone();
    world.add_view(&format!("SELECT sum(n) AS n, count(*) AS seconds FROM {name}"));
    for second in 0..6 {
        world.now = second * 1_000_000;
        world.tick(&HashMap::from([(STREAM, vec![event(1, second), event(2, second)])]), 10);
        world.check("while seconds pass");
    }
    world.now = 60_000_000;
    world.tick(&HashMap::new(), 10);
    world.check("all gone");
}

#[test]
fn views_without_a_time_to_leave_by_are_refused() {
    let mut world = World::new(1);
    let mut refusal = |sql: &str, by: Option<&str>| {
        let id = world.catalog.next_id();
        world.retains.insert(id, highwater_sql::Retain { micros: 1, by: by.map(str::to_owned) });
        world.plan(id, "v", sql).map(|_| ()).expect_err(sql)
    };
    let at = "to_timestamp_micros(v) AS at";
    for (sql, by, said) in [
        ("SELECT g, count(*) AS n FROM s GROUP BY g".to_owned(), None, "no column of the view is a time"),
        (
            "SELECT g, max(to_timestamp_micros(v)) AS last FROM s GROUP BY g".to_owned(),
            None,
            "is no column that the rows are grouped by",
        ),
        (format!("SELECT {at}, to_timestamp_micros(i) AS b FROM s"), None, "any of the columns at, b"),
        (format!("SELECT {at}, k FROM s"), Some("k"), "no column \"k\" that is a time"),
        (format!("SELECT {at}, k FROM s"), Some("x"), "no column \"x\" that is a time"),
        (format!("SELECT {at}, k FROM s ORDER BY v LIMIT 3"), None, "would not leave with the rows"),
        (
            "SELECT to_timestamp_micros(x.v) AS at, y.g FROM s x JOIN k y ON x.k = y.k".to_owned(),
            None,
            "would not leave with the rows",
        ),
        (
            "SELECT to_timestamp_micros(x.v) AS at, count(*) AS n FROM s x JOIN k y ON x.k = y.k GROUP BY 1".to_owned(),
            None,
            "would not leave with the rows",
        ),
        (
            "SELECT to_timestamp_micros(v + 1) AS at, n FROM (SELECT v, count(*) AS n FROM s GROUP BY v) x".to_owned(),
            None,
            "computed from the groups",
        ),
    ] {
        let refused = refusal(&sql, by);
        assert!(refused.contains(said), "{sql}: {refused}");
    }
}
