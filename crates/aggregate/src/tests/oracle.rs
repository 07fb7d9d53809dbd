//! What an aggregate must give, computed from the rows that are left in each group, with other means than the crate's.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array, new_null_array};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::SortOptions;
use num_bigint::BigInt;

use super::harness::{Event, SLOTS, array};
use crate::{AggregateKind, AggregateSpec};

/// For each slot the picks that are left, with multiplicity.
pub(super) fn left(events: &[Event], pools: &[ArrayRef]) -> Vec<Vec<[u32; 2]>> {
    let mut groups = vec![std::collections::BTreeMap::<[u32; 2], i64>::new(); SLOTS as usize];
    for event in events {
        let mut picks = [0; 2];
        for (arg, pool) in pools.iter().enumerate() {
            picks[arg] = event.picks[arg] % pool.len() as u32;
        }
        *groups[event.slot as usize].entry(picks).or_default() += event.weight;
    }
    let repeat = |(picks, count): (&[u32; 2], &i64)| vec![*picks; usize::try_from(*count).unwrap()];
    groups.iter().map(|group| group.iter().flat_map(repeat).collect()).collect()
}

pub(super) fn column(pool: &ArrayRef, rows: &[[u32; 2]], arg: usize) -> ArrayRef {
    let picks: UInt32Array = rows.iter().map(|picks| Some(picks[arg])).collect();
    arrow_select::take::take(pool, &picks, None).unwrap()
}

/// The rows of a group whose value is not NULL.
pub(super) fn values(pool: &ArrayRef, rows: &[[u32; 2]]) -> ArrayRef {
    let kept: Vec<[u32; 2]> = rows.iter().filter(|picks| pool.is_valid(picks[0] as usize)).copied().collect();
    column(pool, &kept, 0)
}

/// The value at one end of the order.
fn extreme(spec: &AggregateSpec, pools: &[ArrayRef], rows: &[[u32; 2]]) -> ArrayRef {
    let last = matches!(spec.kind, AggregateKind::Last | AggregateKind::Max);
    let by_order = matches!(spec.kind, AggregateKind::First | AggregateKind::Last);
    let value = if by_order { column(&pools[0], rows, 0) } else { values(&pools[0], rows) };
    if value.is_empty() {
        return new_null_array(value.data_type(), 1);
    }
    let mut keys = Vec::new();
    if by_order {
        keys.push(SortColumn { values: column(&pools[1], rows, 1), options: Some(spec.order[0]) });
    }
    keys.push(SortColumn {
        values: value.clone(),
        options: Some(SortOptions { descending: false, nulls_first: last }),
    });
    let order = lexsort_to_indices(&keys, None).unwrap();
    let index = order.value(if last { order.len() - 1 } else { 0 });
    value.slice(index as usize, 1)
}

/// The result of every slot for aggregates with exact, discrete results.
pub(super) fn discrete(spec: &AggregateSpec, pools: &[ArrayRef], events: &[Event]) -> ArrayRef {
    let groups = left(events, pools);
    let results: Vec<ArrayRef> = groups
        .iter()
        .map(|rows| match spec.kind {
            AggregateKind::Count if spec.distinct => {
                let mut picks: Vec<u32> =
                    rows.iter().map(|picks| picks[0]).filter(|pick| pools[0].is_valid(*pick as usize)).collect();
                picks.sort_unstable();
                picks.dedup();
                array(Int64Array::from(vec![picks.len() as i64]))
            }
            AggregateKind::Count => array(Int64Array::from(vec![values(&pools[0], rows).len() as i64])),
            AggregateKind::BoolAnd | AggregateKind::BoolOr => {
                let values: Vec<bool> = values(&pools[0], rows).as_boolean().iter().flatten().collect();
                let all = spec.kind == AggregateKind::BoolAnd;
                let result = if all { values.iter().all(|value| *value) } else { values.contains(&true) };
                array(BooleanArray::from(vec![(!values.is_empty()).then_some(result)]))
            }
            _ => extreme(spec, pools, rows),
        })
        .collect();
    let results: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
    arrow_select::concat::concat(&results).unwrap()
}

/// Exact sum of integers or decimals (unscaled) per slot; `None` without values. Distinct values once.
pub(super) fn totals(pool: &[Option<BigInt>], groups: &[Vec<[u32; 2]>], distinct: bool) -> Vec<Option<(BigInt, i64)>> {
    let total = |rows: &Vec<[u32; 2]>| {
        let mut picks: Vec<u32> = rows.iter().map(|picks| picks[0]).collect();
        if distinct {
            picks.dedup();
        }
        let values: Vec<&BigInt> = picks.iter().filter_map(|pick| pool[*pick as usize].as_ref()).collect();
        (!values.is_empty()).then(|| (values.iter().copied().sum(), values.len() as i64))
    };
    groups.iter().map(total).collect()
}

/// A finite `f64` times 2^1074.
pub(super) fn scaled(value: f64) -> BigInt {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff).max(1);
    let mantissa = (bits & ((1 << 52) - 1)) | u64::from(bits >> 52 & 0x7ff != 0) << 52;
    let magnitude = BigInt::from(mantissa) << (exponent - 1);
    if value < 0.0 { -magnitude } else { magnitude }
}

/// Whether `value` is `numerator / denominator` (scaled by 2^`scale`, a multiple of 1074) rounded half to even.
pub(super) fn is_rounded(value: f64, numerator: &BigInt, denominator: i64, scale: u64) -> bool {
    // Compare |x − v| with |x − neighbour| after multiplying by denominator and 2^scale.
    let at = |candidate: f64| (scaled(candidate) << (scale - 1074)) * denominator;
    let distance = |candidate: f64| {
        let difference = numerator - at(candidate);
        BigInt::from(difference.magnitude().clone())
    };
    if value.is_infinite() {
        // From half a unit beyond the greatest number on.
        let half_unit: BigInt = (scaled(f64::MAX) - scaled(f64::MAX.next_down())) / 2;
        let edge = ((scaled(f64::MAX) + half_unit) << (scale - 1074)) * denominator;
        return if value > 0.0 { *numerator >= edge } else { *numerator <= -edge };
    }
    let own = distance(value);
    let even = value.to_bits() & 1 == 0;
    [value.next_up(), value.next_down()].into_iter().filter(|other| other.is_finite()).all(|neighbour| {
        let other = distance(neighbour);
        own < other || (own == other && even)
    })
}
