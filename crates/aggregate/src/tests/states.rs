//! Damaged and foreign states are refused with an error, never with a panic or a wrong answer.

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, LargeBinaryArray, StringArray, StructArray,
    new_null_array,
};
use arrow_schema::{DataType, SortOptions};
use proptest::prelude::*;

use super::harness::{Event, all, array, at_once};
use crate::float::FloatSum;
use crate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, Constant};

fn specs() -> Vec<(AggregateSpec, Vec<ArrayRef>)> {
    let ints = array(Int64Array::from(vec![Some(1), None, Some(i64::MAX)]));
    let floats = array(Float64Array::from(vec![Some(1.5), None, Some(1e300), Some(f64::INFINITY)]));
    let texts = array(StringArray::from(vec![Some("a"), None]));
    let truths = array(BooleanArray::from(vec![Some(true), Some(false)]));
    let mut specs = Vec::new();
    for append_only in [false, true] {
        for (kind, distinct, pools) in [
            (AggregateKind::Count, false, vec![ints.clone()]),
            (AggregateKind::Count, true, vec![texts.clone()]),
            (AggregateKind::Sum, false, vec![ints.clone()]),
            (AggregateKind::Sum, true, vec![floats.clone()]),
            (AggregateKind::Sum, false, vec![floats.clone()]),
            (AggregateKind::StddevPop, false, vec![floats.clone()]),
            (AggregateKind::Min, false, vec![texts.clone()]),
            (AggregateKind::Max, false, vec![ints.clone()]),
            (AggregateKind::First, false, vec![texts.clone(), ints.clone()]),
            (AggregateKind::BoolOr, false, vec![truths.clone()]),
            (AggregateKind::AnyValue, false, vec![truths.clone()]),
            (AggregateKind::Mode, false, vec![texts.clone()]),
            (AggregateKind::ArrayAgg, true, vec![ints.clone(), texts.clone()]),
            (AggregateKind::StringAgg, false, vec![texts.clone()]),
            (AggregateKind::Median, true, vec![floats.clone()]),
            (AggregateKind::PercentileCont, false, vec![floats.clone()]),
            (AggregateKind::ApproxMedian, false, vec![floats.clone()]),
            (AggregateKind::Histogram, false, vec![floats.clone()]),
            (AggregateKind::ApproxDistinct, false, vec![texts.clone()]),
        ] {
            if kind == AggregateKind::ApproxDistinct && !append_only {
                continue;
            }
            let arg_types: Vec<DataType> = pools.iter().map(|pool| pool.data_type().clone()).collect();
            let order = vec![SortOptions::default(); arg_types.len() - 1];
            let constant = match kind {
                AggregateKind::StringAgg => Some(Constant::Text(", ".to_owned())),
                kind => kind.constant().map(|_| Constant::Number(0.25)),
            };
            specs.push((AggregateSpec { kind, arg_types, constant, distinct, order, append_only }, pools));
        }
    }
    specs
}

#[test]
fn states_of_another_type_or_number_are_refused() {
    for (spec, pools) in specs() {
        let events = [Event { slot: 1, picks: [0, 0], weight: 1 }];
        let mut aggregate = at_once(&spec, &pools, &events);
        let states = aggregate.encode(&all()).unwrap();
        let foreign = array(StringArray::from(vec!["x"; 4]));
        assert!(matches!(aggregate.merge(&foreign, &all()), Err(AggregateError::BadState(_))), "{spec:?}");
        assert!(matches!(aggregate.merge(&states, &[0]), Err(AggregateError::BadState(_))), "{spec:?}");
        assert!(!spec.describe_state().is_empty());
    }
}

#[test]
fn null_states_are_refused_or_empty() {
    for (spec, pools) in specs() {
        let mut aggregate = at_once(&spec, &pools, &[]);
        let before = aggregate.finish(&all()).unwrap();
        match aggregate.merge(&new_null_array(&spec.state_type(), 4), &all()) {
            Ok(()) => assert_eq!(&aggregate.finish(&all()).unwrap(), &before, "{spec:?}"),
            Err(error) => assert!(matches!(error, AggregateError::BadState(_)), "{spec:?}"),
        }
    }
}

/// Any bytes; ascending hashes; as many bytes as there are registers, sometimes out of range.
fn sketch_bytes() -> impl Strategy<Value = Vec<u8>> {
    let hashes = proptest::collection::btree_set(any::<u64>(), 0..600);
    let hashes = hashes.prop_map(|hashes| hashes.into_iter().flat_map(u64::to_le_bytes).collect());
    let registers = (any::<u8>(), 0..60_u8, 0..16_384_usize).prop_map(|(all, one, at)| {
        let mut registers = vec![all % 52; 16_384];
        registers[at] = one;
        registers
    });
    prop_oneof![any::<Vec<u8>>(), hashes, registers]
}

proptest! {
    #[test]
    fn arbitrary_bytes_as_sketch_never_panic(bytes in sketch_bytes()) {
        let spec = AggregateSpec {
            append_only: true,
            ..AggregateSpec::new(AggregateKind::ApproxDistinct, vec![DataType::Int64])
        };
        let mut distinct = spec.build().unwrap();
        distinct.grow(1);
        if distinct.merge(&array(LargeBinaryArray::from(vec![bytes.as_slice()])), &[0]).is_ok() {
            distinct.finish(&[0]).unwrap();
            let states = distinct.encode(&[0]).unwrap();
            prop_assert_eq!(states.as_binary::<i64>().value(0), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_as_exact_sum_never_panic(bytes: Vec<u8>, special in any::<Option<Vec<u8>>>(), values: i64) {
        let DataType::Struct(fields) = FloatSum::state_type() else { unreachable!() };
        let columns = vec![
            array(BinaryArray::from(vec![bytes.as_slice()])),
            array(Int64Array::from(vec![values])),
            array(BinaryArray::from(vec![special.as_deref()])),
        ];
        let mut sum = FloatSum::new(false);
        sum.grow(1);
        if sum.merge(&array(StructArray::new(fields, columns, None)), &[0]).is_ok() {
            let _ = sum.finish(&[0]);
            let states = sum.encode(&[0]).unwrap();
            let written = states.as_struct().column(0).as_binary::<i32>().value(0).to_vec();
            prop_assert_eq!(written, bytes);
        }
    }
}
