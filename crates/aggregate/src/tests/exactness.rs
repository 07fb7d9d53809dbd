//! Random histories for sums, averages and measures of spread: exact against big integers and correctly rounded.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array, UInt64Array};
use num_bigint::BigInt;
use proptest::prelude::*;

use super::harness::{Event, array, histories, run};
use super::oracle::{self, is_rounded, scaled};
use crate::{AggregateKind, AggregateSpec};

fn spec(kind: AggregateKind, pool: &ArrayRef, distinct: bool) -> AggregateSpec {
    AggregateSpec { distinct, ..AggregateSpec::new(kind, vec![pool.data_type().clone()]) }
}

fn totals(pool: &ArrayRef, big: &[Option<BigInt>], events: &[Event], distinct: bool) -> Vec<Option<(BigInt, i64)>> {
    oracle::totals(big, &oracle::left(events, std::slice::from_ref(pool)), distinct)
}

pub(super) fn any_float() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite()).prop_map(Some),
        3 => (-1000..1000_i32).prop_map(|cents| Some(f64::from(cents) / 100.0)),
        1 => prop_oneof![Just(f64::MAX), Just(-f64::MAX), Just(5e-324), Just(-0.0), Just(0.0), Just(1e16)]
            .prop_map(Some),
        1 => Just(None),
    ]
}

