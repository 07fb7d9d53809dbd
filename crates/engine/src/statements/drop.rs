//! `DROP`.

use std::sync::Arc;

use highwater_api::ApiError;
use highwater_sql::{Drop, DropKind, Entry, EntryKind};

use super::ddl::commit;
use super::run::Done;
use crate::core::Core;
use crate::error::{EngineError, catalog_error};
use crate::jobs;

pub(super) async fn drop_objects(core: &Arc<Core>, statement: &Drop, schema: &str) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    let mut notices = Vec::new();
    let mut dropped: Vec<Entry> = Vec::new();
    let mut ids = Vec::new();
    for name in &statement.names {
        if statement.kind == DropKind::Schema {
            let known = catalog.schemas().any(|schema| schema == name.name);
            if !known && statement.if_exists {
                notices.push(format!("there is no schema {}", name.name));
                continue;
            }
            dropped.extend(catalog.drop_schema(&name.name, statement.cascade).map_err(|error| catalog_error(&error))?);
            continue;
        }
        match catalog.find(name.schema.as_deref(), &name.name, schema) {
            Ok(entry) if !fits(statement.kind, &entry.kind) => {
                let message = format!("{} is a {}", entry.name, entry.kind.noun());
                return Err(ApiError::new(highwater_api::ErrorKind::Conflict, message).with_hint(format!(
                    "write DROP {} {}",
                    entry.kind.noun().to_uppercase(),
                    entry.name
                )));
            }
            Ok(entry) => ids.push(entry.id),
            Err(error) if error.is_not_found() && statement.if_exists => notices.push(error.to_string()),
            Err(error) => return Err(catalog_error(&error)),
        }
    }
    dropped.extend(catalog.drop_objects(&ids, statement.cascade).map_err(|error| catalog_error(&error))?);
    if dropped.len() > ids.len() {
        let names: Vec<String> = dropped.iter().map(|entry| entry.name.to_string()).collect();
        notices.push(format!("dropped {}", names.join(", ")));
    }
    commit(core, catalog)?;
    for entry in dropped {
        forget(core, &entry).await?;
    }
    // There may be room now for what there was none before.
    jobs::try_again(core).await?;
    Ok(Done { rows: 0, notices })
}

/// Removes what a dropped object held. It is out of the catalog already, so a crash here leaves only litter, which
/// the next start removes.
pub(super) async fn forget(core: &Arc<Core>, entry: &Entry) -> Result<(), ApiError> {
    let id = entry.id;
    if matches!(entry.kind, EntryKind::Index { .. }) {
        core.tick.run(move |ticker| ticker.flow.drop_index(id)).await?;
        core.jobs.forget(id);
        return Ok(());
    }
    core.streams.write().remove(&id);
    core.tick.run(move |ticker| ticker.flow.remove(id)).await?;
    core.hub.close(id);
    core.jobs.forget(id);
    core.ranked_views.forget(id);
    core.batches.forget(id);
    if let Some(schema) = entry.kind.stream_schema() {
        core.log.drop_stream(id).map_err(EngineError::from)?;
        if let Some(archives) = &core.archives {
            archives.forget(id, &entry.name, schema).await?;
        }
    }
    Ok(())
}

fn fits(kind: DropKind, entry: &EntryKind) -> bool {
    matches!(
        (kind, entry),
        (DropKind::Stream, EntryKind::Stream { .. })
            | (DropKind::Table, EntryKind::Table { .. })
            | (DropKind::View, EntryKind::View { .. })
            | (DropKind::MaterializedView, EntryKind::MaterializedView { .. })
            | (DropKind::Index, EntryKind::Index { .. })
    )
}
