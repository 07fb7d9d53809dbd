//! Keys and offsets found in filters.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_schema::{DataType, Field, Schema};
use highwater_sql::datafusion::common::ScalarValue;
use highwater_sql::datafusion::logical_expr::{Expr, col, in_list, lit, not};

use crate::query::keys::{OffsetRange, Wanted, offsets_of, partition_value, wanted};

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("day", DataType::Int32, false),
        Field::new("steps", DataType::Int64, true),
        Field::new("uuid", DataType::Int64, false),
        Field::new("weight", DataType::Float64, false),
        Field::new("open", DataType::Boolean, false),
    ])
}

/// Whole keys, when filters leave few enough.
fn keys_of(filters: &[Expr], schema: &Schema, key: &[usize]) -> Option<Vec<ArrayRef>> {
    match wanted(filters, schema, key) {
        Wanted::Keys(keys) => Some(keys),
        Wanted::Parts(_) | Wanted::All => None,
    }
}

/// The keys `(day, uuid)` that filters leave.
fn keys(filters: &[Expr]) -> Option<Vec<(i32, i64)>> {
    let arrays = keys_of(filters, &schema(), &[0, 2])?;
    let (days, uuids) = (arrays[0].as_primitive::<Int32Type>(), arrays[1].as_primitive::<Int64Type>());
    Some(days.values().iter().copied().zip(uuids.values().iter().copied()).collect())
}

#[test]
fn equalities_on_every_key_column_are_a_lookup() {
    assert_eq!(keys(&[col("day").eq(lit(3_i32)), lit(7_i64).eq(col("uuid"))]), Some(vec![(3, 7)]));
    assert_eq!(
        keys(&[col("day").eq(lit(3_i32)), col("uuid").eq(lit(7_i64)), col("steps").gt(lit(1_i64))]),
        Some(vec![(3, 7)])
    );
}

#[test]
fn lists_and_alternatives_are_combined_and_named_once() {
    let days = in_list(col("day"), vec![lit(1_i32), lit(2_i32), lit(1_i32)], false);
    let uuids = col("uuid").eq(lit(5_i64)).or(col("uuid").eq(lit(6_i64))).or(col("uuid").eq(lit(5_i64)));
    assert_eq!(keys(&[days, uuids]), Some(vec![(1, 5), (1, 6), (2, 5), (2, 6)]));
}

#[test]
fn null_equals_nothing() {
    let nothing = lit(ScalarValue::Int32(None));
    assert_eq!(keys(&[col("day").eq(nothing), col("uuid").eq(lit(5_i64))]), Some(Vec::new()));
}

#[test]
fn other_filters_leave_the_whole_store() {
    let fixed = || col("uuid").eq(lit(5_i64));
    for day in [
        col("day").gt(lit(3_i32)),
        // Of another type than the column.
        col("day").eq(lit(3_i64)),
        col("day").eq(col("uuid")),
        col("day").eq(lit(3_i32)).or(col("uuid").eq(lit(1_i64))),
        in_list(col("day"), vec![lit(1_i32)], true),
        not(col("day").eq(lit(3_i32))),
    ] {
        assert_eq!(keys(&[fixed(), day.clone()]), None, "{day}");
    }
    assert_eq!(keys(&[fixed()]), None);
    assert!(keys_of(&[col("weight").eq(lit(0.0_f64))], &schema(), &[3]).is_none(), "0 and −0 are different keys");
    assert!(keys_of(&[fixed()], &schema(), &[]).is_none(), "no key, no lookup");
}

#[test]
fn too_many_keys_leave_the_whole_store() {
    let days = in_list(col("day"), (0..100_i32).map(lit).collect(), false);
    let uuids = |count| in_list(col("uuid"), (0..count).map(lit).collect(), false);
    assert_eq!(keys(&[days.clone(), uuids(10_i64)]).map(|keys| keys.len()), Some(1000));
    assert_eq!(keys(&[days, uuids(11)]), None);
}

#[test]
fn truth_values_are_keys() {
    let open = |filter: Expr| keys_of(&[filter], &schema(), &[4]).map(|arrays| arrays[0].as_boolean().value(0));
    assert_eq!(open(col("open")), Some(true));
    assert_eq!(open(not(col("open"))), Some(false));
    assert_eq!(open(col("open").eq(lit(false))), Some(false));
}

#[test]
fn comparisons_bound_the_offsets() {
    let offset = || col("_offset");
    let range = |first, end| OffsetRange { first, end };
    assert_eq!(offsets_of(&[offset().gt_eq(lit(5_i64)), offset().lt(lit(9_i64))]), range(5, 9));
    assert_eq!(offsets_of(&[offset().gt(lit(5_i64)), lit(9_i64).gt_eq(offset())]), range(6, 10));
    assert_eq!(offsets_of(&[offset().eq(lit(5_i64))]), range(5, 6));
    assert_eq!(offsets_of(&[offset().lt(lit(-5_i64))]), range(0, 0));
    assert_eq!(offsets_of(&[offset().gt(lit(-5_i64))]), range(0, u64::MAX));
    assert_eq!(offsets_of(&[offset().not_eq(lit(5_i64)), col("steps").lt(lit(5_i64))]), OffsetRange::ALL);
    assert_eq!(partition_value(&col("_partition").eq(lit(2_i32))), Some(2));
    assert_eq!(partition_value(&col("_partition").gt(lit(2_i32))), None);
}

#[test]
fn a_part_of_the_key_is_looked_up_by_its_rarest_column() {
    let parts = |filters: &[Expr]| match wanted(filters, &schema(), &[0, 2, 4]) {
        Wanted::Parts(parts) => parts.iter().map(|(column, values)| (*column, values.len())).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(parts(&[col("uuid").eq(lit(5_i64)), col("steps").gt(lit(1_i64))]), [(2, 1)]);
    let days = in_list(col("day"), vec![lit(1_i32), lit(2_i32)], false);
    assert_eq!(parts(&[days, col("uuid").eq(lit(5_i64))]), [(2, 1), (0, 2)]);
    let nothing = lit(ScalarValue::Int64(None));
    assert_eq!(parts(&[col("uuid").eq(nothing)]), [(2, 0)], "NULL equals nothing");
    assert_eq!(wanted(&[col("steps").eq(lit(1_i64))], &schema(), &[0, 2]), Wanted::All, "no column of the key");
}
