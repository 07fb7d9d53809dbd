//! A crash at every operation of the store, in every kind of work: opened again, each event is there once, what is
//! covered is right, and the work can be done again.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use highwater_archive::{Archive, ArchiveError, Table, TableSpec};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::failing::FailingStore;
use super::fixture::{append, events_in, holds, on, range, read, spec};

/// The work during which the store dies.
#[derive(Clone, Copy, Debug)]
enum Work {
    Create,
    Append,
    AppendToNewPartition,
    Compact,
    Rewrite,
    Vacuum,
    Remove,
}

/// What is there before: some small files, and files that no one names.
async fn prepared(work: Work) -> InMemory {
    let memory = InMemory::new();
    if matches!(work, Work::Create) {
        return memory;
    }
    let store: Arc<dyn ObjectStore> = Arc::new(memory.fork());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    for step in 0..4 {
        append(&table, &[range(0, step * 20, step * 20 + 20), range(1, step * 5, step * 5 + 5)]).await.unwrap();
    }
    if matches!(work, Work::Vacuum) {
        table.compact().await.unwrap();
    }
    copy(&store).await
}

async fn copy(store: &Arc<dyn ObjectStore>) -> InMemory {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    let memory = InMemory::new();
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    for object in objects {
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        memory.put(&object.location, bytes.into()).await.unwrap();
    }
    memory
}

fn doubled_spec() -> TableSpec {
    let before = spec();
    let mut fields: Vec<Field> = before.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("doubled", DataType::Int64, true));
    TableSpec { schema: Arc::new(Schema::new(fields)), ..before }
}

fn double(rows: RecordBatch) -> Result<RecordBatch, ArchiveError> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    let steps = rows.column_by_name("steps").unwrap().as_primitive::<Int64Type>();
    let doubled: Int64Array = steps.iter().map(|steps| steps.map(|steps| steps * 2)).collect();
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(doubled) as ArrayRef);
    Ok(RecordBatch::try_new(doubled_spec().schema, columns)?)
}

async fn attempt(work: Work, store: &Arc<dyn ObjectStore>) -> Result<(), ArchiveError> {
    let archive = on(store);
    if matches!(work, Work::Remove) {
        return archive.remove(&spec().folder).await;
    }
    let table = archive.table(spec()).await?;
    match work {
        Work::Append => append(&table, &[range(0, 80, 200)]).await,
        Work::AppendToNewPartition => append(&table, &[range(0, 80, 81), range(7, 0, 30)]).await,
        Work::Compact => table.compact().await.map(|_| ()),
        Work::Rewrite => table.rewrite(doubled_spec(), &double, &|_, _| {}).await,
        Work::Vacuum => table.vacuum(Duration::ZERO).await.map(|_| ()),
        Work::Create | Work::Remove => Ok(()),
    }
}

/// After a crash: everything once, and either all or nothing of what was being done.
async fn check(work: Work, archive: &Archive, table: &Table) {
    let covered: Vec<(u32, u64)> = table.snapshot().covered.iter().map(|(p, next)| (p.0, *next)).collect();
    let before = vec![(0, 80), (1, 20)];
    let allowed = match work {
        Work::Create => vec![vec![]],
        Work::Append => vec![before, vec![(0, 200), (1, 20)]],
        Work::AppendToNewPartition => vec![before, vec![(0, 81), (1, 20), (7, 30)]],
        _ => vec![before],
    };
    assert!(allowed.contains(&covered), "{work:?}: {covered:?}");
    holds(archive, table, &covered).await;
    // The same writer goes on from what is covered.
    let next = table.snapshot().covered_of(highwater_model::PartitionId(0));
    append(table, &[range(0, next, next + 3)]).await.unwrap();
    let mut after = covered;
    match after.iter_mut().find(|(partition, _)| *partition == 0) {
        Some((_, next)) => *next += 3,
        None => after.push((0, 3)),
    }
    holds(archive, table, &after).await;
}

