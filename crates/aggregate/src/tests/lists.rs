//! Random histories for lists, texts, modes and histograms: equal to what sorting the rows that are left gives.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::{DataType, SortOptions};
use arrow_select::concat::concat;
use proptest::prelude::*;

use super::harness::{Event, array, histories, run};
use super::oracle;
use super::properties::pools;
use crate::reading::bucket_start;
use crate::{AggregateKind, AggregateSpec, Constant};

/// The values of a group by the sort keys, then by value with NULL last; one of adjacent equal ones if `distinct`.
fn sorted(pools: &[ArrayRef], rows: &[[u32; 2]], order: &[SortOptions], distinct: bool) -> ArrayRef {
    let values = oracle::column(&pools[0], rows, 0);
    if values.is_empty() {
        return values;
    }
    let mut keys: Vec<SortColumn> = Vec::new();
    for options in order {
        keys.push(SortColumn { values: oracle::column(&pools[1], rows, 1), options: Some(*options) });
    }
    let options = Some(SortOptions { descending: false, nulls_first: false });
    keys.push(SortColumn { values: values.clone(), options });
    let mut picks: Vec<u32> = lexsort_to_indices(&keys, None).unwrap().values().to_vec();
    if distinct {
        picks.dedup_by(|one, two| values.slice(*one as usize, 1) == values.slice(*two as usize, 1));
    }
    arrow_select::take::take(&values, &arrow_array::UInt32Array::from(picks), None).unwrap()
}

/// Values of all types without −0.0, which is 0.0 where values are told apart and itself elsewhere.
fn unsigned_zeros() -> Vec<ArrayRef> {
    let floats = array(Float32Array::from(vec![Some(-1.5), None, Some(f32::NAN), Some(0.0)]));
    let unsigned = |pool: ArrayRef| if *pool.data_type() == DataType::Float32 { floats.clone() } else { pool };
    pools().into_iter().map(unsigned).collect()
}

fn spec(kind: AggregateKind, pools: &[ArrayRef], order: &[SortOptions], distinct: bool) -> AggregateSpec {
    let arg_types = pools.iter().map(|pool| pool.data_type().clone()).collect();
    let constant = (kind == AggregateKind::StringAgg).then(|| Constant::Text("; ".to_owned()));
    AggregateSpec { constant, distinct, order: order.to_vec(), ..AggregateSpec::new(kind, arg_types) }
}

fn check_lists(pools: &[ArrayRef], order: &[SortOptions], distinct: bool, events: &[Event], size: usize) {
    let result = run(&spec(AggregateKind::ArrayAgg, pools, order, distinct), pools, events, size);
    for (group, rows) in oracle::left(events, pools).iter().enumerate() {
        let expected = sorted(pools, rows, order, distinct);
        let found = result.as_list::<i32>();
        assert_eq!(found.is_null(group), rows.is_empty());
        assert_eq!(&found.value(group), &expected);
    }
}

