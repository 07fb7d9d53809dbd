//! `CREATE SCHEMA`, `CREATE STREAM`, `CREATE TABLE`.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_log::Log;
use highwater_model::{ObjectId, ObjectName, PartitionId, StreamSchema};
use highwater_sql::{Catalog, CreateSchema, CreateStream, CreateTable, EntryKind, evolve};
use highwater_views::{Dataflow, ViewsError};

use super::alter;
use super::load;
use super::run::Done;
use crate::catalog_file;
use crate::core::{Core, StreamRuntime};
use crate::error::{EngineError, catalog_error};
use crate::indexes;
use crate::memory;
use crate::tick::Ticker;

/// Puts a changed catalog on disk, then in place.
pub(super) fn commit(core: &Core, catalog: Catalog) -> Result<(), ApiError> {
    catalog_file::save(&core.settings.data, &catalog)?;
    core.batches.settle(&catalog);
    *core.catalog.write() = catalog;
    core.reader.renew();
    Ok(())
}

pub(super) async fn create_schema(core: &Arc<Core>, create: &CreateSchema) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    if create.if_not_exists && catalog.schemas().any(|schema| schema == create.name) {
        return Ok(Done::nothing(format!("schema {} exists", create.name)));
    }
    catalog.create_schema(&create.name).map_err(|error| catalog_error(&error))?;
    commit(core, catalog)?;
    Ok(Done::rows(0))
}

pub(super) async fn create_stream(core: &Arc<Core>, create: &CreateStream, schema: &str) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let name = create.name.in_schema(schema);
    let kind = EntryKind::Stream { schema: create.schema.clone() };
    if let Some(done) =
        declared_already(core, &name, create.if_not_exists, create.or_replace, &create.sql, &kind).await?
    {
        return Ok(done);
    }
    add_logged(core, name, create.sql.clone(), kind, &create.schema, false).await?;
    Ok(Done::rows(0))
}

pub(super) async fn create_table(core: &Arc<Core>, create: &CreateTable, schema: &str) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let name = create.name.in_schema(schema);
    let kind = EntryKind::Table { schema: create.schema.clone(), load: create.load.clone() };
    if let Some(done) =
        declared_already(core, &name, create.if_not_exists, create.or_replace, &create.sql, &kind).await?
    {
        return Ok(done);
    }
    if create.load.is_some() && core.memory.is_full() {
        return Err(memory::full(core, ErrorKind::TooLarge, &format!("{name} is not loaded")));
    }
    // The file is read before anything is declared: a bad one leaves nothing behind.
    let rows = match &create.load {
        Some(file) => Some(load::read(core, file, &create.schema, &name.schema)?),
        None => None,
    };
    let stream = add_logged(core, name, create.sql.clone(), kind, &create.schema, true).await?;
    match rows {
        Some(rows) => load::store(core, &stream, rows).await.map(Done::rows),
        None => Ok(Done::rows(0)),
    }
}

/// What to answer when the name is taken by a stream or table of the same kind and that is as asked; `None` when it is
/// to be created (which refuses a name that is taken otherwise).
async fn declared_already(
    core: &Arc<Core>,
    name: &ObjectName,
    if_not_exists: bool,
    or_replace: bool,
    sql: &str,
    new: &EntryKind,
) -> Result<Option<Done>, ApiError> {
    let existing = core.catalog.read().by_name(name).map(|entry| (entry.id, entry.kind.clone()));
    let Some((id, kind)) = existing else { return Ok(None) };
    if if_not_exists {
        return Ok(Some(Done::nothing(format!("{name} exists"))));
    }
    if !or_replace || kind.noun() != new.noun() {
        return Ok(None);
    }
    let same = kind.stream_schema() == new.stream_schema();
    redeclare(core, id, name, sql.to_owned(), new.clone(), same).await.map(Some)
}

