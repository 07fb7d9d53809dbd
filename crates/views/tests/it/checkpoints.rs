//! Saved and restored state: at any tick, restored state goes on exactly as if nothing had happened.

use std::collections::HashMap;
use std::fs;

use highwater_views::{Checkpoints, Dataflow};
use proptest::prelude::*;

use crate::history::{Event, history_with_table};
use crate::world::{KEYED, TABLE, World, schema};

const QUERIES: &[&str] = &[
    "SELECT g, count(*) AS n, sum(i) AS s, min(f) AS a, max(f) AS z, sum(f) AS t FROM s GROUP BY g",
    "SELECT g, count(*) AS n, sum(f) AS s, min(i) AS a, max(g) AS z, count(DISTINCT i) AS d FROM k GROUP BY g",
    "SELECT DISTINCT g, b FROM k",
    "SELECT k, i FROM s WHERE i > 0",
    "SELECT count(*) AS n FROM k",
    "SELECT g, first_value(i ORDER BY v, k) AS a, last_value(i ORDER BY v, k) AS z FROM k GROUP BY g",
    "SELECT g, avg(f) AS a, stddev(i) AS d FROM k WHERE i BETWEEN -5 AND 5 GROUP BY g",
    "SELECT a.k, a.g, b.i FROM k a LEFT JOIN s b ON a.g = b.g AND a.i < b.i",
    "SELECT k.k, t.k AS other, t.i FROM k FULL JOIN t ON k.g = t.g AND t.b",
    "SELECT k, v FROM k WHERE to_timestamp_micros(v * 1000000) BETWEEN now() - INTERVAL '2 seconds' AND now()",
    "SELECT k, i, v FROM k ORDER BY i DESC NULLS LAST, k, v LIMIT 3",
    "SELECT k, g, rn FROM (SELECT k, g, row_number() OVER (PARTITION BY g ORDER BY i, k, v) AS rn FROM s) x WHERE rn <= 2",
    "SELECT k, v, lag(v) OVER (PARTITION BY g ORDER BY v, k) AS p FROM k",
    "SELECT o.k, o.g FROM k o WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.g = o.g)",
    "SELECT a.k, b.n FROM k a CROSS JOIN (SELECT count(*) AS n, max(v) AS m FROM s) b WHERE a.v < b.m",
];