async fn dies_everywhere(work: Work) {
    let prepared = prepared(work).await;
    for done_all_the_same in [false, true] {
        let mut operations = 0;
        loop {
            let store: Arc<dyn ObjectStore> = Arc::new(copy(&(Arc::new(prepared.fork()) as _)).await);
            let failing = FailingStore::new(store.clone(), done_all_the_same, false);
            failing.fail_after(operations);
            let result = attempt(work, &(Arc::new(failing.clone()) as Arc<dyn ObjectStore>)).await;
            if !failing.failed() {
                result.unwrap();
                break;
            }
            reopened(work, &store).await;
            operations += 1;
        }
        assert!(operations > 1, "{work:?} used the store {operations} times");
    }
}

async fn reopened(work: Work, store: &Arc<dyn ObjectStore>) {
    let archive = on(store);
    if matches!(work, Work::Remove) {
        archive.remove(&spec().folder).await.unwrap();
        assert!(archive.folders().await.unwrap().is_empty());
        holds(&archive, &archive.table(spec()).await.unwrap(), &[]).await;
        return;
    }
    if matches!(work, Work::Rewrite) {
        // Opened as before the rewrite or, when that is there, as after it.
        let table = archive.table(spec()).await.unwrap();
        let rewritten = table.snapshot().schema.field_with_name("doubled").is_ok();
        check(work, &archive, &table).await;
        if rewritten {
            let table = archive.table(doubled_spec()).await.unwrap();
            assert!(read(&archive, &table).await.iter().any(|rows| rows.column_by_name("doubled").is_some()));
        }
        return;
    }
    let table = archive.table(spec()).await.unwrap();
    check(work, &archive, &table).await;
    table.compact().await.unwrap();
    table.vacuum(Duration::ZERO).await.unwrap();
    let again = archive.table(spec()).await.unwrap();
    assert_eq!(events_in(&archive, &again).await, events_in(&archive, &table).await);
}

#[tokio::test]
async fn creating_dies_everywhere() {
    dies_everywhere(Work::Create).await;
}

#[tokio::test]
async fn an_append_dies_everywhere() {
    dies_everywhere(Work::Append).await;
}

#[tokio::test]
async fn an_append_to_a_new_partition_dies_everywhere() {
    dies_everywhere(Work::AppendToNewPartition).await;
}

#[tokio::test]
async fn a_compaction_dies_everywhere() {
    dies_everywhere(Work::Compact).await;
}

#[tokio::test]
async fn a_rewrite_dies_everywhere() {
    dies_everywhere(Work::Rewrite).await;
}

#[tokio::test]
async fn a_vacuum_dies_everywhere() {
    dies_everywhere(Work::Vacuum).await;
}

#[tokio::test]
async fn removing_dies_everywhere() {
    dies_everywhere(Work::Remove).await;
}

#[tokio::test]
async fn a_writer_that_lives_on_looks_before_its_next_commit() {
    for done_all_the_same in [false, true] {
        for operations in 0..12 {
            let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let failing = FailingStore::new(store.clone(), done_all_the_same, true);
            let archive = on(&(Arc::new(failing.clone()) as Arc<dyn ObjectStore>));
            let table = archive.table(spec()).await.unwrap();
            append(&table, &[range(0, 0, 10)]).await.unwrap();
            failing.fail_after(operations);
            let mut acknowledged = false;
            for _ in 0..3 {
                match append(&table, &[range(0, 10, 20)]).await {
                    Ok(()) => acknowledged = true,
                    Err(ArchiveError::NotNext { covered: 20, .. }) => {}
                    Err(error) => assert!(!acknowledged, "{error}"),
                }
            }
            holds(&on(&store), &table, &[(0, 20)]).await;
            holds(&on(&store), &on(&store).table(spec()).await.unwrap(), &[(0, 20)]).await;
        }
    }
}