fn check_texts(pools: &[ArrayRef], order: &[SortOptions], distinct: bool, events: &[Event], size: usize) {
    let result = run(&spec(AggregateKind::StringAgg, pools, order, distinct), pools, events, size);
    let found: Vec<Option<String>> = result.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect();
    let expected = oracle::left(events, pools).into_iter().map(|rows| {
        let texts = sorted(pools, &rows, order, distinct);
        let texts: Vec<&str> = texts.as_string::<i32>().iter().flatten().collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// The most frequent value, of several the least (or the greatest).
fn mode(pools: &[ArrayRef], rows: &[[u32; 2]], greatest: bool) -> ArrayRef {
    let sorted = sorted(pools, rows, &[], false);
    let valid = sorted.len() - sorted.logical_null_count();
    let mut best = None;
    let mut start = 0;
    while start < valid {
        let same = |row: &usize| sorted.slice(*row, 1) == sorted.slice(start, 1);
        let length = (start..valid).take_while(same).count();
        if best.is_none_or(|(most, _)| length > most || (greatest && length == most)) {
            best = Some((length, start));
        }
        start += length;
    }
    best.map_or_else(|| arrow_array::new_null_array(sorted.data_type(), 1), |(_, at)| sorted.slice(at, 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lists_are_in_order(events in histories(false), size in 1..20_usize, distinct: bool) {
        for pool in unsigned_zeros() {
            check_lists(&[pool], &[], distinct, &events, size);
        }
    }

    #[test]
    fn lists_follow_sort_keys(
        events in histories(false), size in 1..20_usize, descending: bool, nulls_first: bool, value in 0..14_usize,
    ) {
        let keys = array(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")]));
        let pools = [pools().swap_remove(value), keys];
        check_lists(&pools, &[SortOptions { descending, nulls_first }], false, &events, size);
    }

    #[test]
    fn texts_are_joined_in_order(events in histories(false), size in 1..20_usize, descending: bool, distinct: bool) {
        let texts = array(StringArray::from(vec![Some("b"), None, Some(""), Some("Ä"), Some("a longer text"), Some("a")]));
        check_texts(std::slice::from_ref(&texts), &[], distinct, &events, size);
        let order = [SortOptions { descending, nulls_first: descending }];
        let keys = array(Float64Array::from(vec![Some(2.0), None, Some(-1.0), Some(2.0)]));
        check_texts(&[texts, keys], &order, false, &events, size);
    }

    #[test]
    fn modes_equal_the_oracle(events in histories(false), size in 1..20_usize, greatest: bool) {
        let order: &[SortOptions] = if greatest { &[SortOptions { descending: true, nulls_first: true }] } else { &[] };
        for pool in unsigned_zeros() {
            let pools = [pool];
            let result = run(&spec(AggregateKind::Mode, &pools, order, false), &pools, &events, size);
            let groups = oracle::left(&events, &pools);
            let expected: Vec<ArrayRef> = groups.iter().map(|rows| mode(&pools, rows, greatest)).collect();
            let expected: Vec<&dyn Array> = expected.iter().map(AsRef::as_ref).collect();
            prop_assert_eq!(&result, &concat(&expected).unwrap());
        }
    }

    #[test]
    fn histograms_count_quarters(events in histories(false), size in 1..20_usize, width in 1..12_i64, distinct: bool) {
        let quarters = [Some(-9_i64), None, Some(0), Some(1), Some(4), Some(5), Some(-1), Some(100)];
        let values = quarters.iter().map(|value| value.map(|value| value as f64 / 4.0));
        let pools = [array(values.collect::<Float64Array>())];
        let spec = AggregateSpec {
            constant: Some(Constant::Number(width as f64 / 4.0)),
            distinct,
            ..AggregateSpec::new(AggregateKind::Histogram, vec![DataType::Float64])
        };
        let result = run(&spec, &pools, &events, size);
        for (group, rows) in oracle::left(&events, &pools).into_iter().enumerate() {
            let mut picks: Vec<u32> = rows.iter().map(|picks| picks[0]).collect();
            if distinct {
                picks.sort_unstable();
                picks.dedup();
            }
            let mut counts = std::collections::BTreeMap::<i64, i64>::new();
            for value in picks.into_iter().filter_map(|pick| quarters[pick as usize]) {
                *counts.entry(value.div_euclid(width) * width).or_default() += 1;
            }
            prop_assert_eq!(result.is_null(group), counts.is_empty());
            let buckets = result.as_list::<i32>().value(group);
            let starts: Vec<f64> = counts.keys().map(|start| *start as f64 / 4.0).collect();
            prop_assert_eq!(buckets.as_struct().column(0), &array(Float64Array::from(starts)));
            let counts: ArrayRef = Arc::new(counts.into_values().collect::<Int64Array>());
            prop_assert_eq!(buckets.as_struct().column(1), &counts);
        }
    }

    #[test]
    fn values_lie_in_their_buckets(value in any::<f64>(), near in -100_000..100_000_i64, width in 1e-9..1e9_f64) {
        for value in [value, near as f64 * width, (near as f64 * width).next_down(), near as f64 / 7.0] {
            let start = bucket_start(value, width);
            prop_assert_eq!(bucket_start(start, width).to_bits(), start.to_bits());
            if (value / width).abs() < 9e15 {
                let next = ((start / width).round() + 1.0) * width;
                prop_assert!(start <= value && value < next, "{start} {value} {next}");
            } else {
                prop_assert_eq!(value.to_bits(), start.to_bits());
            }
        }
    }
}

#[test]
fn zeros_of_both_signs_are_one_value_where_values_are_told_apart() {
    let pool = array(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(1.0)]));
    let pools = std::slice::from_ref(&pool);
    let events: Vec<Event> = (0..3).map(|pick| Event { slot: 0, picks: [pick, 0], weight: 1 }).collect();
    let list = |distinct| {
        let list = run(&spec(AggregateKind::ArrayAgg, pools, &[], distinct), pools, &events, 1);
        let values = list.as_list::<i32>().value(0);
        values.as_primitive::<Float64Type>().iter().map(|value| value.unwrap().to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(list(true), [0.0_f64.to_bits(), 1.0_f64.to_bits()]);
    assert_eq!(list(false), [(-0.0_f64).to_bits(), 0.0_f64.to_bits(), 1.0_f64.to_bits()]);
    let mode = run(&spec(AggregateKind::Mode, pools, &[], false), pools, &events, 1);
    assert_eq!(mode.as_primitive::<Float64Type>().value(0).to_bits(), 0.0_f64.to_bits());
}

#[test]
fn infinities_and_nan_have_buckets_of_their_own() {
    for value in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
        assert_eq!(bucket_start(value, 0.5).to_bits(), value.to_bits());
    }
    assert!(bucket_start(f64::NAN, 0.5).is_nan());
    assert_eq!(bucket_start(-5e-324, 10.0).to_bits(), (-10.0_f64).to_bits());
    // 0.3 as a double lies below three times 0.1 as a double.
    assert_eq!(bucket_start(0.3, 0.1).to_bits(), 0.2_f64.to_bits());
}