/// A new world that holds what was saved and remembers what happened.
pub fn restored(before: &World, folder: &std::path::Path) -> World {
    let (_, restored) = Checkpoints::open(folder).unwrap();
    assert_eq!(restored.problems, Vec::<String>::new());
    let mut objects: HashMap<_, _> = restored.objects.into_iter().collect();
    let mut world = World::new(2);
    world.flow = Dataflow::new(2).unwrap();
    for id in [KEYED, TABLE] {
        world.flow.restore_keyed(id, &schema(id), id == TABLE, objects.remove(&id).unwrap()).unwrap();
    }
    world.flow.restore_offsets(restored.offsets, restored.times, 1);
    world.catalog = before.catalog.clone();
    world.retains.clone_from(&before.retains);
    for (id, sql) in &before.views {
        let plan = world.plan(*id, "v", sql).unwrap();
        world.flow.restore_view(plan, objects.remove(id).unwrap()).unwrap();
    }
    world.views.clone_from(&before.views);
    world.past.clone_from(&before.past);
    world.now = before.now;
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn restored_state_goes_on(ticks in history_with_table(), restart in prop::collection::vec(any::<bool>(), 6)) {
        let folder = tempfile::tempdir().unwrap();
        let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
        let mut world = World::new(1);
        QUERIES.iter().for_each(|query| { world.add_view(query); });
        for (number, tick) in ticks.iter().enumerate() {
            world.now += 700_000;
            world.tick(tick, 3);
            checkpoints.write(&world.flow.save(number == 0).unwrap()).unwrap();
            if restart[number] {
                world = restored(&world, folder.path());
            }
            world.check(&format!("after tick {number}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// A checkpoint gathered while ticks go on holds the version at which it was completed.
    #[test]
    fn a_checkpoint_may_take_many_ticks(ticks in history_with_table(), complete in prop::collection::vec(any::<bool>(), 6)) {
        let folder = tempfile::tempdir().unwrap();
        let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
        let mut world = World::new(1);
        QUERIES.iter().for_each(|query| { world.add_view(query); });
        let mut saving = world.flow.begin_save(true).unwrap();
        let mut spool = checkpoints.spool().unwrap();
        for (number, tick) in ticks.iter().enumerate() {
            world.now += 700_000;
            world.tick(tick, 3);
            world.flow.save_some(&mut saving, 1 + number * 5_000).unwrap();
            if number % 2 == 1 {
                saving.take().iter().for_each(|object| spool.add(object).unwrap());
            }
            if complete[number] {
                checkpoints.finish(Ok(spool), &world.flow.finish_save(saving).unwrap()).unwrap();
                world = restored(&world, folder.path());
                saving = world.flow.begin_save(number % 2 == 0).unwrap();
                spool = checkpoints.spool().unwrap();
            }
            world.check(&format!("after tick {number}"));
        }
    }
}

/// A process that ends again and again leaves no endless row of deltas for the next to read.
#[test]
fn deltas_are_counted_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(1);
    world.add_view(QUERIES[0]);
    for start in 0..500 {
        let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
        assert_eq!(checkpoints.wants_full(), start % 201 == 0, "start {start}");
        checkpoints.write(&world.flow.save(checkpoints.wants_full()).unwrap()).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 500 - 402);
}

#[test]
fn a_damaged_byte_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
    let mut world = World::new(1);
    world.add_view(QUERIES[0]);
    checkpoints.write(&world.flow.save(true).unwrap()).unwrap();
    let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let sound = fs::read(&file).unwrap();
    for position in (0..sound.len()).step_by(11) {
        let mut damaged = sound.clone();
        damaged[position] ^= 0x10;
        fs::write(&file, damaged).unwrap();
        let (_, restored) = Checkpoints::open(folder.path()).unwrap();
        assert_eq!(restored.problems.len(), 1, "byte {position}");
        assert!(restored.objects.is_empty());
    }
    for length in (0..sound.len()).step_by(13) {
        fs::write(&file, &sound[..length]).unwrap();
        assert_eq!(Checkpoints::open(folder.path()).unwrap().1.problems.len(), 1, "cut at {length}");
    }
}

#[test]
fn a_group_in_the_place_of_one_that_a_restored_delta_let_go_is_let_go_too() {
    let event =
        |k: i64, g: Option<&str>| Event { k, g: g.map(str::to_owned), i: None, f: None, b: None, v: 0, deleted: None };
    let folder = tempfile::tempdir().unwrap();
    let (mut checkpoints, _) = Checkpoints::open(folder.path()).unwrap();
    let mut world = World::new(1);
    world.add_view("SELECT g, count(*) AS n FROM k GROUP BY g");
    world.add_view("SELECT DISTINCT g FROM k");
    let tick = |world: &mut World, events: Vec<Event>| world.tick(&HashMap::from([(KEYED, events)]), 100);
    // Enough groups that all shards have some, before and after.
    tick(&mut world, (0..64).map(|k| event(k, Some(&format!("group {k}")))).collect());
    checkpoints.write(&world.flow.save(true).unwrap()).unwrap();
    let mut world = restored(&world, folder.path());
    tick(&mut world, (0..64).map(|k| event(k, None)).collect());
    checkpoints.write(&world.flow.save(false).unwrap()).unwrap();
    let mut world = restored(&world, folder.path());
    world.check("as it was saved");
    tick(&mut world, (0..64).map(|k| event(k, Some(&format!("other {k}")))).collect());
    world.check("other groups");
    tick(&mut world, (0..64).map(|k| event(k, None)).collect());
    world.check("none of them");
}
