//! `CREATE VIEW` and `CREATE MATERIALIZED VIEW`.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_model::{ObjectId, ObjectName};
use highwater_sql::{Catalog, CreateMaterializedView, CreateView, EntryKind, ViewQuery};
use highwater_views::{ViewPlan, ViewSpec};

use super::ddl::commit;
use super::drop::forget;
use super::run::Done;
use crate::core::Core;
use crate::error::{EngineError, catalog_error};
use crate::indexes;
use crate::jobs::{self, Budget};
use crate::memory;
use crate::query;

pub(super) async fn create_view(
    core: &Arc<Core>,
    create: &CreateView,
    text: &str,
    schema: &str,
) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    let name = create.name.in_schema(schema);
    if create.if_not_exists && catalog.by_name(&name).is_some() {
        return Ok(Done::nothing(format!("{name} exists")));
    }
    let relations = query::unbound_relations(core);
    let plain =
        core.planner.plan_plain_view(&create.query, text, &create.columns, &catalog, &name.schema, &relations)?;
    let kind = EntryKind::View { query_sql: create.query_sql.clone(), columns: plain.columns };
    declare(&mut catalog, &name, create.sql.clone(), kind, plain.depends_on, create.or_replace)?;
    commit(core, catalog)?;
    Ok(Done::rows(0))
}

/// Adds or replaces a view in the catalog; gives its id, and the id it had.
fn declare(
    catalog: &mut Catalog,
    name: &ObjectName,
    sql: String,
    kind: EntryKind,
    depends_on: Vec<ObjectId>,
    or_replace: bool,
) -> Result<(ObjectId, Option<ObjectId>), ApiError> {
    let outcome = if or_replace && catalog.by_name(name).is_some() {
        catalog.replace(name, sql, kind, depends_on).map(|replaced| (replaced.new, Some(replaced.old)))
    } else {
        catalog.create(name.clone(), sql, kind, depends_on).map(|id| (id, None))
    };
    outcome.map_err(|error| catalog_error(&error))
}

pub(super) async fn create_materialized_view(
    core: &Arc<Core>,
    create: &CreateMaterializedView,
    text: &str,
    schema: &str,
) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    let name = create.name.in_schema(schema);
    if let Some(existing) = catalog.by_name(&name) {
        if create.if_not_exists {
            return Ok(Done::nothing(format!("{name} exists")));
        }
        let same =
            matches!(&existing.kind, EntryKind::MaterializedView { query_sql, .. } if *query_sql == create.query_sql);
        if create.or_replace && same && existing.sql == create.sql {
            return Ok(Done::nothing(format!("{name} is declared so already")));
        }
    }
    let planned = core.planner.plan_for_view(&create.query, text, &create.columns, &catalog, &name.schema)?;
    let ViewQuery { plan, mut columns, depends_on } = planned;
    // A query that cannot be maintained is refused before anything is declared.
    let spec = ViewSpec { id: catalog.next_id(), name: name.clone(), plan, retain: create.retain.clone() };
    let lowered = ViewPlan::new(&spec).map_err(EngineError::from)?;
    for (column, field) in columns.iter_mut().zip(lowered.schema().fields()) {
        column.nullable = field.is_nullable();
    }
    let kind = EntryKind::MaterializedView {
        query_sql: create.query_sql.clone(),
        columns,
        key: lowered.key().to_vec(),
        retain_micros: create.retain.as_ref().map(|retain| retain.micros),
    };
    if core.memory.is_full() {
        return Err(memory::full(core, ErrorKind::TooLarge, &format!("{name} cannot be built")));
    }
    let before = catalog.clone();
    let (id, replaced) = declare(&mut catalog, &name, create.sql.clone(), kind, depends_on, create.or_replace)?;
    let spec = ViewSpec { id, ..spec };
    commit(core, catalog)?;
    if let Err(error) = jobs::build(core, spec, Budget::Kept).await {
        core.jobs.forget(id);
        commit(core, before)?;
        return Err(error.into());
    }
    if let Some(old) = replaced {
        rebuild_dependents(core, id).await?;
        forget_view(core, old).await?;
    }
    Ok(Done::rows(0))
}

/// Views that read a replaced one are built anew on top of its successor.
async fn rebuild_dependents(core: &Arc<Core>, id: ObjectId) -> Result<(), ApiError> {
    let dependents = core.catalog.read().dependents(id);
    for dependent in dependents {
        if let Some(spec) = jobs::stored_spec(core, dependent) {
            // A view in place of another of the same columns.
            jobs::build(core, spec, Budget::Exempt).await?;
        }
        if core.catalog.read().get(dependent).is_some_and(|entry| matches!(entry.kind, EntryKind::Index { .. })) {
            indexes::build(core, dependent).await?;
        }
    }
    Ok(())
}

async fn forget_view(core: &Arc<Core>, old: ObjectId) -> Result<(), ApiError> {
    let entry = highwater_sql::Entry {
        id: old,
        name: ObjectName::new("", ""),
        sql: String::new(),
        kind: EntryKind::View { query_sql: String::new(), columns: Vec::new() },
        depends_on: Vec::new(),
    };
    forget(core, &entry).await
}
