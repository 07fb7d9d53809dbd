//! Every type into its stored form and back: exact for any value, checked with values at their limits, NaN and NULL, and
//! through a file.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeListArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, PrimitiveArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use highwater_archive::{ArchiveError, TableSpec, from_stored, stored_schema, to_stored};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::fixture::{on, range, read};

fn columns(rows: &[Option<u64>]) -> Vec<(&'static str, ArrayRef)> {
    let of = |value: &Option<u64>| *value;
    let utc = || Some(Arc::<str>::from("UTC"));
    macro_rules! from {
        ($array:ty, $convert:expr) => {
            Arc::new(rows.iter().map(|value| of(value).map($convert)).collect::<$array>()) as ArrayRef
        };
    }
    let texts: Vec<Option<String>> = rows.iter().map(|v| v.map(text)).collect();
    let raw: Vec<Option<Vec<u8>>> =
        rows.iter().map(|v| v.map(|v| v.to_le_bytes()[..(v % 9) as usize].to_vec())).collect();
    let seconds = |v: u64| v.cast_signed() % 9_000_000_000_000;
    vec![
        ("bool", from!(BooleanArray, |v| v % 2 == 0)),
        ("i8", from!(Int8Array, |v| v as i8)),
        ("i16", from!(Int16Array, |v| v as i16)),
        ("i32", from!(Int32Array, |v| v as i32)),
        ("i64", from!(Int64Array, |v| v as i64)),
        ("u8", from!(UInt8Array, |v| v as u8)),
        ("u16", from!(UInt16Array, |v| v as u16)),
        ("u32", from!(UInt32Array, |v| v as u32)),
        ("u64", from!(UInt64Array, |v| v)),
        ("f32", from!(Float32Array, |v| f32::from_bits(v as u32))),
        ("f64", from!(Float64Array, f64::from_bits)),
        ("text", Arc::new(StringArray::from_iter(texts.clone()))),
        ("large", Arc::new(LargeStringArray::from_iter(texts))),
        ("raw", Arc::new(BinaryArray::from_iter(raw))),
        ("date", from!(Date32Array, |v| v as i32)),
        ("seconds", from!(TimestampSecondArray, seconds)),
        ("millis", from!(TimestampMillisecondArray, |v| seconds(v) * 1_000 + 7)),
        ("local", from!(TimestampMicrosecondArray, |v| v as i64)),
        ("micros", Arc::new(from_i64::<TimestampMicrosecondArray>(rows).with_timezone_opt(utc()))),
        ("nanos", Arc::new(from_i64::<TimestampNanosecondArray>(rows).with_timezone_opt(utc()))),
        ("local_nanos", Arc::new(from_i64::<TimestampNanosecondArray>(rows))),
        (
            "money",
            Arc::new(
                rows.iter()
                    .map(|v| v.map(|v| i128::from(v as i64)))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
        ),
    ]
}

fn from_i64<A: FromIterator<Option<i64>>>(rows: &[Option<u64>]) -> A {
    rows.iter().map(|value| value.map(u64::cast_signed)).collect()
}

fn text(value: u64) -> String {
    match value % 6 {
        0 => String::new(),
        1 => format!("größer 漢字 🚶 {value}"),
        2 => "\u{10ffff}".repeat(70),
        3 => format!("{}{value}", "x".repeat(90)),
        4 => "\"quoted\\ \n\t\u{0}".into(),
        _ => value.to_string(),
    }
}

fn nested(rows: &[Option<u64>]) -> Vec<(&'static str, ArrayRef)> {
    let flat = columns(rows);
    let inner = |names: &[&str]| -> (Vec<Arc<Field>>, Vec<ArrayRef>) {
        let chosen = flat.iter().filter(|(name, _)| names.contains(name));
        chosen.map(|(name, a)| (Arc::new(Field::new(*name, a.data_type().clone(), true)), a.clone())).unzip()
    };
    let (fields, arrays) = inner(&["u64", "nanos", "text", "local"]);
    let nulls = rows.iter().map(|v| v.is_some_and(|v| v % 3 != 0)).collect::<Vec<bool>>();
    let record = StructArray::new(fields.into(), arrays, Some(nulls.into()));
    let mut list = ListBuilder::new(arrow_array::builder::UInt32Builder::new());
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for value in rows {
        match value {
            None => {
                list.append_null();
                map.append(false).unwrap();
            }
            Some(value) => {
                for item in 0..value % 4 {
                    list.values().append_option((item % 2 == 0).then_some(*value as u32));
                    map.keys().append_value(format!("k{item}"));
                    map.values().append_option((item % 3 != 0).then_some(*value as i64));
                }
                list.append(true);
                map.append(true).unwrap();
            }
        }
    }
    let place = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(
        rows.iter().map(|v| v.map(|v| vec![Some(v as f64), None])),
        2,
    );
    vec![
        ("record", Arc::new(record)),
        ("list", Arc::new(list.finish())),
        ("map", Arc::new(map.finish())),
        ("place", Arc::new(place)),
    ]
}

fn batch(columns: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns.iter().map(|(name, a)| Field::new(*name, a.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, a)| a).collect()).unwrap()
}

