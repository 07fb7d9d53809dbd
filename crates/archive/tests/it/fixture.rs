//! Streams of steps: rows that tell who they are, tables that hold them, and what a table must then say.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use highwater_archive::{Archive, ArchiveSettings, DATE_COLUMN, Table, TableSpec, from_stored};
use highwater_model::{Column, ManualClock, PartitionId, PartitionRange, StreamSchema, micros_utc};
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use arrow_schema::DataType;

pub const FOLDER: &str = "rankmysteps/steps";
pub const DAY_MICROS: i64 = 86_400_000_000;

/// A partition and an offset: which event a row is.
pub type Event = (u32, u64);

/// `(ts, name, steps)` of an event, from nothing but its place. Some have no time, and some no steps.
pub fn values_of(event: Event) -> (Option<i64>, String, Option<i64>) {
    let mixed = (u64::from(event.0) * 7919 + event.1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let ts = (!mixed.is_multiple_of(17))
        .then_some((20_000 + (mixed % 3) as i64) * DAY_MICROS + (mixed % 86_400) as i64 * 1_000_000);
    (ts, format!("walker {}", mixed % 5), (!mixed.is_multiple_of(11)).then_some((mixed % 10_000) as i64))
}

pub fn stream() -> StreamSchema {
    StreamSchema::json(vec![
        Column::new("ts", micros_utc(), true),
        Column::new("name", DataType::Utf8, false),
        Column::new("steps", DataType::Int64, true),
    ])
}

pub fn spec() -> TableSpec {
    TableSpec {
        folder: FOLDER.into(),
        schema: stream().arrow_with_system(),
        date_from: "ts".into(),
        sort_by: vec!["name".into(), "_partition".into(), "_offset".into()],
        partition_from: Some("_partition".into()),
    }
}

pub fn rows(events: &[Event]) -> RecordBatch {
    let values: Vec<_> = events.iter().map(|event| values_of(*event)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_iter(values.iter().map(|v| v.0)).with_timezone("UTC")),
        Arc::new(StringArray::from_iter_values(values.iter().map(|v| &v.1))),
        Arc::new(Int64Array::from_iter(values.iter().map(|v| v.2))),
        Arc::new(Int32Array::from_iter_values(events.iter().map(|e| e.0.cast_signed()))),
        Arc::new(Int64Array::from_iter_values(events.iter().map(|e| e.1.cast_signed()))),
        Arc::new(TimestampMicrosecondArray::from_value(1_000, events.len()).with_timezone("UTC")),
    ];
    RecordBatch::try_new(spec().schema, columns).unwrap()
}

pub fn range(partition: u32, first: u64, next: u64) -> PartitionRange {
    PartitionRange { partition: PartitionId(partition), first, next }
}

pub fn events(ranges: &[PartitionRange]) -> Vec<Event> {
    ranges.iter().flat_map(|r| (r.first..r.next).map(|offset| (r.partition.0, offset))).collect()
}

pub fn settings(root: &str) -> ArchiveSettings {
    let mut settings = ArchiveSettings::new(root);
    settings.row_group_rows = 64;
    settings.target_file_bytes = 1 << 20;
    settings.clock = Arc::new(ManualClock::at(20_005 * DAY_MICROS));
    settings
}

pub fn on(store: &Arc<dyn ObjectStore>) -> Archive {
    Archive::on_store(store.clone(), settings(""))
}

pub async fn append(table: &Table, ranges: &[PartitionRange]) -> Result<(), highwater_archive::ArchiveError> {
    table.append(vec![rows(&events(ranges))], ranges).await.map(|_| ())
}

/// Every row of a table, file by file, as the spec declares it.
pub async fn read(archive: &Archive, table: &Table) -> Vec<RecordBatch> {
    let mut found = Vec::new();
    for file in &table.snapshot().files {
        let bytes = archive.store().get(&file.path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, file.bytes, "{}", file.path);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        assert!(reader.schema().index_of(DATE_COLUMN).is_err());
        let mut count = 0;
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            count += batch.num_rows() as u64;
            found.push(from_stored(&batch, &table.spec().schema).unwrap());
        }
        assert_eq!(count, file.rows, "{}", file.path);
    }
    found
}

/// The events of a table; each must be there once, with its values, in a file of its day and within its bounds.
pub async fn events_in(archive: &Archive, table: &Table) -> BTreeMap<u32, Vec<u64>> {
    let snapshot = table.snapshot();
    assert_eq!(snapshot.rows, snapshot.files.iter().map(|file| file.rows).sum::<u64>());
    assert_eq!(snapshot.bytes, snapshot.files.iter().map(|file| file.bytes).sum::<u64>());
    let mut found: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for batch in read(archive, table).await {
        let partitions = batch.column_by_name("_partition").unwrap().as_primitive::<Int32Type>();
        let offsets = batch.column_by_name("_offset").unwrap().as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let event = (partitions.value(row).cast_unsigned(), offsets.value(row).cast_unsigned());
            let expected = rows(&[event]);
            for (column, field) in expected.columns().iter().zip(expected.schema().fields()) {
                let found = batch.column_by_name(field.name()).unwrap().slice(row, 1);
                assert_eq!(&found, column, "{event:?} {}", field.name());
            }
            found.entry(event.0).or_default().push(event.1);
        }
    }
    found.values_mut().for_each(|offsets| offsets.sort_unstable());
    found
}

/// The table holds exactly the events below what it covers, and covers this.
pub async fn holds(archive: &Archive, table: &Table, covered: &[(u32, u64)]) {
    let expected: BTreeMap<u32, Vec<u64>> = covered
        .iter()
        .filter(|(_, next)| *next > 0)
        .map(|(partition, next)| (*partition, (0..*next).collect()))
        .collect();
    let told: Vec<(u32, u64)> = table.snapshot().covered.iter().map(|(p, next)| (p.0, *next)).collect();
    let wanted: Vec<(u32, u64)> = covered.iter().copied().filter(|(_, next)| *next > 0).collect();
    assert_eq!(told, wanted);
    assert_eq!(events_in(archive, table).await, expected);
}
