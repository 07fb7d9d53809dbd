//! Estimates of the number of different values: exact while they are few, near when they are many, the same whatever the
//! order and the merges.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StringArray};
use highwater_model::Weights;
use proptest::prelude::*;

use super::harness::{array, histories, run};
use super::oracle;
use super::properties::pools;
use crate::{Aggregate, AggregateKind, AggregateSpec, Input};

fn spec(pool: &ArrayRef) -> AggregateSpec {
    AggregateSpec {
        append_only: true,
        ..AggregateSpec::new(AggregateKind::ApproxDistinct, vec![pool.data_type().clone()])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn few_values_are_counted_exactly(events in histories(true), size in 1..20_usize) {
        for pool in pools() {
            let pools = std::slice::from_ref(&pool);
            let count = AggregateSpec { distinct: true, ..AggregateSpec::new(AggregateKind::Count, spec(&pool).arg_types) };
            prop_assert_eq!(&run(&spec(&pool), pools, &events, size), &oracle::discrete(&count, pools, &events));
        }
    }
}

fn of(values: &ArrayRef) -> Box<dyn Aggregate> {
    let mut aggregate = spec(values).build().unwrap();
    aggregate.grow(1);
    // In pieces, as they come.
    for start in (0..values.len()).step_by(1000) {
        let piece = values.slice(start, 1000.min(values.len() - start));
        let slots = vec![0; piece.len()];
        aggregate.update(&[piece], Input { rows: None, slots: &slots, weights: &Weights::AllPlusOne }).unwrap();
    }
    aggregate
}

fn count(aggregate: &dyn Aggregate) -> i64 {
    aggregate.finish(&[0]).unwrap().as_primitive::<Int64Type>().value(0)
}

fn numbers(range: std::ops::Range<i64>) -> ArrayRef {
    array(range.map(|number| number * 10).collect::<Int64Array>())
}

fn texts(range: std::ops::Range<i64>) -> ArrayRef {
    array(range.map(|number| Some(format!("customer {number}"))).collect::<StringArray>())
}

#[test]
fn many_values_are_counted_within_three_percent() {
    for values in [numbers, texts] {
        for many in [100, 512, 513, 2000, 20_000, 200_000, 1_000_000] {
            let found = count(of(&values(0..many)).as_ref());
            let error = (found - many).abs() as f64 / many as f64;
            assert!(if many <= 512 { found == many } else { error < 0.03 }, "{found} for {many}");
        }
    }
}

#[test]
fn order_repetition_and_merging_change_nothing() {
    for many in [300, 500, 700, 5000] {
        let whole = of(&texts(0..many));
        let states = whole.encode(&[0]).unwrap();
        let reversed: Vec<String> = (0..many).rev().chain(0..many / 2).map(|n| format!("customer {n}")).collect();
        assert_eq!(&of(&array(StringArray::from(reversed))).encode(&[0]).unwrap(), &states);
        for at in [0, 100, many / 2, many - 100, many] {
            let (mut one, two) = (of(&texts(0..at + 50.min(many - at))), of(&texts(at..many)));
            one.merge(&two.encode(&[0]).unwrap(), &[0]).unwrap();
            assert_eq!(&one.encode(&[0]).unwrap(), &states, "{at} of {many}");
        }
    }
}

#[test]
fn small_groups_are_small() {
    let mut aggregate = spec(&numbers(0..1)).build().unwrap();
    aggregate.grow(10_000);
    let slots: Vec<u32> = (0..30_000).map(|row| row % 10_000).collect();
    let input = Input { rows: None, slots: &slots, weights: &Weights::AllPlusOne };
    aggregate.update(&[numbers(0..30_000)], input).unwrap();
    assert!(aggregate.bytes() < 10_000 * 100, "{} bytes", aggregate.bytes());
    assert!(of(&numbers(0..1_000_000)).bytes() < 20_000);
}

/// Encoded states hold hashes, so hashes must stay what they are.
#[test]
fn hashes_are_those_of_every_version() {
    let hash = |values: ArrayRef| {
        let states = of(&values).encode(&[0]).unwrap();
        u64::from_le_bytes(states.as_binary::<i64>().value(0).try_into().unwrap())
    };
    assert_eq!(hash(array(Int64Array::from(vec![42]))), 0xfb5a_bfe9_d089_50ea);
    assert_eq!(hash(array(StringArray::from(vec!["a text of more than eight bytes"]))), 0xc577_20f5_fcbf_5dbd);
}
