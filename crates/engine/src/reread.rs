//! Rows of a keyed stream under another declaration of it: each is decoded again from its record in the log. Of rows
//! whose records the log has let go of, the old values are kept, and columns they never had are NULL. Used when a stream
//! is altered, and at a start whose checkpoint is older than that.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ListArray, MapArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::interleave::interleave;
use highwater_decode::Decoder;
use highwater_log::{Log, LogError};
use highwater_model::{ObjectId, Offset, PartitionId, RecordsBuilder, StreamSchema, SystemColumn};

use crate::error::EngineError;

/// Bytes read from the log at a time.
const READ_BYTES: usize = 256 << 10;

/// Decodes rows anew.
pub(crate) struct Rereader {
    stream: ObjectId,
    name: String,
    schema: SchemaRef,
    decoder: Decoder,
    log: Arc<dyn Log>,
}

impl Rereader {
    /// A reader by the new declaration of a stream.
    pub(crate) fn new(
        log: Arc<dyn Log>,
        stream: ObjectId,
        name: String,
        schema: &StreamSchema,
    ) -> Result<Self, EngineError> {
        let decoder =
            Decoder::new(schema).map_err(|source| EngineError::Declaration { stream: name.clone(), source })?;
        Ok(Self { stream, name, schema: schema.arrow_with_system(), decoder, log })
    }

    /// The columns it gives.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows of an older declaration, with system columns, under the new one.
    pub(crate) fn rewrite(&self, rows: RecordBatch) -> Result<RecordBatch, EngineError> {
        let system = |column: SystemColumn| {
            let found = rows.column_by_name(column.name()).cloned();
            found.ok_or_else(|| self.defect(format!("rows without {}", column.name())))
        };
        let partitions = system(SystemColumn::Partition)?;
        let offsets = system(SystemColumn::Offset)?;
        let partitions = partitions.as_primitive_opt::<Int32Type>().ok_or_else(|| self.defect("no partition"))?;
        let offsets = offsets.as_primitive_opt::<Int64Type>().ok_or_else(|| self.defect("no offset"))?;
        let mut order: Vec<usize> = (0..rows.num_rows()).collect();
        let place =
            |row: usize| (PartitionId(partitions.value(row).cast_unsigned()), offsets.value(row).cast_unsigned());
        order.sort_unstable_by_key(|row| place(*row));
        let found = self.find(&order.iter().map(|row| place(*row)).collect::<Vec<_>>())?;
        let mut records: Vec<Option<&[u8]>> = vec![None; rows.num_rows()];
        order.iter().zip(&found).for_each(|(row, record)| records[*row] = record.as_deref());
        self.with_records(&rows, &records, &self.schema)
    }

    /// Rows under `schema`: declared columns by the records of the rows, where they are there; the others, and declared
    /// ones of rows without a record, from the rows.
    pub(crate) fn with_records(
        &self,
        rows: &RecordBatch,
        records: &[Option<&[u8]>],
        schema: &SchemaRef,
    ) -> Result<RecordBatch, EngineError> {
        // For each row, where it is among those decoded.
        let mut pick: Vec<(usize, usize)> = Vec::with_capacity(records.len());
        let mut known = RecordsBuilder::default();
        for (row, record) in records.iter().enumerate() {
            match record {
                Some(record) => {
                    pick.push((0, known.len()));
                    if !known.push(record) {
                        return Err(self.defect("more than 4 GiB of records at once"));
                    }
                }
                None => pick.push((1, row)),
            }
        }
        let decoded = self.decoder.decode_records(&known.finish()).map_err(|source| EngineError::Replay {
            stream: self.name.clone(),
            partition: PartitionId(0),
            offset: 0,
            source,
        })?;
        let arrow = |error: arrow_schema::ArrowError| EngineError::Views(error.into());
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let old = match rows.column_by_name(field.name()) {
                Some(old) => convert(old, field.data_type()).map_err(arrow)?,
                None => new_null_array(field.data_type(), rows.num_rows()),
            };
            columns.push(match decoded.column_by_name(field.name()) {
                Some(decoded) => {
                    interleave(&[decoded.as_ref(), old.as_ref()] as &[&dyn Array], &pick).map_err(arrow)?
                }
                None => old,
            });
        }
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(arrow)
    }

    /// The records at these places, which are in order; `None` for those that the log does not hold any more.
    fn find(&self, places: &[(PartitionId, Offset)]) -> Result<Vec<Option<Vec<u8>>>, EngineError> {
        let mut found = vec![None; places.len()];
        let mut at = 0;
        while let Some((partition, offset)) = places.get(at).copied() {
            let blocks = match self.log.read(self.stream, partition, offset, READ_BYTES) {
                Ok(blocks) => blocks,
                Err(LogError::Truncated { earliest, .. }) => {
                    at += places[at..].iter().take_while(|(p, o)| *p == partition && *o < earliest).count().max(1);
                    continue;
                }
                Err(damage @ LogError::Damaged { .. }) => {
                    let after = self.log.after_hole(self.stream, partition, offset)?.ok_or(damage)?;
                    at += places[at..].iter().take_while(|(p, o)| *p == partition && *o < after).count().max(1);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let before = at;
            for block in &blocks {
                let end = block.base_offset + block.records.len() as u64;
                while let Some((_, offset)) = places.get(at).filter(|(p, o)| *p == partition && *o < end) {
                    if let Some(row) = offset.checked_sub(block.base_offset) {
                        found[at] = Some(block.records.get(row as usize).to_vec());
                    }
                    at += 1;
                }
            }
            if at == before {
                return Err(self.defect(format!("no record at offset {offset} of partition {partition}")));
            }
        }
        Ok(found)
    }

    fn defect(&self, what: impl std::fmt::Display) -> EngineError {
        EngineError::Views(highwater_views::ViewsError::Invariant(format!("rereading {}: {what}", self.name)))
    }
}

/// Values under a type that holds all of them; fields that a struct did not have are NULL.
fn convert(old: &ArrayRef, new: &DataType) -> Result<ArrayRef, arrow_schema::ArrowError> {
    if old.data_type() == new {
        return Ok(Arc::clone(old));
    }
    match (new, old.data_type()) {
        (DataType::Struct(fields), DataType::Struct(_)) => {
            let old = old.as_struct();
            let columns = fields.iter().map(|field| match old.column_by_name(field.name()) {
                Some(column) => convert(column, field.data_type()),
                None => Ok(new_null_array(field.data_type(), old.len())),
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, old.nulls().cloned(), old.len())?))
        }
        (DataType::List(item), DataType::List(_)) => {
            let old = old.as_list::<i32>();
            let items = convert(old.values(), item.data_type())?;
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), old.offsets().clone(), items, old.nulls().cloned())?))
        }
        (DataType::Map(entries, sorted), DataType::Map(..)) => {
            let old = old.as_map();
            let items = convert(&(Arc::new(old.entries().clone()) as ArrayRef), entries.data_type())?;
            let (offsets, nulls) = (old.offsets().clone(), old.nulls().cloned());
            let items = items.as_struct().clone();
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, items, nulls, *sorted)?))
        }
        _ => arrow_cast::cast(old, new),
    }
}
