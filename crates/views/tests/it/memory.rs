//! Bytes accounted against bytes allocated: what every kind of operator, store and index says it holds must be near what a
//! counting allocator has given it.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use highwater_model::{EventBatch, ObjectId, ObjectName, PartitionId};
use highwater_sql::Retain;
use highwater_views::{RankColumn, RankSpec};

use crate::world::{KEYED, STREAM, TABLE, World, schema};

/// The system's allocator, counting for each thread the bytes that were asked for and not given back.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends has no cell any more.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Rows of a tick, and ticks.
const ROWS: i64 = 2_000;
const TICKS: i64 = 20;

/// Keys that come once each (`spread` 1) or several times; numbers and texts that differ.
fn batch(id: ObjectId, tick: i64, spread: i64) -> EventBatch {
    let rows = tick * ROWS..(tick + 1) * ROWS;
    let key = |n: i64| n * 7_919 % (ROWS * TICKS / spread);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(rows.clone().map(|n| Some(key(n))).collect::<Int64Array>()),
        Arc::new(rows.clone().map(|n| Some(format!("the group of number {}", key(n)))).collect::<StringArray>()),
        Arc::new(rows.clone().map(|n| Some(n * 31 % 10_007)).collect::<Int64Array>()),
        Arc::new(rows.clone().map(|n| Some(n as f64 * 1.25)).collect::<Float64Array>()),
        Arc::new(rows.clone().map(|n| Some(n % 3 == 0)).collect::<BooleanArray>()),
        Arc::new(rows.clone().map(Some).collect::<Int64Array>()),
    ];
    if id == TABLE {
        columns.push(Arc::new(rows.map(|_| Some(false)).collect::<BooleanArray>()));
    }
    let base_offset = tick.cast_unsigned() * ROWS.cast_unsigned();
    let rows = RecordBatch::try_new(schema(id).arrow(), columns).unwrap();
    EventBatch { partition: PartitionId(0), base_offset, ingested_at_micros: 7, rows }
}

/// Fills a world with one view and compares, after the last tick and again when all of it was saved and read.
fn compare(view: Option<&str>, inputs: &[ObjectId], spread: i64) {
    compare_in(World::new(1), view, inputs, spread);
}

fn compare_in(mut world: World, view: Option<&str>, inputs: &[ObjectId], spread: i64) {
    if inputs.contains(&TABLE) && view.is_some() {
        for tick in 0..TICKS {
            world.flow.tick(HashMap::from([(TABLE, vec![batch(TABLE, tick, 1)])])).unwrap();
        }
    }
    let id = world.catalog.next_id();
    // Planning leaves things behind that belong to no view.
    let plan = view.map(|sql| world.plan(id, "v", sql).unwrap_or_else(|error| panic!("{sql}: {error}")));
    let before = (HELD.get(), world.flow.bytes());
    if let Some(plan) = plan {
        let mut build = world.flow.begin(plan).unwrap();
        build.feed_snapshots().unwrap();
        world.flow.finish(build).unwrap();
    }
    for tick in 0..TICKS {
        let events = inputs.iter().filter(|id| **id != TABLE || view.is_none());
        let events = events.map(|id| (*id, vec![batch(*id, tick, spread)])).collect();
        let report = world.flow.tick(events).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }
    let check = |world: &World, when: &str| {
        let allocated = (HELD.get() - before.0) as f64;
        let accounted = world.flow.bytes() as f64 - before.1 as f64;
        let listed: usize = world.flow.figures().values().map(|figures| figures.bytes).sum();
        assert_eq!(listed, world.flow.bytes(), "{view:?} {when}");
        let ratio = accounted / allocated;
        println!("{ratio:.2}  {accounted:>12} of {allocated:>12}  {} {when}", view.unwrap_or("no view"));
        assert!((0.8..=1.25).contains(&ratio), "{view:?} {when}: {accounted} accounted, {allocated} allocated");
    };
    check(&world, "filled");
    drop(world.flow.save(true).unwrap());
    check(&world, "saved");
    if view.is_some() {
        let reader = world.flow.reader();
        drop(reader.read().store(id).unwrap().snapshot().to_batches().unwrap());
        check(&world, "read");
    }
}

#[test]
fn streams_and_tables() {
    compare(None, &[KEYED], 1);
    compare(None, &[KEYED], 4);
    compare(None, &[TABLE], 2);
}

#[test]
fn rows_and_groups() {
    for sql in [
        "SELECT k, g, i FROM s WHERE i >= 0",
        "SELECT k, count(*) AS n, sum(i) AS s, avg(f) AS a FROM s GROUP BY k",
        "SELECT g, min(i) AS a, max(f) AS b, max(g) AS c FROM s GROUP BY g",
        "SELECT g, k, stddev(i) AS a, var_pop(f) AS b, bool_or(b) AS c FROM s GROUP BY g, k",
        "SELECT DISTINCT g, b FROM s",
        "SELECT k % 500 AS m, count(DISTINCT f) AS d, mode(g) AS g, median(f) AS p FROM s GROUP BY k % 500",
        "SELECT k % 500 AS m, array_agg(g ORDER BY v) AS d, string_agg(g, ',') AS s FROM s GROUP BY k % 500",
        "SELECT k % 20 AS m, approx_distinct(g) AS d, histogram(f, 10) AS h, approx_median(f) AS p FROM s GROUP BY k % 20",
        "SELECT k % 2000 AS m, first_value(g ORDER BY v) AS d, any_value(f) AS h FROM s GROUP BY k % 2000",
    ] {
        compare(Some(sql), &[STREAM], 2);
    }
}

