//! The corners that random histories seldom reach.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, StringArray};
use arrow_schema::{DataType, TimeUnit};
use highwater_model::Weights;

use super::harness::array;
use crate::{Aggregate, AggregateError, AggregateKind, AggregateSpec, Constant, Input, physical};

fn spec(kind: AggregateKind, arg_types: &[DataType], append_only: bool) -> AggregateSpec {
    AggregateSpec { append_only, ..AggregateSpec::new(kind, arg_types.to_vec()) }
}

fn build(spec: &AggregateSpec) -> Box<dyn Aggregate> {
    let mut aggregate = spec.build().unwrap();
    aggregate.grow(1);
    aggregate
}

fn add(aggregate: &mut dyn Aggregate, values: &ArrayRef, weight: i64) -> Result<(), AggregateError> {
    let slots = vec![0; values.len()];
    let weights = Weights::Each(vec![weight; values.len()].into());
    aggregate.update(std::slice::from_ref(values), Input { rows: None, slots: &slots, weights: &weights })
}

fn float(aggregate: &dyn Aggregate) -> Option<f64> {
    aggregate.finish(&[0]).unwrap().as_primitive::<Float64Type>().iter().next().unwrap()
}

fn floats(values: &[f64]) -> ArrayRef {
    array(Float64Array::from(values.to_vec()))
}

#[test]
fn special_floats_come_and_go() {
    let mut sum = build(&spec(AggregateKind::Sum, &[DataType::Float64], false));
    assert_eq!(float(sum.as_ref()), None);
    add(sum.as_mut(), &floats(&[-0.0, -0.0]), 1).unwrap();
    assert_eq!(float(sum.as_ref()).map(f64::to_bits), Some(0.0_f64.to_bits()));
    add(sum.as_mut(), &floats(&[1.5, f64::INFINITY]), 1).unwrap();
    assert_eq!(float(sum.as_ref()), Some(f64::INFINITY));
    add(sum.as_mut(), &floats(&[f64::NEG_INFINITY]), 1).unwrap();
    assert!(float(sum.as_ref()).is_some_and(f64::is_nan));
    add(sum.as_mut(), &floats(&[f64::INFINITY]), -1).unwrap();
    assert_eq!(float(sum.as_ref()), Some(f64::NEG_INFINITY));
    add(sum.as_mut(), &floats(&[f64::NEG_INFINITY]), -1).unwrap();
    assert_eq!(float(sum.as_ref()), Some(1.5));
}

#[test]
fn sums_pass_through_overflow() {
    let mut sum = build(&spec(AggregateKind::Sum, &[DataType::Float64], false));
    add(sum.as_mut(), &floats(&[f64::MAX, f64::MAX, 0.1]), 1).unwrap();
    assert_eq!(float(sum.as_ref()), Some(f64::INFINITY));
    add(sum.as_mut(), &floats(&[f64::MAX]), -2).unwrap();
    assert_eq!(float(sum.as_ref()), Some(0.1));
}

#[test]
fn huge_weights_are_exact() {
    let mut sum = build(&spec(AggregateKind::Sum, &[DataType::Float64], false));
    add(sum.as_mut(), &floats(&[f64::MAX]), i64::MAX / 2).unwrap();
    add(sum.as_mut(), &floats(&[5e-324]), 1 << 60).unwrap();
    add(sum.as_mut(), &floats(&[f64::MAX]), -(i64::MAX / 2)).unwrap();
    assert_eq!(float(sum.as_ref()), Some(5e-324 * (1_u64 << 60) as f64));

    let mut sum = build(&spec(AggregateKind::Sum, &[DataType::Int64], false));
    let least = array(Int64Array::from(vec![i64::MIN]));
    add(sum.as_mut(), &least, i64::MAX).unwrap();
    assert!(sum.finish(&[0]).unwrap().is_null(0));
    add(sum.as_mut(), &least, 1 - i64::MAX).unwrap();
    assert_eq!(&sum.finish(&[0]).unwrap(), &least);
}

#[test]
fn retracting_what_was_never_inserted_is_noticed() {
    let ints = array(Int64Array::from(vec![5]));
    for kind in [
        AggregateKind::Count,
        AggregateKind::Sum,
        AggregateKind::Min,
        AggregateKind::Max,
        AggregateKind::AnyValue,
        AggregateKind::Mode,
        AggregateKind::ArrayAgg,
    ] {
        let mut aggregate = build(&spec(kind, &[DataType::Int64], false));
        add(aggregate.as_mut(), &ints, -1).unwrap();
        assert!(matches!(aggregate.finish(&[0]), Err(AggregateError::NegativeWeight(_))), "{kind:?}");
        add(aggregate.as_mut(), &ints, 1).unwrap();
        aggregate.finish(&[0]).unwrap();
    }
    for kind in [AggregateKind::Min, AggregateKind::ApproxDistinct] {
        let mut best = build(&spec(kind, &[DataType::Int64], true));
        assert!(
            matches!(add(best.as_mut(), &ints, -1), Err(AggregateError::NegativeWeight(name)) if name == kind.name())
        );
    }
}

