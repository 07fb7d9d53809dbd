//! Compaction, rewriting and vacuum: the same rows in other files, and only what nobody needs is removed.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use highwater_archive::{Archive, ArchiveError, ArchiveSettings, Table, TableSpec};
use highwater_model::ManualClock;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;

use super::fixture::{append, holds, on, range, read, rows, settings, spec};

async fn filled(archive: &Archive, appends: u64) -> Table {
    let table = archive.table(spec()).await.unwrap();
    for step in 0..appends {
        append(&table, &[range(0, step * 30, step * 30 + 30), range(1, step * 7, step * 7 + 7)]).await.unwrap();
    }
    table
}

#[tokio::test]
async fn small_files_become_one_a_day() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = filled(&archive, 20).await;
    let before = table.snapshot();
    assert!(before.files.len() > 60);
    let done = table.compact().await.unwrap();
    let after = table.snapshot();
    assert_eq!(after.files.len(), 4);
    assert_eq!(done.files_removed, before.files.len() as u64);
    assert_eq!((done.files_added, done.bytes_added), (4, after.bytes));
    assert!(after.bytes < before.bytes);
    holds(&archive, &table, &[(0, 600), (1, 140)]).await;
    for file in &after.files {
        let bytes = store.get(&file.path).await.unwrap().bytes().await.unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        // Row groups of at most 64 rows, in order by name, partition and offset.
        assert_eq!(reader.metadata().num_row_groups() as u64, file.rows.div_ceil(64));
        assert!(
            reader.metadata().row_groups().iter().all(|group| group.columns().iter().all(|c| c.statistics().is_some()))
        );
        let mut last = None;
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let names = batch.column_by_name("name").unwrap().as_string::<i32>();
            let partitions =
                batch.column_by_name("_partition").unwrap().as_primitive::<arrow_array::types::Int32Type>();
            let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let key = Some((names.value(row).to_owned(), partitions.value(row), offsets.value(row)));
                assert!(last < key, "{last:?} before {key:?}");
                last = key;
            }
        }
    }
    assert_eq!(table.compact().await.unwrap(), highwater_archive::Compacted::default());
    let again = archive.table(spec()).await.unwrap();
    holds(&archive, &again, &[(0, 600), (1, 140)]).await;
    append(&again, &[range(0, 600, 601)]).await.unwrap();
}

#[tokio::test]
async fn a_file_near_the_target_is_left_alone() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let small = ArchiveSettings { target_file_bytes: 5_000, ..settings("") };
    let archive = Archive::on_store(store, small);
    let table = filled(&archive, 30).await;
    table.compact().await.unwrap();
    let compacted = table.snapshot();
    assert!(compacted.files.iter().filter(|file| file.date.is_some()).count() > 3);
    assert!(compacted.files.iter().all(|file| file.bytes < 17_000));
    holds(&archive, &table, &[(0, 900), (1, 210)]).await;
    let large: Vec<_> = compacted.files.iter().filter(|file| file.bytes >= 2_500).map(|file| &file.path).collect();
    assert!(!large.is_empty());
    append(&table, &[range(0, 900, 930)]).await.unwrap();
    table.compact().await.unwrap();
    let after = table.snapshot();
    assert!(large.iter().all(|path| after.files.iter().any(|file| &file.path == *path)));
    holds(&archive, &table, &[(0, 930), (1, 210)]).await;
}

fn doubled() -> TableSpec {
    let before = spec();
    let mut fields: Vec<Field> = before.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("doubled", DataType::UInt64, true));
    TableSpec { schema: Arc::new(Schema::new(fields)), date_from: "_ingested_at".into(), ..before }
}

fn double(rows: RecordBatch) -> Result<RecordBatch, ArchiveError> {
    let steps = rows.column_by_name("steps").unwrap().as_primitive::<Int64Type>();
    let doubled: arrow_array::UInt64Array = steps.iter().map(|v| v.map(|v| v.cast_unsigned() * 2)).collect();
    let mut columns = rows.columns().to_vec();
    columns.truncate(6);
    columns.push(Arc::new(doubled) as ArrayRef);
    Ok(RecordBatch::try_new(self::doubled().schema, columns)?)
}

