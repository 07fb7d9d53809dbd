//! An index beside a store against sorting all rows: every call, every kind of rows asked for, with ties, NULLs, floats
//! and rows that go.

#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use highwater_model::{ChangeBatch, ObjectId, ObjectName, Weights};
use proptest::prelude::*;

use super::*;
use crate::store::Store;

/// Of a team, a name and a score; (team, name) is the key.
type Row = (Option<i64>, String, Option<f64>);
type Key = (Option<i64>, String);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("team", DataType::Int64, true),
        Field::new("name", DataType::Utf8, false),
        Field::new("score", DataType::Float64, true),
    ]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.0))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.1))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn read(rows: &RecordBatch) -> Vec<Row> {
    let (teams, names) = (rows.column(0).as_primitive::<Int64Type>(), rows.column(1).as_string::<i32>());
    let scores = rows.column(2).as_primitive::<Float64Type>();
    let some = |row: usize| teams.is_valid(row).then(|| teams.value(row));
    (0..rows.num_rows())
        .map(|row| (some(row), names.value(row).to_owned(), scores.is_valid(row).then(|| scores.value(row))))
        .collect()
}

/// Greatest score first, NULL before all, NaN before other numbers; then by name.
fn by_score(a: &Row, b: &Row) -> Ordering {
    let score = |row: &Row| row.2.map_or((0, 0.0), |score| (1, score));
    let ((null_a, a), (null_b, b)) = (score(a), score(b));
    null_a.cmp(&null_b).then(b.total_cmp(&a))
}

fn spec(partitioned: bool) -> RankSpec {
    let partition = if partitioned { vec![0] } else { Vec::new() };
    let order = vec![RankColumn { column: 2, descending: true, nulls_first: true }];
    RankSpec { id: ObjectId(9), name: ObjectName::new("public", "by_score"), partition, order }
}

fn row() -> impl Strategy<Value = Row> {
    let score = prop_oneof![
        4 => (0_i8..4).prop_map(|n| Some(f64::from(n) / 2.0)),
        1 => prop_oneof![Just(None), Just(Some(f64::NAN)), Just(Some(-0.0)), Just(Some(f64::NEG_INFINITY))],
    ];
    (prop_oneof![Just(None), (0_i64..3).prop_map(Some)], "[a-c]{0,2}", score)
}

/// Sets rows, or removes those that are there already.
fn tick(store: &mut Store, model: &mut BTreeMap<Key, Row>, rows: Vec<(Row, bool)>) {
    let latest: BTreeMap<Key, (Row, bool)> =
        rows.into_iter().map(|(row, stays)| ((row.0, row.1.clone()), (row, stays))).collect();
    let (mut changed, mut weights) = (Vec::new(), Vec::new());
    for (key, (row, stays)) in latest {
        if let Some(old) = model.remove(&key) {
            changed.push(old);
            weights.push(-1);
        }
        if stays {
            model.insert(key, row.clone());
            changed.push(row);
            weights.push(1);
        }
    }
    let weights = Weights::Each(weights.into());
    store.apply(&[ChangeBatch { rows: batch(&changed), weights }]).unwrap();
}

