//! `INSERT`, `UPDATE` and `DELETE` on tables: the plan gives whole rows, which are appended to the table's log.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_json::writer::{LineDelimited, WriterBuilder};
use arrow_schema::{DataType, Field, Schema};
use highwater_api::{ApiError, ErrorKind, SqlLimits};
use highwater_decode::BodyFormat;
use highwater_log::{Append, Part};
use highwater_model::{EventBatch, Offsets, PartitionId, Records};
use highwater_sql::{DELETED_COLUMN, Statement, TableWrite};

use super::run::Done;
use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::memory;
use crate::query;

pub(super) async fn write(
    core: &Arc<Core>,
    statement: &Statement,
    text: &str,
    schema: &str,
    limits: &SqlLimits,
) -> Result<Done, ApiError> {
    // One writer at a time: what a statement reads must not change before it writes.
    let _guard = core.ddl.lock().await;
    let planned: TableWrite = {
        let catalog = core.catalog.read();
        let relations = query::unbound_relations(core);
        match statement {
            Statement::Insert(insert) => core.planner.plan_insert(insert, text, &catalog, schema, &relations)?,
            Statement::Update(update) => core.planner.plan_update(update, text, &catalog, schema, &relations)?,
            Statement::Delete(delete) => core.planner.plan_delete(delete, text, &catalog, schema, &relations)?,
            other => return Err(ApiError::internal(format!("{} writes no table", other.tag()))),
        }
    };
    let table = core.stream(planned.table).ok_or_else(|| ApiError::internal("the table has no runtime"))?;
    let rows = query::collect_plan(core, planned.plan, limits).await?;
    if matches!(statement, Statement::Insert(_)) {
        check_new_keys(core, &table, &rows)?;
    }
    let deleted = matches!(statement, Statement::Delete(_));
    if !deleted && core.memory.is_full() {
        let what = format!("{} is not written", table.name);
        return Err(memory::full(core, ErrorKind::Overloaded, &what));
    }
    let count = rows.iter().map(|batch| batch.num_rows() as u64).sum();
    if count > 0 {
        let records = encode(&table, &rows, deleted)?;
        append_visible(core, &table, records).await?;
    }
    Ok(Done::rows(count))
}

/// An inserted key must be new.
fn check_new_keys(core: &Core, table: &StreamRuntime, rows: &[RecordBatch]) -> Result<(), ApiError> {
    let Some(keyed) = &table.schema.keyed else { return Ok(()) };
    let relations = core.reader.read();
    let Some(store) = relations.store(table.id) else { return Ok(()) };
    let name = |column: &usize| table.schema.columns[*column].name.clone();
    let names = keyed.key.iter().map(name).collect::<Vec<_>>().join(", ");
    let conflict = |what: &str| {
        ApiError::new(ErrorKind::Conflict, format!("{what} in {}: ({names}) identifies a row", table.name))
            .with_hint("UPDATE the row, or DELETE it first")
    };
    let mut seen = std::collections::HashSet::new();
    for batch in rows {
        let keys: Vec<ArrayRef> = keyed.key.iter().map(|column| batch.column(*column).clone()).collect();
        if keys.iter().any(|key| key.null_count() > 0) {
            return Err(ApiError::new(
                ErrorKind::InvalidInput,
                format!("a NULL in ({names}), the key of {}", table.name),
            ));
        }
        if store.lookup(&keys).map_err(EngineError::from)?.num_rows() > 0 {
            return Err(conflict("a row of this key exists"));
        }
        let fields = keys.iter().map(|key| arrow_row::SortField::new(key.data_type().clone())).collect();
        let encoded = arrow_row::RowConverter::new(fields).and_then(|converter| converter.convert_columns(&keys));
        let encoded = encoded.map_err(|error| ApiError::internal(error.to_string()))?;
        if !encoded.iter().all(|key| seen.insert(key.data().to_vec())) {
            return Err(conflict("the same key is inserted twice"));
        }
    }
    Ok(())
}

/// Rows as the table's raw records.
fn encode(table: &StreamRuntime, rows: &[RecordBatch], deleted: bool) -> Result<Records, ApiError> {
    let internal = |error: arrow_schema::ArrowError| ApiError::internal(error.to_string());
    let mut text = Vec::new();
    for batch in rows {
        let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut columns = batch.columns().to_vec();
        for (field, column) in fields.iter_mut().zip(&mut columns) {
            if matches!(field.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView) {
                return Err(ApiError::new(
                    ErrorKind::Unsupported,
                    format!("column {} of {} is BYTEA, which SQL does not write yet", field.name(), table.name),
                )
                .with_hint("load it from a file, as base64 text"));
            }
            // Declared names, whatever the plan called them.
            if let DataType::Decimal128(_, _) | DataType::Decimal256(_, _) = field.data_type() {
                *column = arrow_cast::cast(column, &DataType::Utf8).map_err(internal)?;
                *field = Field::new(field.name(), DataType::Utf8, true);
            }
        }
        if deleted {
            fields.push(Field::new(DELETED_COLUMN, DataType::Boolean, false));
            columns.push(Arc::new(BooleanArray::from(vec![true; batch.num_rows()])));
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(internal)?;
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut text);
        writer.write(&batch).and_then(|()| writer.finish()).map_err(internal)?;
    }
    let decoded = table.decoder.decode_body(BodyFormat::NdJson, &text.into());
    let decoded = decoded.map_err(|error| ApiError::internal(error.to_string()))?;
    match decoded.rejects.first() {
        Some(reject) => {
            Err(ApiError::new(ErrorKind::InvalidInput, format!("a row for {}: {}", table.name, reject.reason)))
        }
        None => Ok(decoded.records()),
    }
}

/// Appends records to a table and waits until they show.
pub(super) async fn append_visible(
    core: &Arc<Core>,
    table: &Arc<StreamRuntime>,
    records: Records,
) -> Result<(), ApiError> {
    let now = core.clock.now_micros();
    let rows = table.decoder.decode_records(&records).map_err(|error| ApiError::internal(error.to_string()))?;
    let partition = PartitionId(0);
    let parts = vec![Part { partition, records }];
    let append = Append { stream: table.id, ingested_at_micros: now, stamp: None, parts };
    let (owner, runtime) = (Arc::clone(core), Arc::clone(table));
    let appended = core.log.append(append);
    let stored = tokio::spawn(async move {
        let appended = appended.await?;
        for range in &appended.ranges {
            let rows = rows.clone();
            runtime.feed.offer(EventBatch { partition, base_offset: range.first, ingested_at_micros: now, rows });
        }
        owner.tick.wake();
        Ok::<_, EngineError>(appended)
    });
    let appended = stored.await.map_err(|error| ApiError::internal(format!("storing stopped: {error}")))??;
    let mut wanted = Offsets::default();
    for range in &appended.ranges {
        wanted.set(table.id, range.partition, range.next);
    }
    core.tick.visible(&core.reader, &wanted).await
}