pub fn all(rows: &[Option<u64>]) -> RecordBatch {
    let mut columns = columns(rows);
    columns.extend(nested(rows));
    columns.push(("_partition", Arc::new(Int32Array::from_value(0, rows.len()))));
    columns.push(("_offset", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64))));
    batch(columns)
}

/// Bits, so that NaNs are compared too.
fn same_bits(a: &RecordBatch, b: &RecordBatch) {
    assert_eq!(a.schema(), b.schema());
    for (field, (a, b)) in a.schema().fields().iter().zip(a.columns().iter().zip(b.columns())) {
        match field.data_type() {
            DataType::Float32 => {
                assert_eq!(bits::<Float32Type, _>(a, f32::to_bits), bits::<Float32Type, _>(b, f32::to_bits))
            }
            DataType::Float64 => {
                assert_eq!(bits::<Float64Type, _>(a, f64::to_bits), bits::<Float64Type, _>(b, f64::to_bits))
            }
            _ => assert_eq!(a, b, "{}", field.name()),
        }
    }
}

fn bits<T: arrow_array::ArrowPrimitiveType, B>(array: &ArrayRef, bits: impl Fn(T::Native) -> B) -> Vec<Option<B>> {
    use arrow_array::cast::AsArray;
    let array: &PrimitiveArray<T> = array.as_primitive::<T>();
    array.iter().map(|value| value.map(&bits)).collect()
}

fn value() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        1 => Just(None),
        4 => any::<u64>().prop_map(Some),
        2 => (0_u64..64).prop_map(|shift| Some(u64::MAX >> shift)),
        2 => (0_u64..64).prop_map(|shift| Some(1 << shift)),
        2 => (0_u64..100).prop_map(Some),
        1 => prop_oneof![Just(f64::NAN), Just(-f64::NAN), Just(f64::INFINITY), Just(-0.0)].prop_map(|f: f64| Some(f.to_bits())),
        1 => prop_oneof![Just(f32::NAN), Just(f32::NEG_INFINITY), Just(-0.0)].prop_map(|f: f32| Some(u64::from(f.to_bits()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn stored_and_back_is_the_same(rows in prop::collection::vec(value(), 0..40)) {
        let batch = all(&rows);
        let stored = to_stored(&batch).unwrap();
        let schema = stored.schema();
        prop_assert_eq!(schema.as_ref(), &stored_schema(&batch.schema()));
        same_bits(&from_stored(&stored, &batch.schema()).unwrap(), &batch);
        prop_assert_eq!(to_stored(&stored).unwrap().num_rows(), stored.num_rows());
    }

    #[test]
    fn through_a_file_and_back_is_the_same(rows in prop::collection::vec(value(), 1..30)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(through_files(&all(&rows)));
    }
}

/// A table for such rows.
pub fn spec(batch: &RecordBatch, folder: String) -> TableSpec {
    TableSpec {
        folder,
        schema: batch.schema(),
        date_from: "micros".into(),
        sort_by: vec!["_offset".into()],
        partition_from: Some("_partition".into()),
    }
}

/// A table with every type: its rows come back, and its bounds hold.
async fn through_files(batch: &RecordBatch) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let spec = spec(batch, "all".into());
    let table = archive.table(spec.clone()).await.unwrap();
    table.append(vec![batch.clone()], &[range(0, 0, batch.num_rows() as u64)]).await.unwrap();
    let again = archive.table(spec.clone()).await.unwrap();
    let known: std::collections::BTreeMap<_, _> =
        table.snapshot().files.iter().map(|f| (f.path.clone(), f.clone())).collect();
    assert_eq!(known.len(), again.snapshot().files.len());
    for file in &again.snapshot().files {
        let written = &known[&file.path];
        assert_eq!((written.rows, written.bytes, written.date), (file.rows, file.bytes, file.date));
        // Bounds of doubles are read a little wider than they were written.
        for (known, read) in written.columns.iter().zip(&file.columns).filter(|(known, _)| known.name != "f64") {
            assert_eq!(known, read);
        }
    }
    for rows in read(&archive, &again).await {
        for row in 0..rows.num_rows() {
            use arrow_array::cast::AsArray;
            let at = rows.column_by_name("_offset").unwrap().as_primitive::<arrow_array::types::Int64Type>().value(row);
            same_bits(&rows.slice(row, 1), &batch.slice(usize::try_from(at).unwrap(), 1));
        }
    }
    for (file, rows) in again.snapshot().files.iter().zip(files(&archive, &again).await) {
        bounds_hold(file, &rows);
    }
}

async fn files(archive: &highwater_archive::Archive, table: &highwater_archive::Table) -> Vec<RecordBatch> {
    use object_store::ObjectStoreExt;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let mut found = Vec::new();
    for file in &table.snapshot().files {
        let bytes = archive.store().get(&file.path).await.unwrap().bytes().await.unwrap();
        let batches: Vec<_> =
            ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().map(Result::unwrap).collect();
        found.push(arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap());
    }
    found
}

fn bounds_hold(file: &highwater_archive::DataFile, rows: &RecordBatch) {
    for column in &file.columns {
        let values = rows.column_by_name(&column.name).unwrap();
        let counted = !matches!(values.data_type(), DataType::Struct(_));
        assert_eq!(column.nulls, counted.then_some(values.null_count() as u64), "{}", column.name);
        for (bound, wrong) in [(&column.min, std::cmp::Ordering::Less), (&column.max, std::cmp::Ordering::Greater)] {
            let Some(bound) = bound else { continue };
            assert_eq!(bound.data_type(), values.data_type());
            let converter =
                arrow_row::RowConverter::new(vec![arrow_row::SortField::new(values.data_type().clone())]).unwrap();
            let bound = converter.convert_columns(std::slice::from_ref(bound)).unwrap();
            let values_as_rows = converter.convert_columns(std::slice::from_ref(values)).unwrap();
            for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
                assert_ne!(values_as_rows.row(row).cmp(&bound.row(0)), wrong, "{} row {row}", column.name);
            }
        }
    }
}

