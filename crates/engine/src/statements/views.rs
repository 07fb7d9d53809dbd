//! `CREATE VIEW`, `CREATE MATERIALIZED VIEW` and `CANCEL BUILD`. A materialized view is built from history while everything
//! goes on; one that replaces another keeps its id, and the other serves, in the catalog too, until the new one is in place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_model::{ObjectId, ObjectName};
use highwater_sql::{CancelBuild, Catalog, CreateMaterializedView, CreateView, EntryKind, ViewQuery};
use highwater_views::{ViewPlan, ViewSpec};

use super::ddl::commit;
use super::run::Done;
use crate::core::Core;
use crate::error::{EngineError, catalog_error};
use crate::jobs::{self, Budget, Commit};
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
    if let Some(existing) = catalog.by_name(&name) {
        if create.if_not_exists {
            return Ok(Done::nothing(format!("{name} exists")));
        }
        if create.or_replace && matches!(existing.kind, EntryKind::View { .. }) && existing.sql == create.sql {
            return Ok(Done::nothing(format!("{name} is declared so already")));
        }
    }
    let relations = query::unbound_relations(core);
    let plain =
        core.planner.plan_plain_view(&create.query, text, &create.columns, &catalog, &name.schema, &relations)?;
    let kind = EntryKind::View { query_sql: create.query_sql.clone(), columns: plain.columns };
    declare(&mut catalog, &name, create.sql.clone(), kind, plain.depends_on, create.or_replace)?;
    commit(core, catalog)?;
    Ok(Done::rows(0))
}

/// Adds or replaces a plain view in the catalog.
fn declare(
    catalog: &mut Catalog,
    name: &ObjectName,
    sql: String,
    kind: EntryKind,
    depends_on: Vec<ObjectId>,
    or_replace: bool,
) -> Result<(), ApiError> {
    let outcome = if or_replace && catalog.by_name(name).is_some() {
        catalog.replace(name, sql, kind, depends_on).map(drop)
    } else {
        catalog.create(name.clone(), sql, kind, depends_on).map(drop)
    };
    outcome.map_err(|error| catalog_error(&error))
}

pub(super) async fn create_materialized_view(
    core: &Arc<Core>,
    create: &CreateMaterializedView,
    text: &str,
    schema: &str,
) -> Result<Done, ApiError> {
    let guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    let name = create.name.in_schema(schema);
    if let Some(existing) = catalog.by_name(&name) {
        if create.if_not_exists {
            return Ok(Done::nothing(format!("{name} exists")));
        }
        let is_same = matches!(&existing.kind, EntryKind::MaterializedView { .. }) && existing.sql == create.sql;
        if create.or_replace && is_same {
            return Ok(Done::nothing(format!("{name} is declared so already")));
        }
    }
    let replaced = catalog.by_name(&name).filter(|_| create.or_replace).map(|existing| existing.id);
    let planned = core.planner.plan_for_view(&create.query, text, &create.columns, &catalog, &name.schema)?;
    let ViewQuery { plan, mut columns, depends_on } = planned;
    // A query that cannot be maintained is refused before anything is declared.
    let id = replaced.unwrap_or(catalog.next_id());
    let spec = ViewSpec { id, name: name.clone(), plan, retain: create.retain.clone() };
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
    check_computed(core, &catalog, &name, lowered.relations())?;
    if core.memory.is_full() {
        return Err(memory::full(core, ErrorKind::TooLarge, &format!("{name} cannot be built")));
    }
    let declared =
        Declared { name, sql: create.sql.clone(), kind, sees: columns_of(&catalog, &depends_on), depends_on };
    let work = match replaced {
        // What others read of it, and that it does not read itself, is checked now, and again when it takes its place.
        Some(old) => {
            declared.replace(&mut catalog, old)?;
            let commit: Commit = Box::new(move |core| declared.commit(core, old));
            let owner = Arc::clone(core);
            tokio::spawn(async move { jobs::replace(&owner, spec, commit).await })
        }
        None => {
            declared.create(&mut catalog)?;
            commit(core, catalog)?;
            let owner = Arc::clone(core);
            tokio::spawn(async move { build_new(&owner, spec).await })
        }
    };
    // Building takes as long as history does; whoever declares something else, or writes a table, need not wait for it.
    drop(guard);
    work.await.map_err(|error| ApiError::internal(format!("building a view stopped: {error}")))??;
    Ok(Done::rows(0))
}

