//! From the log to rows of the archive: events decoded as replay decodes them, with the record as it came; rejects as
//! they are queried.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use highwater_archive::TableSpec;
use highwater_log::{Log, LogError, RecordBlock};
use highwater_model::{
    Column, EventBatch, ObjectId, ObjectName, Offset, PartitionId, PartitionRange, StreamSchema, SystemColumn,
};
use highwater_sql::rejects_schema;

use crate::core::StreamRuntime;
use crate::error::EngineError;
use crate::rejects::reject_rows;

/// The column that holds a record as it came.
pub(super) const RAW: &str = "_raw";
/// Bytes read from the log at a time.
const READ_BYTES: usize = 4 << 20;

/// Records of one partition on their way to the archive.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) rows: Vec<RecordBatch>,
    /// Their offsets; it begins above what is archived where records were given up or let go before.
    pub(super) range: PartitionRange,
    /// Bytes of the records.
    pub(super) bytes: usize,
}

/// The table of a stream's events.
pub(super) fn events_spec(id: ObjectId, name: &ObjectName, schema: &StreamSchema, keep_raw: bool) -> TableSpec {
    let mut fields: Vec<Field> =
        schema.arrow_with_system().fields().iter().map(|field| field.as_ref().clone()).collect();
    if keep_raw {
        fields.push(Field::new(RAW, DataType::Binary, true));
    }
    let is_time = |column: &&Column| matches!(column.data_type, DataType::Timestamp(_, _) | DataType::Date32);
    let time = schema.event_time.and_then(|at| schema.columns.get(at)).filter(is_time);
    let time = time.map_or_else(|| SystemColumn::IngestedAt.name().to_owned(), |column| column.name.clone());
    let [partition, offset] = [SystemColumn::Partition, SystemColumn::Offset].map(|column| column.name().to_owned());
    TableSpec {
        folder: folder(id, name, ""),
        schema: Arc::new(Schema::new(fields)),
        date_from: time.clone(),
        sort_by: vec![time, partition.clone(), offset],
        partition_from: Some(partition),
    }
}

/// The table of a stream's rejected records.
pub(super) fn rejects_spec(id: ObjectId, name: &ObjectName) -> TableSpec {
    TableSpec {
        folder: folder(id, name, "_rejects"),
        schema: rejects_schema(),
        date_from: "rejected_at".to_owned(),
        sort_by: vec!["_offset".to_owned()],
        partition_from: None,
    }
}

/// A name that people recognize and that a later stream of the same name does not have.
fn folder(id: ObjectId, name: &ObjectName, suffix: &str) -> String {
    let plain = |text: &str| -> String {
        let text = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' });
        text.skip_while(|c| *c == '_').collect()
    };
    let (schema, name) = (plain(&name.schema), plain(&name.name));
    format!(
        "{}/{}{suffix}.{id}",
        if schema.is_empty() { "s" } else { &schema },
        if name.is_empty() { "s" } else { &name }
    )
}

/// The stream that a folder belongs to.
pub(super) fn stream_of(folder: &str) -> Option<ObjectId> {
    folder.rsplit_once('.').and_then(|(_, id)| id.parse().ok()).map(ObjectId)
}

/// Takes records of a partition from an offset on, up to `to` or about `max_bytes`; `None` when there are none.
pub(super) fn take(
    stream: &StreamRuntime,
    log: &dyn Log,
    partition: PartitionId,
    from: Offset,
    to: Offset,
    schema: &SchemaRef,
    max_bytes: usize,
) -> Result<Option<Taken>, EngineError> {
    let mut taken = Taken { rows: Vec::new(), range: PartitionRange { partition, first: from, next: from }, bytes: 0 };
    while taken.range.next < to && taken.bytes < max_bytes {
        let blocks = match log.read(stream.id, partition, taken.range.next, READ_BYTES) {
            Ok(blocks) => blocks,
            Err(error) => match beyond_hole(stream, log, partition, taken.range.next, error)? {
                // What was taken ends before the hole; the next turn begins behind it.
                _ if !taken.rows.is_empty() => break,
                after => {
                    taken.range.first = after;
                    taken.range.next = after;
                    continue;
                }
            },
        };
        if blocks.is_empty() {
            break;
        }
        for block in blocks {
            let wanted = to.saturating_sub(block.base_offset);
            if wanted == 0 {
                break;
            }
            let count = usize::try_from(wanted).unwrap_or(usize::MAX).min(block.records.len());
            let end = block.base_offset + count as u64;
            let rows = rows_of(stream, log, partition, &block, end, schema)?;
            // Marks of replays among the rejects are no rows.
            taken.rows.push(rows.slice(0, count.min(rows.num_rows())));
            taken.bytes += block.records.bytes().len();
            taken.range.next = end;
        }
    }
    Ok((!taken.range.is_empty()).then_some(taken))
}

/// Where to go on when records are gone: let go before they were archived, or given up.
fn beyond_hole(
    stream: &StreamRuntime,
    log: &dyn Log,
    partition: PartitionId,
    at: Offset,
    error: LogError,
) -> Result<Offset, EngineError> {
    let after = match &error {
        LogError::Truncated { earliest, .. } => Some(*earliest),
        LogError::Damaged { .. } => log.after_hole(stream.id, partition, at)?,
        _ => None,
    };
    let Some(after) = after.filter(|after| *after > at) else { return Err(error.into()) };
    tracing::warn!(stream = %stream.name, %partition, from = at, next = after, "records that the log does not hold any more are not archived");
    Ok(after)
}

fn rows_of(
    stream: &StreamRuntime,
    log: &dyn Log,
    partition: PartitionId,
    block: &RecordBlock,
    end: Offset,
    schema: &SchemaRef,
) -> Result<RecordBatch, EngineError> {
    let arrow = |source| EngineError::Archive(highwater_archive::ArchiveError::from(source));
    if partition.is_rejects() {
        stream.replayed.catch_up(log, stream.id)?;
        return reject_rows(block, &stream.replayed, end).map_err(arrow);
    }
    let replay =
        |source| EngineError::Replay { stream: stream.name.to_string(), partition, offset: block.base_offset, source };
    let rows = stream.decoder.decode_records(&block.records).map_err(replay)?;
    let ingested_at_micros = block.ingested_at_micros;
    let events = EventBatch { partition, base_offset: block.base_offset, ingested_at_micros, rows };
    let rows = events.with_system_columns(&stream.schema.arrow_with_system()).map_err(arrow)?;
    if schema.fields().len() == rows.num_columns() {
        return Ok(rows);
    }
    let raw: ArrayRef = Arc::new(BinaryArray::from_iter_values(block.records.iter()));
    let columns = rows.columns().iter().cloned().chain([raw]).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(arrow)
}
