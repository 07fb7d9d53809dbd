//! Random histories for the aggregates with discrete results: every type, append-only and retractable.

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int64Array, StringArray, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::i256;
use arrow_schema::SortOptions;
use proptest::prelude::*;

use super::harness::{array, histories, run};
use super::oracle;
use crate::{AggregateKind, AggregateSpec};

pub(super) fn pools() -> Vec<ArrayRef> {
    let many: Vec<Option<i64>> = (0..40).map(|n| Some((n - 20) * 1_000_003)).chain([None, Some(i64::MIN)]).collect();
    vec![
        array(Int64Array::from(vec![Some(i64::MIN), None, Some(-1), Some(0), Some(7), Some(i64::MAX)])),
        array(Int64Array::from(many)),
        array(Int8Array::from(vec![Some(-3), Some(3), None])),
        array(UInt64Array::from(vec![Some(0), Some(u64::MAX), None, Some(5)])),
        array(Float64Array::from(vec![
            Some(f64::NAN),
            Some(-f64::NAN),
            Some(0.0),
            Some(f64::INFINITY),
            None,
            Some(-1.5),
            Some(f64::NEG_INFINITY),
        ])),
        array(Float32Array::from(vec![Some(f32::NAN), Some(-0.0), Some(3.25), None, Some(-7.0)])),
        array(StringArray::from(vec![
            Some(""),
            Some("a"),
            Some("ab"),
            None,
            Some("β"),
            Some("a string beyond inline"),
        ])),
        array(StringViewArray::from(vec![Some("x"), None, Some("a long string that does not lie in the view")])),
        array(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None, Some(b"\x00")])),
        array(Date32Array::from(vec![Some(-1), Some(20_000), None])),
        array(TimestampMicrosecondArray::from(vec![Some(1), None, Some(-5)]).with_timezone("UTC")),
        array(
            Decimal128Array::from(vec![Some(10_i128.pow(30)), Some(-5), None, Some(12)])
                .with_precision_and_scale(31, 2)
                .unwrap(),
        ),
        array(
            arrow_array::Decimal256Array::from(vec![Some(i256::from_i128(i128::MAX)), None, Some(i256::from(-4_i64))])
                .with_precision_and_scale(60, 3)
                .unwrap(),
        ),
        array(BooleanArray::from(vec![Some(true), None, Some(false)])),
    ]
}

fn spec(kind: AggregateKind, pools: &[ArrayRef], append_only: bool) -> AggregateSpec {
    let arg_types = pools.iter().map(|pool| pool.data_type().clone()).collect();
    AggregateSpec { append_only, ..AggregateSpec::new(kind, arg_types) }
}

fn check(spec: &AggregateSpec, pools: &[ArrayRef], events: &[super::harness::Event], size: usize) {
    let result = run(spec, pools, events, size);
    assert_eq!(&result, &oracle::discrete(spec, pools, events), "{spec:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_and_extremes_equal_the_oracle(
        (append_only, events) in any::<bool>().prop_flat_map(|append| (Just(append), histories(append))),
        size in 1..20_usize,
    ) {
        for pool in pools() {
            let pools = std::slice::from_ref(&pool);
            for kind in [AggregateKind::Count, AggregateKind::Min, AggregateKind::Max, AggregateKind::AnyValue] {
                check(&spec(kind, pools, append_only), pools, &events, size);
            }
            let distinct = AggregateSpec { distinct: true, ..spec(AggregateKind::Count, pools, append_only) };
            check(&distinct, pools, &events, size);
        }
    }

    #[test]
    fn boolean_aggregates_equal_the_oracle(events in histories(false), size in 1..20_usize) {
        let pools = [array(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))];
        for kind in [AggregateKind::BoolAnd, AggregateKind::BoolOr] {
            check(&spec(kind, &pools, false), &pools, &events, size);
        }
    }

    #[test]
    fn first_and_last_equal_the_oracle(
        (append_only, events) in any::<bool>().prop_flat_map(|append| (Just(append), histories(append))),
        size in 1..20_usize,
        descending: bool,
        nulls_first: bool,
        value in 0..14_usize,
    ) {
        let pools = [
            pools().swap_remove(value),
            array(TimestampMicrosecondArray::from(vec![Some(3), None, Some(3), Some(-9), Some(44)])),
        ];
        for kind in [AggregateKind::First, AggregateKind::Last] {
            let order = vec![SortOptions { descending, nulls_first }];
            check(&AggregateSpec { order, ..spec(kind, &pools, append_only) }, &pools, &events, size);
        }
    }
}
