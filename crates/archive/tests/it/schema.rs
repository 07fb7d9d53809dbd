//! Columns that come later, tables that cannot be, rejects.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use highwater_archive::{ArchiveError, TableSpec};
use highwater_model::{PartitionId, PartitionRange, micros_utc};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::fixture::{append, events, holds, on, range, read, rows, spec};

fn with(extra: Vec<Field>) -> TableSpec {
    let before = spec();
    let mut fields: Vec<Field> = before.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.extend(extra);
    TableSpec { schema: Arc::new(Schema::new(fields)), ..before }
}

#[tokio::test]
async fn a_new_column_is_null_in_what_is_there() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let before = archive.table(spec()).await.unwrap();
    append(&before, &[range(0, 0, 30)]).await.unwrap();
    let wider = with(vec![
        Field::new("kept", DataType::UInt64, true),
        Field::new("local", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]);
    let table = archive.table(wider.clone()).await.unwrap();
    let version = table.snapshot().version;
    holds(&archive, &table, &[(0, 30)]).await;
    let ranges = [range(0, 30, 40)];
    let given = rows(&events(&ranges));
    let mut columns = given.columns().to_vec();
    columns.push(Arc::new(arrow_array::UInt64Array::from_value(u64::MAX, 10)));
    columns.push(Arc::new(TimestampMicrosecondArray::from_value(5, 10)));
    table.append(vec![RecordBatch::try_new(wider.schema.clone(), columns).unwrap()], &ranges).await.unwrap();
    table.compact().await.unwrap();
    let again = archive.table(wider).await.unwrap();
    assert!(again.snapshot().version > version + 1);
    holds(&archive, &again, &[(0, 40)]).await;
    for batch in read(&archive, &again).await {
        let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
        let kept = batch.column_by_name("kept").unwrap();
        for row in 0..batch.num_rows() {
            assert_eq!(kept.is_valid(row), offsets.value(row) >= 30);
        }
    }
    // Who knows only the old columns can go on.
    let narrow = archive.table(spec()).await.unwrap();
    append(&narrow, &[range(0, 40, 45)]).await.unwrap();
    holds(&archive, &narrow, &[(0, 45)]).await;
}

#[tokio::test]
async fn rejects_have_one_partition() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let schema = Arc::new(Schema::new(vec![
        Field::new("reason", DataType::Utf8, false),
        Field::new("_offset", DataType::Int64, false),
        Field::new("_ingested_at", micros_utc(), false),
    ]));
    let spec = TableSpec {
        folder: "app/steps_rejects".into(),
        schema: schema.clone(),
        date_from: "_ingested_at".into(),
        sort_by: vec!["_offset".into()],
        partition_from: None,
    };
    let table = archive.table(spec.clone()).await.unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["no number", "größer"])),
        Arc::new(Int64Array::from(vec![0, 1])),
        Arc::new(TimestampMicrosecondArray::from_value(7, 2).with_timezone("UTC")),
    ];
    let range = PartitionRange { partition: PartitionId::REJECTS, first: 0, next: 2 };
    table.append(vec![RecordBatch::try_new(schema, columns).unwrap()], &[range]).await.unwrap();
    let again = archive.table(spec).await.unwrap();
    assert_eq!(again.snapshot().covered_of(PartitionId::REJECTS), 2);
    assert_eq!(again.snapshot().rows, 2);
    assert_eq!(archive.folders().await.unwrap(), ["app/steps_rejects"]);
}

#[tokio::test]
async fn folders_may_have_any_letters() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    for folder in ["größe/漢字", "with space/a=b", "deep/er/still"] {
        let spec = TableSpec { folder: folder.into(), ..spec() };
        let table = archive.table(spec.clone()).await.unwrap();
        append(&table, &[range(0, 0, 5)]).await.unwrap();
        holds(&archive, &archive.table(spec).await.unwrap(), &[(0, 5)]).await;
    }
    assert_eq!(archive.folders().await.unwrap(), ["deep/er/still", "größe/漢字", "with space/a=b"]);
    archive.remove("größe/漢字").await.unwrap();
    assert_eq!(archive.folders().await.unwrap(), ["deep/er/still", "with space/a=b"]);
}

#[tokio::test]
async fn what_cannot_be_a_table_is_refused() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let wrong = [
        TableSpec { folder: String::new(), ..spec() },
        TableSpec { folder: "/a".into(), ..spec() },
        TableSpec { folder: "a/../b".into(), ..spec() },
        TableSpec { folder: "a/_delta_log".into(), ..spec() },
        TableSpec { date_from: "name".into(), ..spec() },
        TableSpec { date_from: "when".into(), ..spec() },
        TableSpec { sort_by: vec!["nothing".into()], ..spec() },
        with(vec![Field::new("_date", DataType::Date32, true)]),
        with(vec![Field::new("NAME", DataType::Utf8, true)]),
    ];
    for spec in wrong {
        match archive.table(spec.clone()).await.map(|_| ()) {
            Err(ArchiveError::Table { .. }) => {}
            other => panic!("{spec:?}: {other:?}"),
        }
    }
    archive.table(with(vec![Field::new("more", DataType::Int64, true)])).await.unwrap();
    let other_type = with(vec![Field::new("more", DataType::Utf8, true)]);
    let error = archive.table(other_type).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("more is Int64") && error.contains("rewrite"), "{error}");
}

#[tokio::test]
async fn rows_that_do_not_fit_what_is_covered_are_damage() {
    use object_store::ObjectStoreExt;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 5)]).await.unwrap();
    let commit = "rankmysteps/steps/_delta_log/00000000000000000001.json".into();
    let written = store.get(&commit).await.unwrap().bytes().await.unwrap();
    let text = String::from_utf8(written.to_vec()).unwrap();
    for (was, is) in [("\"version\":5", "\"version\":7"), ("\\\"numRecords\\\":1", "\\\"numRecords\\\":3")] {
        assert!(text.contains(was), "{text}");
        store.put(&commit, text.replacen(was, is, 1).into()).await.unwrap();
        let error = archive.table(spec()).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_table_that_lost_its_first_commits_is_damaged_not_empty() {
    use object_store::ObjectStoreExt;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 5)]).await.unwrap();
    append(&table, &[range(0, 5, 6)]).await.unwrap();
    store.delete(&"rankmysteps/steps/_delta_log/00000000000000000000.json".into()).await.unwrap();
    assert!(archive.table(spec()).await.is_err());
    store.delete(&"rankmysteps/steps/_delta_log/00000000000000000002.json".into()).await.unwrap();
    assert!(archive.table(spec()).await.is_err());
}
