//! Random histories for medians and percentiles: equal to sorting and counting, and the approximations near to it.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float32Array, Float64Array};
use arrow_schema::SortOptions;
use num_bigint::BigInt;
use proptest::prelude::*;

use super::exactness::any_float;
use super::harness::{Event, array, histories, run};
use super::oracle;
use crate::reading::{Interpolate, Sketched};
use crate::{AggregateKind, AggregateSpec, Constant};

fn spec(kind: AggregateKind, pool: &ArrayRef, at: f64) -> AggregateSpec {
    let constant = kind.constant().map(|_| Constant::Number(at));
    AggregateSpec { constant, ..AggregateSpec::new(kind, vec![pool.data_type().clone()]) }
}

/// The picks that are left in each group, with a value, each once if `distinct`.
fn left<T: Copy>(values: &[Option<T>], pool: &ArrayRef, events: &[Event], distinct: bool) -> Vec<Vec<T>> {
    let groups = oracle::left(events, std::slice::from_ref(pool));
    let of_group = |rows: &Vec<[u32; 2]>| {
        let mut picks: Vec<u32> = rows.iter().map(|picks| picks[0]).collect();
        if distinct {
            picks.sort_unstable();
            picks.dedup();
        }
        picks.into_iter().filter_map(|pick| values[pick as usize]).collect()
    };
    groups.iter().map(of_group).collect()
}

