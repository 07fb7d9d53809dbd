//! Whether the rows given to an append are those of its ranges. A log that hands over a wrong row must not go unseen:
//! what is archived is let go by the log.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use highwater_model::{PartitionId, PartitionRange, SystemColumn};

use crate::{ArchiveError, TableSpec};

/// Each row lies in one of the ranges, and no two rows are the same event.
pub(super) fn check(spec: &TableSpec, rows: &[RecordBatch], ranges: &[PartitionRange]) -> Result<(), ArchiveError> {
    let wrong = |problem: String| ArchiveError::Rows { folder: spec.folder.clone(), problem };
    let mut seen: BTreeMap<PartitionId, (&PartitionRange, Vec<bool>)> = BTreeMap::new();
    for range in ranges {
        let length = usize::try_from(range.len()).map_err(|_| wrong(format!("a range of {} rows", range.len())))?;
        if seen.insert(range.partition, (range, vec![false; length])).is_some() {
            return Err(wrong(format!("partition {} has two ranges", range.partition)));
        }
    }
    let (given, room) =
        (rows.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), ranges.iter().map(PartitionRange::len).sum());
    if given > room {
        return Err(wrong(format!("{given} rows for {room} records")));
    }
    for batch in rows {
        if batch.schema().fields() != spec.schema.fields() {
            return Err(wrong(format!("the rows have the columns {:?}, not {:?}", names(batch), spec.schema)));
        }
        let Some(offsets) = batch.column_by_name(SystemColumn::Offset.name()) else { continue };
        let Some(offsets) = offsets.as_primitive_opt::<Int64Type>() else {
            return Err(wrong(format!("{} is {}", SystemColumn::Offset.name(), offsets.data_type())));
        };
        for (row, offset) in offsets.iter().enumerate() {
            let partition = partition_of(spec, batch, row).ok_or_else(|| wrong("a row has no partition".into()))?;
            let place = seen.get_mut(&partition).and_then(|(range, seen)| {
                let at = u64::try_from(offset?).ok()?.checked_sub(range.first)?;
                seen.get_mut(usize::try_from(at).ok()?)
            });
            match place {
                None => return Err(wrong(format!("partition {partition} offset {offset:?} is in no range"))),
                Some(true) => return Err(wrong(format!("partition {partition} offset {offset:?} is there twice"))),
                Some(seen) => *seen = true,
            }
        }
    }
    Ok(())
}

fn partition_of(spec: &TableSpec, batch: &RecordBatch, row: usize) -> Option<PartitionId> {
    match &spec.partition_from {
        None => Some(PartitionId::REJECTS),
        Some(name) => {
            let partitions = batch.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
            partitions.is_valid(row).then(|| PartitionId(partitions.value(row).cast_unsigned()))
        }
    }
}

fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}