/// Builds a view that was declared; one that cannot be built is declared no more.
async fn build_new(core: &Arc<Core>, spec: ViewSpec) -> Result<(), EngineError> {
    let id = spec.id;
    let outcome = jobs::build(core, spec, Budget::Kept).await;
    if outcome.is_err() {
        let _guard = core.ddl.lock().await;
        let mut catalog = core.catalog.read().clone();
        // Whoever dropped it has seen to the rest; what reads it already keeps it, and the next start builds it.
        if catalog.get(id).is_some() && catalog.drop_objects(&[id], false).is_ok() {
            commit(core, catalog).map_err(|error| EngineError::Refused(Box::new(error)))?;
            core.jobs.forget(id);
        }
    }
    outcome
}

/// Refuses to build on a view that is being built.
fn check_computed(
    core: &Core,
    catalog: &Catalog,
    name: &ObjectName,
    relations: &BTreeSet<ObjectId>,
) -> Result<(), ApiError> {
    let version = core.reader.read();
    match relations.iter().find(|id| version.store(**id).is_none()).and_then(|id| catalog.get(*id)) {
        Some(entry) => {
            let message = format!("{name} reads {}, which is being computed from history", entry.name);
            let hint = "its progress is in highwater.views; create this one when it is live";
            Err(ApiError::new(ErrorKind::Unavailable, message).with_hint(hint))
        }
        None => Ok(()),
    }
}

/// How many columns the streams among these have.
fn columns_of(catalog: &Catalog, ids: &[ObjectId]) -> BTreeMap<ObjectId, usize> {
    let streams = ids.iter().filter_map(|id| catalog.get(*id));
    let streams = streams.filter(|entry| matches!(entry.kind, EntryKind::Stream { .. }));
    streams.map(|entry| (entry.id, entry.kind.columns().len())).collect()
}

/// A materialized view as it was planned.
struct Declared {
    name: ObjectName,
    sql: String,
    kind: EntryKind,
    depends_on: Vec<ObjectId>,
    /// Columns that the streams it reads had then.
    sees: BTreeMap<ObjectId, usize>,
}

impl Declared {
    fn create(&self, catalog: &mut Catalog) -> Result<(), ApiError> {
        let created = catalog.create(self.name.clone(), self.sql.clone(), self.kind.clone(), self.depends_on.clone());
        created.map(drop).map_err(|error| catalog_error(&error))
    }

    /// Takes the place of a view in a catalog. Streams that got columns since are seen as they were.
    fn replace(&self, catalog: &mut Catalog, old: ObjectId) -> Result<(), ApiError> {
        let Self { name, sql, kind, depends_on, sees } = self;
        let now = columns_of(catalog, depends_on);
        let sees = sees.iter().filter(|(id, columns)| now.get(*id).is_some_and(|now| *now > **columns));
        let sees = sees.map(|(id, columns)| (*id, *columns)).collect();
        if catalog.by_name(name).map(|entry| entry.id) != Some(old) {
            let message = format!("{name} was dropped while its new definition was built");
            return Err(ApiError::new(ErrorKind::Conflict, message).with_hint("create it again"));
        }
        let replaced = catalog.replace_view(name, sql.clone(), kind.clone(), depends_on.clone(), sees);
        replaced.map_err(|error| catalog_error(&error))
    }

    /// The same, on disk.
    fn commit(&self, core: &Core, old: ObjectId) -> Result<(), EngineError> {
        let refused = |error| EngineError::Refused(Box::new(error));
        let mut catalog = core.catalog.read().clone();
        self.replace(&mut catalog, old).map_err(refused)?;
        commit(core, catalog).map_err(refused)
    }
}

/// `CANCEL BUILD`: a view that is being built is declared no more; one that is being replaced stays as it was.
pub(super) async fn cancel_build(core: &Arc<Core>, cancel: &CancelBuild, schema: &str) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let catalog = core.catalog.read();
    let entry = catalog.find_kind(&cancel.view, "materialized view", schema).map_err(|error| catalog_error(&error))?;
    if core.jobs.cancel(entry.id) {
        return Ok(Done::nothing(format!("the build of {} is cancelled", entry.name)));
    }
    let message = format!("{} is not being built", entry.name);
    Err(ApiError::new(ErrorKind::Conflict, message).with_hint("SHOW JOBS lists what is"))
}