#[test]
fn ranked_indexes() {
    let (mut world, sql) = (World::new(1), "SELECT g, count(*) AS n, max(f) AS m FROM s GROUP BY g");
    let id = world.catalog.next_id();
    let plan = world.plan(id, "v", sql).unwrap();
    let before = (HELD.get(), world.flow.bytes());
    let mut build = world.flow.begin(plan).unwrap();
    build.feed_snapshots().unwrap();
    world.flow.finish(build).unwrap();
    let order = vec![RankColumn { column: 2, descending: true, nulls_first: false }];
    let name = ObjectName::new("public", "by_most");
    let spec = RankSpec { id: ObjectId(99), name, partition: Vec::new(), order };
    let mut index = world.flow.begin_index(id, spec).unwrap();
    index.fill(|_| {}).unwrap();
    assert!(world.flow.finish_index(index).unwrap());
    for tick in 0..TICKS {
        world.flow.tick(HashMap::from([(STREAM, vec![batch(STREAM, tick, 2)])])).unwrap();
    }
    let (allocated, accounted) = ((HELD.get() - before.0) as f64, world.flow.bytes() as f64 - before.1 as f64);
    println!("{:.2}  {accounted:>12} of {allocated:>12}  {sql}, ranked", accounted / allocated);
    assert!((0.8..=1.25).contains(&(accounted / allocated)), "{accounted} accounted, {allocated} allocated");
    let figures = world.flow.figures().remove(&id).unwrap();
    assert_eq!(figures.operators[1].operator, "ranked index public.by_most");
    assert_eq!(figures.operators[1].rows, figures.rows);
    assert_eq!(figures.operators.iter().map(|operator| operator.bytes).sum::<usize>(), figures.bytes);
}

#[test]
fn groups_that_leave() {
    for (sql, input) in [
        ("SELECT to_timestamp_micros(v) AS at, count(*) AS n FROM s GROUP BY 1", STREAM),
        ("SELECT to_timestamp_micros(v / 100) AS at, g, max(f) AS m FROM k GROUP BY 1, 2", KEYED),
    ] {
        let mut world = World::new(1);
        let retain = Retain { micros: 3_600_000_000, by: None };
        world.retains.insert(world.catalog.next_id(), retain);
        compare_in(world, Some(sql), &[input], 2);
    }
}

#[test]
fn groups_with_retractions() {
    for sql in [
        "SELECT g, count(*) AS n, sum(f) AS s, min(i) AS a, max(g) AS b FROM k GROUP BY g",
        "SELECT k % 300 AS m, count(DISTINCT i) AS d, mode(f) AS f, last_value(g ORDER BY v) AS l FROM k GROUP BY k % 300",
        "SELECT DISTINCT i FROM k",
    ] {
        compare(Some(sql), &[KEYED], 4);
    }
}

#[test]
fn joins_and_lookups() {
    compare(Some("SELECT x.k, x.g, y.v FROM s x JOIN k y ON x.k = y.k"), &[STREAM, KEYED], 4);
    compare(Some("SELECT x.k, y.g FROM s x LEFT JOIN k y ON x.g = y.g AND y.b"), &[STREAM, KEYED], 2);
    compare(Some("SELECT k FROM s WHERE EXISTS (SELECT 1 FROM k WHERE k.i = s.i)"), &[STREAM, KEYED], 2);
    compare(Some("SELECT t.g, count(*) AS n FROM s JOIN t ON s.k = t.k GROUP BY t.g"), &[STREAM, TABLE], 2);
}

#[test]
fn ordered_rows() {
    for (sql, inputs) in [
        ("SELECT k, g, i FROM k ORDER BY i DESC, k LIMIT 10", KEYED),
        ("SELECT k, g, i FROM s ORDER BY i DESC, k LIMIT 5000", STREAM),
        (
            "SELECT k, v, n FROM (SELECT k, v, row_number() OVER (PARTITION BY k % 3000 ORDER BY v) AS n FROM k) x WHERE n <= 3",
            KEYED,
        ),
        (
            "SELECT k, v FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM s) x WHERE n = 1",
            STREAM,
        ),
        ("SELECT k, v, lag(v) OVER (PARTITION BY k % 3000 ORDER BY v) AS p FROM s", STREAM),
        ("SELECT k, g FROM s WHERE to_timestamp_micros(v) > now() - INTERVAL '1 hour'", STREAM),
    ] {
        compare(Some(sql), &[inputs], 2);
    }
}