fn float_pool() -> impl Strategy<Value = Vec<Option<f64>>> {
    proptest::collection::vec(any_float(), 1..12).prop_map(|mut pool| {
        // Distinct values, for the oracle of DISTINCT.
        let mut seen = std::collections::HashSet::new();
        pool.retain(|value| value.is_none_or(|value| seen.insert((value + 0.0).to_bits())));
        if pool.is_empty() { vec![None] } else { pool }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn integer_sums_are_exact_and_null_out_of_range(events in histories(false), size in 1..20_usize, distinct: bool) {
        let signed = vec![Some(i64::MAX), Some(i64::MIN), Some(1), Some(-1), None, Some(1 << 62)];
        let pool = array(Int64Array::from(signed.clone()));
        let result = run(&spec(AggregateKind::Sum, &pool, distinct), std::slice::from_ref(&pool), &events, size);
        let big: Vec<_> = signed.iter().map(|value| value.map(BigInt::from)).collect();
        let totals_signed = totals(&pool, &big, &events, distinct);
        let expected: Int64Array =
            totals_signed.iter().map(|total| i64::try_from(&total.as_ref()?.0).ok()).collect();
        prop_assert_eq!(result.as_primitive::<Int64Type>(), &expected);

        let unsigned = vec![Some(u64::MAX), Some(0), Some(1), None, Some(1 << 63)];
        let pool = array(UInt64Array::from(unsigned.clone()));
        let result = run(&spec(AggregateKind::Sum, &pool, distinct), std::slice::from_ref(&pool), &events, size);
        let big: Vec<_> = unsigned.iter().map(|value| value.map(BigInt::from)).collect();
        let totals_unsigned = totals(&pool, &big, &events, distinct);
        let expected: UInt64Array =
            totals_unsigned.iter().map(|total| u64::try_from(&total.as_ref()?.0).ok()).collect();
        prop_assert_eq!(result.as_primitive::<UInt64Type>(), &expected);
    }

    #[test]
    fn decimal_sums_and_averages_are_exact(events in histories(false), size in 1..20_usize, distinct: bool) {
        let limit = 10_i128.pow(38) - 1;
        let values = vec![Some(limit), Some(-limit), Some(1), Some(700), None, Some(limit / 3)];
        let pool = array(Decimal128Array::from(values.clone()).with_precision_and_scale(38, 2).unwrap());
        let big: Vec<_> = values.iter().map(|value| value.map(BigInt::from)).collect();
        let totals = totals(&pool, &big, &events, distinct);
        let within = |value: BigInt| i128::try_from(&value).ok().filter(|value| value.abs() <= limit);

        let result = run(&spec(AggregateKind::Sum, &pool, distinct), std::slice::from_ref(&pool), &events, size);
        let expected: Vec<Option<i128>> = totals.iter().map(|total| within(total.as_ref()?.0.clone())).collect();
        prop_assert_eq!(result.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(), expected);

        let result = run(&spec(AggregateKind::Avg, &pool, distinct), std::slice::from_ref(&pool), &events, size);
        let expected: Vec<Option<i128>> = totals
            .iter()
            .map(|total| total.as_ref().and_then(|(sum, count)| within(sum * 10_000 / *count)))
            .collect();
        prop_assert_eq!(result.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn float_sums_and_averages_are_correctly_rounded(
        values in float_pool(), events in histories(false), size in 1..20_usize, distinct: bool,
    ) {
        let pool = array(Float64Array::from(values.clone()));
        let big: Vec<_> = values.iter().map(|value| value.map(scaled)).collect();
        let totals = totals(&pool, &big, &events, distinct);
        for kind in [AggregateKind::Sum, AggregateKind::Avg] {
            let result = run(&spec(kind, &pool, distinct), std::slice::from_ref(&pool), &events, size);
            for (result, total) in result.as_primitive::<Float64Type>().iter().zip(&totals) {
                let (Some(result), Some((sum, count))) = (result, total) else {
                    prop_assert!(result.is_none() && total.is_none());
                    continue;
                };
                let count = if kind == AggregateKind::Sum { 1 } else { *count };
                prop_assert!(is_rounded(result, sum, count, 1074), "{result} for {sum}/{count}");
                prop_assert!(result != 0.0 || result.is_sign_positive() || *sum < BigInt::ZERO);
            }
        }
    }

    #[test]
    fn spread_is_correctly_rounded(values in float_pool(), events in histories(false), size in 1..20_usize) {
        let pool = array(Float64Array::from(values.clone()));
        let big: Vec<_> = values.iter().map(|value| value.map(scaled)).collect();
        let squares: Vec<_> = big.iter().map(|value| value.as_ref().map(|value| value * value)).collect();
        let sums = totals(&pool, &big, &events, false);
        let squares = totals(&pool, &squares, &events, false);
        let one = std::slice::from_ref(&pool);
        for (variance, deviation, less) in [
            (AggregateKind::VarSamp, AggregateKind::StddevSamp, 1),
            (AggregateKind::VarPop, AggregateKind::StddevPop, 0),
        ] {
            let variances = run(&spec(variance, &pool, false), one, &events, size);
            let deviations = run(&spec(deviation, &pool, false), one, &events, size);
            let pairs = variances.as_primitive::<Float64Type>().iter().zip(deviations.as_primitive::<Float64Type>());
            for ((variance, deviation), (sum, squares)) in pairs.zip(sums.iter().zip(&squares)) {
                prop_assert_eq!(deviation, variance.map(f64::sqrt));
                let (Some(variance), Some((sum, count)), Some((squares, _))) = (variance, sum, squares) else {
                    prop_assert!(sum.as_ref().is_none_or(|(_, count)| *count <= less) && variance.is_none());
                    continue;
                };
                let numerator = squares * *count - sum * sum;
                prop_assert!(is_rounded(variance, &numerator, count * (count - less), 2148), "{variance}");
            }
        }
    }
}

#[test]
fn distinct_spread_ignores_repetitions() {
    let pool = array(Float64Array::from(vec![Some(1.0), Some(4.0), None]));
    let events = |picks: &[u32]| -> Vec<Event> {
        picks.iter().map(|pick| Event { slot: 0, picks: [*pick, 0], weight: 1 }).collect()
    };
    let spec = |distinct| spec(AggregateKind::VarPop, &pool, distinct);
    let one = std::slice::from_ref(&pool);
    let repeated = run(&spec(true), one, &events(&[0, 0, 0, 1, 2, 2]), 2);
    assert_eq!(&repeated, &run(&spec(false), one, &events(&[0, 1]), 1));
}