/// Declares a stream or table and makes it take records.
async fn add_logged(
    core: &Arc<Core>,
    name: ObjectName,
    sql: String,
    kind: EntryKind,
    schema: &StreamSchema,
    is_table: bool,
) -> Result<Arc<StreamRuntime>, ApiError> {
    let mut catalog = core.catalog.read().clone();
    let id = catalog.create(name.clone(), sql, kind, Vec::new()).map_err(|error| catalog_error(&error))?;
    let stream = open_stream(core.log.as_ref(), id, name, schema.clone(), is_table, |_| 0)?;
    let schema = schema.clone();
    let follow = move |ticker: &mut Ticker| follow(&mut ticker.flow, id, &schema, is_table);
    core.tick.run(follow).await?.map_err(EngineError::from)?;
    commit(core, catalog)?;
    core.streams.write().insert(id, Arc::clone(&stream));
    core.tick.wake();
    Ok(stream)
}

/// Tells the dataflow of a declared stream or table.
fn follow(flow: &mut Dataflow, id: ObjectId, schema: &StreamSchema, is_table: bool) -> Result<(), ViewsError> {
    flow.follow_time(id, schema);
    if schema.keyed.is_some() { flow.add_keyed(id, schema, is_table).map(drop) } else { Ok(()) }
}

/// The runtime of a declared stream or table, with its log open.
pub(crate) fn open_stream(
    log: &dyn Log,
    id: ObjectId,
    name: ObjectName,
    schema: StreamSchema,
    is_table: bool,
    next: impl Fn(PartitionId) -> u64,
) -> Result<Arc<StreamRuntime>, EngineError> {
    log.open_stream(id, schema.partitions)?;
    let text = name.to_string();
    let runtime = StreamRuntime::new(id, name, schema, is_table, next);
    runtime.map(Arc::new).map_err(|source| EngineError::Declaration { stream: text, source })
}

/// `OR REPLACE` of a stream or table: the same declaration changes nothing; another one is what a stream that holds records
/// becomes when they allow it, as by `ALTER STREAM`; a table only while it is empty.
async fn redeclare(
    core: &Arc<Core>,
    id: ObjectId,
    name: &ObjectName,
    sql: String,
    kind: EntryKind,
    same: bool,
) -> Result<Done, ApiError> {
    if same {
        return Ok(Done::nothing(format!("{name} is declared so already")));
    }
    let size = core.log.size(id).map_err(EngineError::from)?;
    let archived = core.archives.as_ref().map_or(0, |archives| archives.held(id).rows);
    let holds = size.records > 0 || size.rejects > 0 || archived > 0;
    if let EntryKind::Stream { schema } = &kind {
        let is_read = !core.catalog.read().dependents(id).is_empty();
        let evolves = || core.stream(id).is_some_and(|stream| evolve(&stream.schema, schema).is_ok());
        if holds || is_read && evolves() {
            return alter::evolve_stream(core, id, schema, false).await;
        }
    }
    if holds {
        let message = format!(
            "{name} holds {} records and {} rejects that the new declaration may not read",
            size.records, size.rejects
        );
        return Err(ApiError::new(ErrorKind::Conflict, message)
            .with_hint("create a table of another name, or DROP this one first"));
    }
    let mut catalog = core.catalog.read().clone();
    let Some(schema) = kind.stream_schema().cloned() else { return Err(ApiError::internal("not a stream")) };
    let is_table = matches!(kind, EntryKind::Table { .. });
    catalog.replace(name, sql, kind, Vec::new()).map_err(|error| catalog_error(&error))?;
    let stream = open_stream(core.log.as_ref(), id, name.clone(), schema.clone(), is_table, |_| 0)?;
    core.tick
        .run(move |ticker| {
            ticker.flow.remove(id);
            follow(&mut ticker.flow, id, &schema, is_table)
        })
        .await?
        .map_err(EngineError::from)?;
    commit(core, catalog)?;
    core.streams.write().insert(id, stream);
    let ranked = indexes::indexes(&core.catalog.read(), Some(id));
    indexes::build_all(core, ranked);
    Ok(Done::rows(0))
}