#[tokio::test]
async fn a_rewrite_fills_a_new_column_everywhere() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = filled(&archive, 5).await;
    let version = table.snapshot().version;
    let told = Mutex::new(Vec::new());
    table.rewrite(doubled(), &double, &|done, all| told.lock().push((done, all))).await.unwrap();
    assert_eq!(told.lock().last(), Some(&(185, 185)));
    assert_eq!(table.snapshot().version, version + 1);
    for table in [table.clone(), archive.table(doubled()).await.unwrap()] {
        holds(&archive, &table, &[(0, 150), (1, 35)]).await;
        assert_eq!(table.snapshot().schema.fields().len(), 7);
        for batch in read(&archive, &table).await {
            assert_eq!(batch, double(batch.clone()).unwrap());
        }
    }
    // The table is of the new columns now.
    assert!(append(&table, &[range(0, 150, 151)]).await.is_err());
    let given = double(rows(&[(0, 150)])).unwrap();
    table.append(vec![given], &[range(0, 150, 151)]).await.unwrap();
    table.compact().await.unwrap();
    assert_eq!(table.snapshot().files.len(), 1);
    holds(&archive, &table, &[(0, 151), (1, 35)]).await;
}

#[tokio::test]
async fn a_rewrite_that_fails_changes_nothing() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = filled(&archive, 3).await;
    let before = table.snapshot();
    let refused = |_: RecordBatch| Err(ArchiveError::Transform("no such field".into()));
    let error = table.rewrite(doubled(), &refused, &|_, _| {}).await.unwrap_err();
    assert!(error.to_string().contains("no such field"));
    let fewer = |rows: RecordBatch| double(rows.slice(0, rows.num_rows() - 1));
    assert!(matches!(table.rewrite(doubled(), &fewer, &|_, _| {}).await, Err(ArchiveError::Rows { .. })));
    let same = |rows: RecordBatch| Ok(rows);
    assert!(matches!(table.rewrite(doubled(), &same, &|_, _| {}).await, Err(ArchiveError::Rows { .. })));
    assert_eq!(table.snapshot().version, before.version);
    holds(&archive, &table, &[(0, 90), (1, 21)]).await;
    append(&table, &[range(0, 90, 91)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_appended_during_a_rewrite_are_rewritten_too() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = filled(&archive, 3).await;
    let handle = tokio::runtime::Handle::current();
    let once = Mutex::new(Some(table.clone()));
    let appending = |rows: RecordBatch| {
        if let Some(table) = once.lock().take() {
            let appended = async move { append(&table, &[range(0, 90, 100)]).await };
            tokio::task::block_in_place(|| handle.block_on(appended))?;
        }
        double(rows)
    };
    table.rewrite(doubled(), &appending, &|_, _| {}).await.unwrap();
    holds(&archive, &table, &[(0, 100), (1, 21)]).await;
    for batch in read(&archive, &table).await {
        assert_eq!(batch, double(batch.clone()).unwrap());
    }
}

#[tokio::test]
async fn vacuum_keeps_what_is_young_and_removes_the_rest() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let clock = Arc::new(ManualClock::default());
    let now = chrono::Utc::now().timestamp_micros();
    clock.set(now);
    let archive = Archive::on_store(store.clone(), ArchiveSettings { clock: clock.clone(), ..settings("") });
    let table = filled(&archive, 4).await;
    let old = table.snapshot();
    table.compact().await.unwrap();
    let left = "rankmysteps/steps/_date=2024-10-04/part-left.zstd.parquet".into();
    store.put(&left, "no commit names it".into()).await.unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(table.vacuum(hour).await.unwrap().files, 0);
    for file in &old.files {
        store.head(&file.path).await.unwrap();
    }
    clock.set(now + 7_200_000_000);
    let done = table.vacuum(hour).await.unwrap();
    assert_eq!(done.files, old.files.len() as u64 + 1);
    assert_eq!(done.bytes, old.bytes + 18);
    assert!(store.head(&left).await.is_err());
    holds(&archive, &table, &[(0, 120), (1, 28)]).await;
    holds(&archive, &archive.table(spec()).await.unwrap(), &[(0, 120), (1, 28)]).await;
    assert!(table.vacuum(Duration::from_secs(8 * 86_400)).await.unwrap_err().to_string().contains("7 days"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vacuum_cleans_the_log_up_to_a_checkpoint() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let clock = Arc::new(ManualClock::at(chrono::Utc::now().timestamp_micros()));
    let archive = Archive::on_store(store.clone(), ArchiveSettings { clock: clock.clone(), ..settings("") });
    let table = filled(&archive, 55).await;
    clock.set(clock_now(&clock) + 60_000_000);
    let done = table.vacuum(Duration::ZERO).await.unwrap();
    assert_eq!(done.log_files, 50);
    let again = archive.table(spec()).await.unwrap();
    holds(&archive, &again, &[(0, 1650), (1, 385)]).await;
    again.compact().await.unwrap();
    assert!(again.snapshot().files.len() < 10);
    holds(&archive, &archive.table(spec()).await.unwrap(), &[(0, 1650), (1, 385)]).await;
}

fn clock_now(clock: &ManualClock) -> i64 {
    highwater_model::Clock::now_micros(clock)
}