#[test]
fn what_would_lose_is_refused() {
    let column = |array: ArrayRef| batch(vec![("a", array)]);
    let schema = |data_type| Arc::new(Schema::new(vec![Field::new("a", data_type, true)]));
    let beyond = column(Arc::new(TimestampSecondArray::from(vec![i64::MAX])));
    assert!(to_stored(&beyond).is_err());
    for (stored, wanted) in [
        (column(Arc::new(Int16Array::from(vec![256]))), DataType::UInt8),
        (column(Arc::new(Int64Array::from(vec![-1]))), DataType::UInt32),
        (column(Arc::new(Float64Array::from(vec![0.1]))), DataType::Float32),
        (column(Arc::new(Float64Array::from(vec![0.5]))), DataType::Int64),
        (column(Arc::new(Int64Array::from(vec![i64::MAX]))), DataType::Float64),
        (column(Arc::new(TimestampMicrosecondArray::from(vec![1]))), DataType::Timestamp(TimeUnit::Millisecond, None)),
    ] {
        let error = from_stored(&stored, &schema(wanted.clone())).unwrap_err().to_string();
        assert!(error.contains("column a"), "{wanted}: {error}");
    }
    // Widening is exact.
    let wider =
        from_stored(&column(Arc::new(Int32Array::from(vec![Some(7), None]))), &schema(DataType::Int64)).unwrap();
    assert_eq!(wider.column(0).as_ref(), &Int64Array::from(vec![Some(7), None]) as &dyn Array);
    // A column that is not there is NULL, or refused where NULL is not allowed.
    let wanted = Arc::new(Schema::new(vec![Field::new("b", DataType::Utf8, true)]));
    assert_eq!(from_stored(&wider, &wanted).unwrap().column(0).null_count(), 2);
    let wanted = Arc::new(Schema::new(vec![Field::new("b", DataType::Utf8, false)]));
    assert!(from_stored(&wider, &wanted).is_err());
}

#[tokio::test]
async fn what_delta_cannot_hold_is_named() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let inner = Field::new("at", DataType::Time64(TimeUnit::Microsecond), true);
    let schema = Schema::new(vec![
        Field::new("ts", DataType::Date32, true),
        Field::new("a", DataType::Struct(vec![inner].into()), true),
    ]);
    let spec = TableSpec {
        folder: "t".into(),
        schema: Arc::new(schema),
        date_from: "ts".into(),
        sort_by: vec![],
        partition_from: None,
    };
    match on(&store).table(spec).await.map(|_| ()) {
        Err(ArchiveError::Type { column, .. }) => assert_eq!(column, "a.at"),
        other => panic!("{other:?}"),
    }
}