#[test]
fn what_a_constant_must_be_is_said() {
    let needed = |kind, constant| {
        let spec = AggregateSpec { constant, ..AggregateSpec::new(kind, vec![DataType::Float64]) };
        // The constant shapes results, not types.
        spec.result_type().unwrap();
        spec.build().err().map(|error| error.to_string())
    };
    let number = |number| Some(Constant::Number(number));
    for wrong in [None, number(-0.1), number(1.1), number(f64::NAN), Some(Constant::Text("0.5".to_owned()))] {
        let reason = needed(AggregateKind::PercentileCont, wrong).unwrap();
        assert_eq!(reason, "percentile_cont needs a constant percentile between 0 and 1");
    }
    for wrong in [None, number(0.0), number(-1.0), number(f64::INFINITY)] {
        assert!(needed(AggregateKind::Histogram, wrong).unwrap().contains("width greater than 0"));
    }
    assert!(needed(AggregateKind::Median, number(0.5)).unwrap().contains("no constant"));
    assert_eq!(needed(AggregateKind::ApproxPercentile, number(1.0)), None);
}

#[test]
fn approximate_counts_are_for_append_only_input() {
    let error = spec(AggregateKind::ApproxDistinct, &[DataType::Utf8], false).build().err().unwrap();
    assert!(error.to_string().contains("count(DISTINCT"), "{error}");
}

#[test]
fn results_that_no_array_can_hold_are_refused() {
    let mut list = build(&spec(AggregateKind::ArrayAgg, &[DataType::Int64], false));
    add(list.as_mut(), &array(Int64Array::from(vec![1])), 1 << 40).unwrap();
    assert!(matches!(list.finish(&[0]), Err(AggregateError::TooLarge("array_agg"))));
    let mut text = build(&AggregateSpec {
        constant: Some(Constant::Text(String::new())),
        ..spec(AggregateKind::StringAgg, &[DataType::Utf8], false)
    });
    add(text.as_mut(), &array(StringArray::from(vec!["ab"])), 1 << 62).unwrap();
    assert!(matches!(text.finish(&[0]), Err(AggregateError::TooLarge("string_agg"))));
}

#[test]
fn unsupported_types_are_named() {
    let error = spec(AggregateKind::Sum, &[DataType::Utf8], true).build().err().unwrap();
    assert_eq!(error.to_string(), "sum does not take (Utf8)");
    assert!(spec(AggregateKind::First, &[DataType::Utf8, DataType::Int64], true).build().is_err());
    assert!(spec(AggregateKind::Min, &[], true).result_type().is_err());
}

#[test]
fn durations_and_narrow_decimals_keep_their_types() {
    for (data_type, average) in [
        (DataType::Duration(TimeUnit::Millisecond), 15),
        (DataType::Decimal32(4, 1), 150_000),
        (DataType::Decimal64(12, 2), 150_000),
    ] {
        let carrier = physical::carrier(&data_type).unwrap();
        let values = arrow_cast::cast(&Int64Array::from(vec![10, 20]), &carrier).unwrap();
        let values = physical::relabel(&values, &data_type).unwrap();
        for (kind, expected) in [(AggregateKind::Sum, 30), (AggregateKind::Avg, average)] {
            let spec = spec(kind, std::slice::from_ref(&data_type), false);
            let mut aggregate = build(&spec);
            add(aggregate.as_mut(), &values, 1).unwrap();
            let result = aggregate.finish(&[0]).unwrap();
            assert_eq!(result.data_type(), &spec.result_type().unwrap());
            let unscaled = arrow_cast::cast(&physical::relabel(&result, &carrier).unwrap(), &DataType::Int64).unwrap();
            assert_eq!(&unscaled, &array(Int64Array::from(vec![expected])), "{spec:?}");
        }
    }
}

#[test]
fn count_of_several_columns_needs_all() {
    let mut count = build(&spec(AggregateKind::Count, &[DataType::Int64, DataType::Utf8], true));
    let args: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(StringArray::from(vec![Some("a"), Some("b"), None])),
    ];
    count.update(&args, Input { rows: None, slots: &[0, 0, 0], weights: &Weights::AllPlusOne }).unwrap();
    assert_eq!(&count.finish(&[0]).unwrap(), &array(Int64Array::from(vec![1])));
}

#[test]
fn memory_per_group_is_small() {
    for (kind, data_type, most) in [
        (AggregateKind::Count, DataType::Int64, 8),
        (AggregateKind::Sum, DataType::Int64, 24),
        (AggregateKind::Min, DataType::Int64, 16),
        (AggregateKind::Sum, DataType::Float64, 56),
    ] {
        let mut aggregate = spec(kind, std::slice::from_ref(&data_type), true).build().unwrap();
        aggregate.grow(1 << 16);
        assert!(aggregate.bytes() <= (most << 16) + 1024, "{kind:?}: {}", aggregate.bytes());
    }
}
