//! Random histories: duplicates, disorder, updates, deletions, NULLs, extremes.

use std::collections::HashMap;

use highwater_model::ObjectId;
use proptest::prelude::*;

use crate::world::{KEYED, STREAM, TABLE};

/// One event of any of the three objects.
#[derive(Clone, Debug)]
pub struct Event {
    pub k: i64,
    pub g: Option<String>,
    pub i: Option<i64>,
    pub f: Option<f64>,
    pub b: Option<bool>,
    pub v: i64,
    pub deleted: Option<bool>,
}

/// What one tick brings.
pub type TickEvents = HashMap<ObjectId, Vec<Event>>;

fn number() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        6 => (-3_i64..4).prop_map(Some),
        1 => prop_oneof![Just(i64::MAX / 4), Just(i64::MIN / 4)].prop_map(Some),
    ]
}

fn float() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        1 => Just(None),
        5 => (-40_i32..40).prop_map(|x| Some(f64::from(x) / 10.0)),
        1 => prop_oneof![Just(1e300), Just(-1e300), Just(1e-300), Just(0.1), Just(-0.0)].prop_map(Some),
    ]
}

pub fn event() -> impl Strategy<Value = Event> {
    let group = prop_oneof![1 => Just(None), 5 => "[abc]".prop_map(Some)];
    let deleted = prop_oneof![3 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
    let boolean = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    (0_i64..6, group, number(), float(), boolean, 0_i64..5, deleted).prop_map(|(k, g, i, f, b, v, deleted)| Event {
        k,
        g,
        i,
        f,
        b,
        v,
        deleted,
    })
}

/// Some ticks; each object may get events in each.
pub fn history() -> impl Strategy<Value = Vec<TickEvents>> {
    let events = || prop::collection::vec(event(), 0..8);
    let tick = (events(), events()).prop_map(|(stream, keyed)| HashMap::from([(STREAM, stream), (KEYED, keyed)]));
    prop::collection::vec(tick, 1..6)
}

/// As [`history`], with writes to the table too.
pub fn history_with_table() -> impl Strategy<Value = Vec<TickEvents>> {
    let tables = prop::collection::vec(prop::collection::vec(event(), 0..6), 6);
    (history(), tables).prop_map(|(mut ticks, tables)| {
        ticks.iter_mut().zip(tables).for_each(|(tick, writes)| drop(tick.insert(TABLE, writes)));
        ticks
    })
}