/// The partition of a row, in order.
fn partition<'a>(model: &'a BTreeMap<Key, Row>, of: &Row, partitioned: bool) -> Vec<&'a Row> {
    let mut rows: Vec<&Row> = model.values().filter(|row| !partitioned || row.0 == of.0).collect();
    // Names first when teams are together: the rest of the key comes in its own order.
    rows.sort_by(|a, b| by_score(a, b).then(a.0.is_none().cmp(&b.0.is_none())).then(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
    rows
}

fn same(a: &Row, b: &Row) -> bool {
    (a.0, &a.1, a.2.map(f64::to_bits)) == (b.0, &b.1, b.2.map(f64::to_bits))
}

fn check(store: &Store, model: &BTreeMap<Key, Row>, partitioned: bool) -> Result<(), TestCaseError> {
    let index = &store.ranked()[0];
    prop_assert_eq!(index.len(), model.len());
    let rows: Vec<Row> = model.values().cloned().collect();
    let shifted = |source, by| RankCall::Shifted { source, by };
    let rank = RankCall::Rank { order: 1, reversed: false };
    let calls = [
        rank.clone(),
        RankCall::Rank { order: 1, reversed: true },
        RankCall::RowNumber { reversed: false },
        RankCall::RowNumber { reversed: true },
        RankCall::Count,
        shifted(RankSource::Column(1), -1),
        shifted(RankSource::Call(Box::new(rank)), 2),
        RankCall::PercentRank { order: 1, reversed: false },
        RankCall::CumeDist { order: 1, reversed: false },
        RankCall::CumeDist { order: 1, reversed: true },
    ];
    let got = store.rank(index, &batch(&rows), &calls).unwrap();
    let whole = |call: usize, row: usize| got[call].as_primitive::<UInt64Type>().value(row) as usize;
    let share = |call: usize, row: usize| got[call].as_primitive::<Float64Type>().value(row);
    for (at, row) in rows.iter().enumerate() {
        let all = partition(model, row, partitioned);
        let place = all.iter().position(|other| same(other, row)).unwrap();
        let ahead = |of: &Row| all.iter().filter(|other| by_score(other, of).is_lt()).count();
        let behind = all.iter().filter(|other| by_score(other, row).is_gt()).count();
        prop_assert_eq!(whole(0, at), ahead(row) + 1);
        prop_assert_eq!(whole(1, at), behind + 1);
        prop_assert_eq!(whole(2, at), place + 1);
        prop_assert_eq!(whole(3, at), all.len() - place);
        prop_assert_eq!(got[4].as_primitive::<Int64Type>().value(at) as usize, all.len());
        let before = got[5].as_string::<i32>();
        prop_assert_eq!(before.is_valid(at).then(|| before.value(at)), place.checked_sub(1).map(|p| all[p].1.as_str()));
        let later = got[6].is_valid(at).then(|| whole(6, at));
        prop_assert_eq!(later, all.get(place + 2).map(|row| ahead(row) + 1));
        let n = all.len() as f64;
        prop_assert_eq!(share(7, at), if all.len() == 1 { 0.0 } else { ahead(row) as f64 / (n - 1.0) });
        prop_assert_eq!(share(8, at), (all.len() - behind) as f64 / n);
        prop_assert_eq!(share(9, at), (all.len() - ahead(row)) as f64 / n);
    }
    Ok(())
}

fn check_places(
    store: &Store,
    model: &BTreeMap<Key, Row>,
    partitioned: bool,
    range: PlaceRange,
) -> Result<(), TestCaseError> {
    let index = &store.ranked()[0];
    let wanted = RankRows::Places { partitions: None, range };
    let found = store.ranked_rows(index, &wanted, usize::MAX).unwrap().unwrap();
    let call = match range.order {
        1 => RankCall::Rank { order: 1, reversed: range.reversed },
        _ => RankCall::RowNumber { reversed: range.reversed },
    };
    let is_wanted = |rows: &RecordBatch| {
        let ranks = store.rank(index, rows, std::slice::from_ref(&call)).unwrap().remove(0);
        let ranks = ranks.as_primitive::<UInt64Type>().values().to_vec();
        let kept = read(rows).into_iter().zip(ranks).filter(|(_, rank)| (range.first..=range.last).contains(rank));
        let mut kept: Vec<String> = kept.map(|(row, rank)| format!("{row:?} {rank}")).collect();
        kept.sort();
        kept
    };
    let all = batch(&model.values().cloned().collect::<Vec<_>>());
    prop_assert_eq!(is_wanted(&found), is_wanted(&all));
    if partitioned {
        let team: ArrayRef = Arc::new(Int64Array::from(vec![1, 7]));
        let wanted = RankRows::Places { partitions: Some(vec![team]), range };
        let found = store.ranked_rows(index, &wanted, usize::MAX).unwrap().unwrap();
        prop_assert!(read(&found).iter().all(|row| row.0 == Some(1)));
        let of_team: Vec<Row> = model.values().filter(|row| row.0 == Some(1)).cloned().collect();
        prop_assert_eq!(is_wanted(&found), is_wanted(&batch(&of_team)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_sorting(
        partitioned: bool,
        before in prop::collection::vec((row(), Just(true)), 0..40),
        ticks in prop::collection::vec(prop::collection::vec((row(), any::<bool>()), 0..12), 0..6),
        (first, last, order, reversed) in (0_u64..6, 0_u64..8, 1_usize..3, any::<bool>()),
    ) {
        let mut store = Store::new(schema(), &[0, 1]).unwrap();
        let mut model = BTreeMap::new();
        tick(&mut store, &mut model, before);
        let mut index = RankIndex::new(spec(partitioned), &schema(), &[0, 1]).unwrap();
        index.fill(&store.snapshot(), |_| {}).unwrap();
        store.add_ranked(index);
        check(&store, &model, partitioned)?;
        // Without a partition two more columns complete the key: all of them give row numbers.
        let order = if order == 1 || partitioned { order } else { 3 };
        for rows in ticks {
            tick(&mut store, &mut model, rows);
            check(&store, &model, partitioned)?;
            check_places(&store, &model, partitioned, PlaceRange { first, last, order, reversed })?;
        }
    }
}

#[test]
fn more_than_the_most_is_declined_and_keyless_is_refused() {
    let mut store = Store::new(schema(), &[0, 1]).unwrap();
    let rows: Vec<(Row, bool)> = (0..20).map(|n| ((Some(n % 2), n.to_string(), Some(1.0)), true)).collect();
    tick(&mut store, &mut BTreeMap::new(), rows);
    let mut index = RankIndex::new(spec(true), &schema(), &[0, 1]).unwrap();
    index.fill(&store.snapshot(), |_| {}).unwrap();
    let range = PlaceRange { first: 1, last: 1, order: 1, reversed: false };
    let wanted = RankRows::Places { partitions: None, range };
    // All share the first rank.
    assert_eq!(store.ranked_rows(&index, &wanted, 20).unwrap().unwrap().num_rows(), 20);
    assert!(store.ranked_rows(&index, &wanted, 19).unwrap().is_none());
    let first = RankRows::Places { partitions: None, range: PlaceRange { order: 2, ..range } };
    assert_eq!(store.ranked_rows(&index, &first, 2).unwrap().unwrap().num_rows(), 2);
    assert!(RankIndex::new(spec(true), &schema(), &[]).is_err());
    assert!(index.bytes() > 0);
}