/// The numbers around rank `at · (n − 1)` and where between them it lies.
fn around<T: Copy>(sorted: &[T], at: f64) -> Option<(T, T, f64)> {
    let position = at * (sorted.len().checked_sub(1)? as f64);
    let low = sorted[position.floor() as usize];
    Some((low, sorted[position.ceil() as usize], position - position.floor()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn percentiles_of_integers_are_exact(
        events in histories(false), size in 1..20_usize, quarters in 0..5_i64, distinct: bool, descending: bool,
    ) {
        let values: Vec<Option<i64>> = (-9..14).map(|n| Some(n * n * n)).chain([None]).collect();
        let pool = array(values.iter().map(|value| value.map(|value| value as f64)).collect::<Float64Array>());
        let mut spec = spec(AggregateKind::PercentileCont, &pool, quarters as f64 / 4.0);
        spec.distinct = distinct;
        spec.order = vec![SortOptions { descending, nulls_first: false }];
        let result = run(&spec, std::slice::from_ref(&pool), &events, size);
        for (found, mut group) in result.as_primitive::<Float64Type>().iter().zip(left(&values, &pool, &events, distinct)) {
            group.sort_unstable();
            if descending {
                group.reverse();
            }
            let Some(last) = group.len().checked_sub(1) else {
                prop_assert_eq!(found, None);
                continue;
            };
            // In quarters of a rank.
            let position = quarters * last as i64;
            let (low, rest) = (group[(position / 4) as usize], position % 4);
            let high = group[((position + 3) / 4) as usize];
            let expected = 4 * low + (high - low) * rest;
            prop_assert_eq!(found.map(|found| found * 4.0), Some(expected as f64));
        }
    }

    #[test]
    fn medians_of_decimals_drop_half_a_digit(events in histories(false), size in 1..20_usize) {
        let most = 10_i128.pow(38) - 1;
        let values = [Some(most), Some(most - 1), Some(-most), Some(-3), Some(4), None, Some(0)];
        let pool = Decimal128Array::from(values.to_vec()).with_precision_and_scale(38, 2).unwrap();
        let pool = array(pool);
        let result = run(&spec(AggregateKind::Median, &pool, 0.5), std::slice::from_ref(&pool), &events, size);
        let groups = left(&values, &pool, &events, false);
        for (found, mut group) in result.as_primitive::<Decimal128Type>().iter().zip(groups) {
            group.sort_unstable();
            let expected = group.len().checked_sub(1).map(|last| {
                let sum = BigInt::from(group[last / 2]) + group[last.div_ceil(2)];
                i128::try_from(&(sum / 2)).unwrap()
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn percentiles_of_floats_lie_between_neighbours(
        values in proptest::collection::vec(any_float(), 1..12),
        events in histories(false),
        size in 1..20_usize,
        at in prop_oneof![0.0..=1.0_f64, Just(0.5), Just(0.99), Just(1.0)],
    ) {
        let pool = array(Float64Array::from(values.clone()));
        let pools = std::slice::from_ref(&pool);
        let exact = run(&spec(AggregateKind::PercentileCont, &pool, at), pools, &events, size);
        let near = run(&spec(AggregateKind::ApproxPercentile, &pool, at), pools, &events, size);
        let pairs = exact.as_primitive::<Float64Type>().iter().zip(near.as_primitive::<Float64Type>());
        for ((exact, near), mut group) in pairs.zip(left(&values, &pool, &events, false)) {
            group.sort_unstable_by(f64::total_cmp);
            let (Some(exact), Some(near), Some((low, high, part))) = (exact, near, around(&group, at)) else {
                prop_assert!(exact.is_none() && near.is_none() && group.is_empty());
                continue;
            };
            prop_assert!(low <= exact && exact <= high, "{low} {exact} {high}");
            let expected = low * (1.0 - part) + high * part;
            // The weighted sum may lose the last bit of the least numbers.
            let most = 1e-323 + 1e-12 * low.abs().max(high.abs());
            prop_assert!((exact - expected).abs() <= most, "{exact} {expected}");
            let most = f64::MIN_POSITIVE + 0.01 * low.abs().max(high.abs());
            prop_assert!((exact / 2.0 - near / 2.0).abs() <= most / 2.0, "{exact} {near}");
        }
    }

    #[test]
    fn medians_of_both_kinds(events in histories(false), size in 1..20_usize) {
        let values = [Some(1.0_f32), Some(-4.5), None, Some(3e38), Some(0.1)];
        let pool = array(Float32Array::from(values.to_vec()));
        let pools = std::slice::from_ref(&pool);
        let exact = run(&spec(AggregateKind::Median, &pool, 0.5), pools, &events, size);
        let near = run(&spec(AggregateKind::ApproxMedian, &pool, 0.5), pools, &events, size);
        let pairs = exact.as_primitive::<Float32Type>().iter().zip(near.as_primitive::<Float32Type>());
        for ((exact, near), mut group) in pairs.zip(left(&values, &pool, &events, false)) {
            group.sort_unstable_by(f32::total_cmp);
            let expected = around(&group, 0.5).map(|(low, high, _)| f32::midpoint(low, high));
            prop_assert_eq!(exact, expected);
            let bound = around(&group, 0.5).map(|(low, high, _)| low.abs().max(high.abs()) * 0.01);
            prop_assert!(near.zip(exact).is_none_or(|(near, exact)| Some((near - exact).abs()) <= bound));
        }
    }

    #[test]
    fn buckets_are_narrow_and_in_order(one in any::<f64>(), two in any::<f64>(), narrow in any::<f32>()) {
        for value in [one, two] {
            let middle = value.sketched();
            prop_assert_eq!(middle.to_bits(), middle.sketched().to_bits());
            prop_assert_eq!((-value).sketched().to_bits() << 1, middle.to_bits() << 1);
            if value.is_finite() {
                let most = value.abs().max(f64::MIN_POSITIVE) / 128.0;
                prop_assert!((middle - value).abs() <= most, "{value} {middle}");
            }
        }
        prop_assert!(one.sketched() <= two.sketched() || one > two || one.is_nan() || two.is_nan());
        let middle = narrow.sketched();
        prop_assert_eq!(middle.to_bits(), middle.sketched().to_bits());
        prop_assert!(!narrow.is_normal() || (middle - narrow).abs() <= narrow.abs() / 128.0);
    }
}

#[test]
fn halfway_between_far_numbers() {
    assert_eq!(f64::MAX.towards(-f64::MAX, 0.5).to_bits(), 0.0_f64.to_bits());
    assert_eq!(f64::NEG_INFINITY.towards(5.0, 0.5).to_bits(), f64::NEG_INFINITY.to_bits());
    assert_eq!(5.0_f64.towards(f64::INFINITY, 0.25).to_bits(), f64::INFINITY.to_bits());
    assert!(f64::NEG_INFINITY.towards(f64::INFINITY, 0.5).is_nan());
    assert_eq!(i128::MAX.towards(i128::MAX - 2, 0.5), i128::MAX - 1);
    assert_eq!((-3_i32).towards(0, 0.5), -1);
}
