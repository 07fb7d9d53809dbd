//! Appends: exactly once through reopening, refusals, holes, two writers.

use std::sync::Arc;

use highwater_archive::{ArchiveError, Holes};
use highwater_model::PartitionId;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::fixture::{append, events, holds, on, range, rows, spec, values_of};

#[tokio::test]
async fn rows_are_there_once_and_after_reopening() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    assert_eq!(table.snapshot().version, 0);
    holds(&archive, &table, &[]).await;
    append(&table, &[range(0, 0, 100), range(2, 0, 50)]).await.unwrap();
    append(&table, &[range(0, 100, 130)]).await.unwrap();
    append(&table, &[range(1, 0, 7), range(2, 50, 51)]).await.unwrap();
    let covered = [(0, 130), (1, 7), (2, 51)];
    holds(&archive, &table, &covered).await;

    let again = on(&store).table(spec()).await.unwrap();
    holds(&archive, &again, &covered).await;
    let (known, read) = (table.snapshot(), again.snapshot());
    assert_eq!((known.version, known.rows, known.bytes), (3, 188, read.bytes));
    assert_eq!((read.version, read.rows, read.committed_at_micros), (3, 188, known.committed_at_micros));
    assert_eq!(known.schema, read.schema);
    let sorted = |files: &[Arc<highwater_archive::DataFile>]| {
        let mut files = files.to_vec();
        files.sort_by_key(|file| file.path.clone());
        files
    };
    assert_eq!(sorted(&known.files), sorted(&read.files));
    append(&again, &[range(0, 130, 131)]).await.unwrap();
    table.refresh().await.unwrap();
    holds(&archive, &table, &[(0, 131), (1, 7), (2, 51)]).await;
    assert_eq!(archive.folders().await.unwrap(), [spec().folder]);
}

#[tokio::test]
async fn files_are_of_one_day_and_in_order() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = on(&store).table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 500)]).await.unwrap();
    let snapshot = table.snapshot();
    // Three days and none.
    assert_eq!(snapshot.files.len(), 4);
    for file in &snapshot.files {
        let batches = super::fixture::read(&on(&store), &table).await;
        assert!(!batches.is_empty());
        let offsets = file.column("_offset").unwrap();
        assert_eq!(offsets.nulls, Some(0));
        assert!(offsets.min.is_some() && offsets.max.is_some());
        assert_eq!(file.column("ts").unwrap().min.is_none(), file.date.is_none());
    }
    let dated: u64 = snapshot.files.iter().filter(|file| file.date.is_some()).map(|file| file.rows).sum();
    let expected = events(&[range(0, 0, 500)]).into_iter().filter(|event| values_of(*event).0.is_some()).count();
    assert_eq!(dated, expected as u64);
}

#[tokio::test]
async fn what_does_not_follow_is_refused() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 10)]).await.unwrap();
    for wrong in [range(0, 0, 10), range(0, 5, 15), range(0, 11, 12), range(1, 1, 2)] {
        let error = append(&table, &[wrong]).await.unwrap_err();
        assert!(matches!(error, ArchiveError::NotNext { .. }), "{error}");
    }
    for (events, ranges) in [
        (vec![(0, 10), (0, 10)], vec![range(0, 10, 12)]),
        (vec![(0, 12)], vec![range(0, 10, 12)]),
        (vec![(1, 0)], vec![range(0, 10, 12)]),
        (vec![(0, 10)], vec![range(0, 10, 11), range(0, 10, 11)]),
    ] {
        let error = table.append(vec![rows(&events)], &ranges).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Rows { .. }), "{error}");
    }
    let narrow = rows(&[(0, 10)]).project(&[1, 3, 4]).unwrap();
    let error = table.append(vec![narrow], &[range(0, 10, 11)]).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Rows { .. }), "{error}");
    table.append(vec![], &[]).await.unwrap();
    table.append(vec![rows(&[])], &[range(0, 10, 10)]).await.unwrap();
    assert_eq!(table.snapshot().version, 1);
    holds(&archive, &table, &[(0, 10)]).await;
}

#[tokio::test]
async fn a_hole_is_left_only_when_acknowledged() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    append(&table, &[range(0, 0, 10)]).await.unwrap();
    let after = [range(0, 15, 20)];
    let given = || vec![rows(&events(&after))];
    assert!(table.append(given(), &after).await.is_err());
    table.append_with(given(), &after, Holes::Acknowledged).await.unwrap();
    assert_eq!(table.snapshot().covered_of(PartitionId(0)), 20);
    let found = super::fixture::events_in(&archive, &table).await;
    assert_eq!(found[&0], (0..10).chain(15..20).collect::<Vec<_>>());
    append(&table, &[range(0, 20, 21)]).await.unwrap();
    // A range may lack rows, as of records that can no longer be decoded.
    table.append(vec![rows(&[(0, 21), (0, 24)])], &[range(0, 21, 25)]).await.unwrap();
    append(&table, &[range(3, 0, 2)]).await.unwrap();
    let again = archive.table(spec()).await.unwrap();
    assert_eq!((again.snapshot().rows, again.snapshot().covered_of(PartitionId(0))), (10 + 5 + 1 + 2 + 2, 25));
    again.compact().await.unwrap();
    again.refresh().await.unwrap();
    let back = [range(0, 10, 15)];
    assert!(table.append_with(vec![rows(&events(&back))], &back, Holes::Acknowledged).await.is_err());
}

#[tokio::test]
async fn two_writers_never_double() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let first = archive.table(spec()).await.unwrap();
    let second = archive.table(spec()).await.unwrap();
    append(&first, &[range(0, 0, 10)]).await.unwrap();
    // The second does not know of it yet: another partition is added behind it, the same rows are refused.
    append(&second, &[range(1, 0, 10)]).await.unwrap();
    holds(&archive, &second, &[(0, 10), (1, 10)]).await;
    let error = append(&first, &[range(1, 0, 10)]).await.unwrap_err();
    assert!(matches!(error, ArchiveError::NotNext { covered: 10, .. }), "{error}");
    append(&first, &[range(0, 10, 20)]).await.unwrap();
    second.refresh().await.unwrap();
    holds(&archive, &second, &[(0, 20), (1, 10)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_are_written_and_read() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = on(&store);
    let table = archive.table(spec()).await.unwrap();
    for first in 0..120 {
        append(&table, &[range(u32::try_from(first % 3).unwrap(), first / 3 * 2, first / 3 * 2 + 2)]).await.unwrap();
    }
    let hint = object_store::path::Path::from("rankmysteps/steps/_delta_log/_last_checkpoint");
    assert!(object_store::ObjectStoreExt::head(store.as_ref(), &hint).await.is_ok());
    let again = archive.table(spec()).await.unwrap();
    holds(&archive, &again, &[(0, 80), (1, 80), (2, 80)]).await;
    let mut files: Vec<_> = again.snapshot().files.clone();
    let mut known: Vec<_> = table.snapshot().files.clone();
    files.sort_by_key(|file| file.path.clone());
    known.sort_by_key(|file| file.path.clone());
    assert_eq!(files, known);
}
