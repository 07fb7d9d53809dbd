//! Runs one history of inserts and retractions through an aggregate in several ways that must all give the same:
//! at once, in pieces with row selections, split over two aggregates and merged, restored from its encoded state.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array};
use highwater_model::Weights;
use proptest::prelude::*;

use crate::{Aggregate, AggregateSpec, Input};

/// Number of groups in a history.
pub(super) const SLOTS: u32 = 4;

/// Side tables (carries, special values) keep their capacity when emptied.
const SIDE_TABLES: usize = 512;

/// Some copies of a row of the pools, added to or removed from a group.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) slot: u32,
    /// For each argument, which value of its pool (modulo its length).
    pub(super) picks: [u32; 2],
    pub(super) weight: i64,
}

/// Valid histories in any order: removals may come before what they remove.
pub(super) fn histories(append_only: bool) -> BoxedStrategy<Vec<Event>> {
    let insert = (0..SLOTS, any::<[u8; 2]>(), prop_oneof![6 => Just(1_i64), 1 => 2..4_i64], any::<bool>());
    proptest::collection::vec(insert, 0..40)
        .prop_map(move |inserts| {
            let mut events = Vec::new();
            for (slot, picks, weight, removed) in inserts {
                let picks = picks.map(u32::from);
                let weight = if append_only { 1 } else { weight };
                events.push(Event { slot, picks, weight });
                if removed && !append_only {
                    events.push(Event { slot, picks, weight: -weight });
                }
            }
            events
        })
        .prop_shuffle()
        .boxed()
}

/// The argument columns of events.
pub(super) fn columns(pools: &[ArrayRef], events: &[Event]) -> Vec<ArrayRef> {
    let columns = pools.iter().enumerate().map(|(arg, pool)| {
        let picks: UInt32Array = events.iter().map(|event| Some(event.picks[arg] % pool.len() as u32)).collect();
        arrow_select::take::take(pool, &picks, None).unwrap()
    });
    columns.collect()
}

fn weights(events: &[Event]) -> Weights {
    if events.iter().all(|event| event.weight == 1) {
        Weights::AllPlusOne
    } else {
        Weights::Each(events.iter().map(|event| event.weight).collect())
    }
}

fn fresh(spec: &AggregateSpec) -> Box<dyn Aggregate> {
    let mut aggregate = spec.build().unwrap();
    aggregate.grow(SLOTS as usize);
    aggregate
}

/// Everything in one update.
pub(super) fn at_once(spec: &AggregateSpec, pools: &[ArrayRef], events: &[Event]) -> Box<dyn Aggregate> {
    let mut aggregate = fresh(spec);
    let slots: Vec<u32> = events.iter().map(|event| event.slot).collect();
    let input = Input { rows: None, slots: &slots, weights: &weights(events) };
    aggregate.update(&columns(pools, events), input).unwrap();
    aggregate
}

/// One update for every `size` rows, chosen by selection.
fn in_pieces(spec: &AggregateSpec, pools: &[ArrayRef], events: &[Event], size: usize) -> Box<dyn Aggregate> {
    let mut aggregate = fresh(spec);
    let (args, weights) = (columns(pools, events), weights(events));
    let rows: Vec<u32> = (0..events.len() as u32).rev().collect();
    for rows in rows.chunks(size) {
        let slots: Vec<u32> = rows.iter().map(|row| events[*row as usize].slot).collect();
        aggregate.update(&args, Input { rows: Some(rows), slots: &slots, weights: &weights }).unwrap();
    }
    aggregate
}

/// All slots.
pub(super) fn all() -> Vec<u32> {
    (0..SLOTS).collect()
}

/// Runs the history in every way, checks that they agree and gives the result for all slots.
pub(super) fn run(spec: &AggregateSpec, pools: &[ArrayRef], events: &[Event], size: usize) -> ArrayRef {
    let whole = at_once(spec, pools, events);
    let result = whole.finish(&all()).unwrap();
    assert_eq!(result.data_type(), &spec.result_type().unwrap());
    let same = |aggregate: &dyn Aggregate, how: &str| {
        assert_eq!(&aggregate.finish(&all()).unwrap(), &result, "{how} differs for {spec:?}");
    };
    same(in_pieces(spec, pools, events, size).as_ref(), "in pieces");

    let (one, two) = events.split_at(events.len() / 2);
    let (mut one, mut two) = (at_once(spec, pools, one), at_once(spec, pools, two));
    let states = two.encode(&all()).unwrap();
    assert_eq!(states.data_type(), &spec.state_type());
    one.merge(&states, &all()).unwrap();
    same(one.as_ref(), "merged");

    // Restored into other slots of a used aggregate, from a slice of a larger array.
    let reversed: Vec<u32> = all().into_iter().rev().collect();
    two.clear(&all());
    let twice: Vec<u32> = all().into_iter().chain(all()).collect();
    let states = whole.encode(&twice).unwrap().slice(SLOTS as usize, SLOTS as usize);
    two.merge(&states, &reversed).unwrap();
    assert_eq!(&two.finish(&reversed).unwrap(), &result, "restored differs for {spec:?}");
    assert_eq!(&two.encode(&reversed).unwrap(), &whole.encode(&all()).unwrap(), "state differs for {spec:?}");

    // Nothing stays accounted for when all groups are gone.
    two.clear(&all());
    let empty = fresh(spec);
    assert_eq!(&two.finish(&all()).unwrap(), &empty.finish(&all()).unwrap(), "cleared differs for {spec:?}");
    assert!(two.bytes() <= empty.bytes() + SIDE_TABLES, "{} bytes left of {spec:?}", two.bytes());
    result
}

/// A shared array.
pub(super) fn array(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}
