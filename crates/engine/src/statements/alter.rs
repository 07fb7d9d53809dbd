//! `ALTER STREAM`, and `CREATE OR REPLACE STREAM` of a stream that holds records. Records stay as they are; they are read
//! by the new declaration from now on. What `evolve` lets through reads every stored record, so nothing that was accepted
//! is lost, and old columns keep their values.
//!
//! The change is made between two ticks and is one replacement of the catalog's file: before it everything is as it was,
//! after it everything is read anew, whatever happens in between. Events on their way were decoded by the old declaration:
//! the feed drops them and the tick reads them from the log. The rows of a keyed stream are rewritten beside the old ones,
//! which serve until then.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_model::{Column, ObjectId, ObjectName, StreamSchema};
use highwater_sql::{AlterStream, Catalog, EntryKind, Evolution, alter, evolve, stream_sql};
use highwater_views::{ViewPlan, Widening};

use super::run::Done;
use crate::catalog_file;
use crate::core::{Core, StreamRuntime};
use crate::error::{EngineError, catalog_error};
use crate::indexes;
use crate::jobs::{self, Budget, blocking};
use crate::query;
use crate::reread::Rereader;
use crate::tick::Ticker;

pub(super) async fn alter_stream(
    core: &Arc<Core>,
    statement: &AlterStream,
    text: &str,
    schema: &str,
) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let (id, altered) = {
        let catalog = core.catalog.read();
        let entry = catalog.find_kind(&statement.name, "stream", schema).map_err(|error| catalog_error(&error))?;
        let EntryKind::Stream { schema } = &entry.kind else { return Err(ApiError::internal("not a stream")) };
        (entry.id, alter(schema, statement, text)?)
    };
    let mut done = evolve_stream(core, id, &altered.schema, statement.cascade).await?;
    if altered.notices.is_empty() {
        return Ok(done);
    }
    // What was there already is said instead of "nothing changed".
    done.notices.retain(|notice| !notice.ends_with(UNCHANGED));
    done.notices.splice(0..0, altered.notices);
    Ok(done)
}

/// How the notice of a statement ends that changed nothing.
const UNCHANGED: &str = "is declared so already";

/// Makes a stream what `target` declares, if its records allow it. The caller holds the lock of the catalog.
pub(super) async fn evolve_stream(
    core: &Arc<Core>,
    id: ObjectId,
    target: &StreamSchema,
    cascade: bool,
) -> Result<Done, ApiError> {
    let stream = core.stream(id).ok_or_else(|| ApiError::internal(format!("stream {id} has no runtime")))?;
    let Some(evolution) = evolve(&stream.schema, target).map_err(|problems| refused(&stream.name, problems))? else {
        return Ok(Done::nothing(format!("{} {UNCHANGED}", stream.name)));
    };
    let mut catalog = core.catalog.read().clone();
    let sql = stream_sql(&stream.name, &evolution.schema);
    catalog.alter_stream(id, sql, evolution.schema.clone()).map_err(|error| catalog_error(&error))?;
    let affected = affected(core, &mut catalog, id, &evolution)?;
    if !affected.is_empty() && !cascade {
        return Err(read_by(&stream.name, &evolution, &affected));
    }
    let name = stream.name.to_string();
    let redeclared = stream.redeclared(evolution.schema.clone());
    let redeclared = redeclared.map_err(|source| EngineError::Declaration { stream: name, source })?;
    let owner = Arc::clone(core);
    // Its own task: a caller who goes away must not leave what follows the change undone.
    let change = Change { stream: Arc::new(redeclared), evolution, catalog, affected };
    let work = tokio::spawn(async move { change.carry_out(&owner).await });
    work.await.map_err(|error| ApiError::internal(format!("changing the stream stopped: {error}")))?
}

fn refused(name: &ObjectName, mut problems: highwater_model::Diagnostics) -> ApiError {
    for problem in &mut problems.0 {
        problem.message = format!("{name} holds records: {}", problem.message);
    }
    let mut error = ApiError::from(problems);
    error.kind = ErrorKind::Conflict;
    error
}

/// Materialized views whose plan is another with the new columns, in order of dependency; plain views get the types that
/// they have now. Everything that reads the stream is planned, so that nothing is left behind that cannot be.
fn affected(
    core: &Core,
    catalog: &mut Catalog,
    id: ObjectId,
    evolution: &Evolution,
) -> Result<Vec<(ObjectId, ObjectName)>, ApiError> {
    let mut affected = Vec::new();
    if !evolution.changes_columns() {
        return Ok(affected);
    }
    for reader in catalog.dependents(id) {
        let Some(entry) = catalog.get(reader) else { continue };
        match &entry.kind {
            EntryKind::MaterializedView { .. } => {
                let before = jobs::stored_spec(core, reader).map(|spec| spec.plan.display_indent_schema().to_string());
                let spec = jobs::spec_of(&core.planner, catalog, entry)?;
                let is_same = before == Some(spec.plan.display_indent_schema().to_string());
                if is_same && !affected.iter().any(|(id, _)| entry.depends_on.contains(id)) {
                    continue;
                }
                affected.push((reader, entry.name.clone()));
                let lowered = ViewPlan::new(&spec).map_err(EngineError::from)?;
                let columns = lowered.schema().fields().iter();
                let columns =
                    columns.map(|field| Column::new(field.name(), field.data_type().clone(), field.is_nullable()));
                let (columns, key) = (columns.collect(), lowered.key().to_vec());
                catalog.set_view_columns(reader, columns, key).map_err(|error| catalog_error(&error))?;
            }
            EntryKind::View { query_sql, .. } => {
                let relations = query::unbound_relations(core);
                let plain = core.planner.plan_declared_plain_view(entry, query_sql, catalog, &relations)?;
                catalog.set_view_columns(reader, plain.columns, Vec::new()).map_err(|error| catalog_error(&error))?;
            }
            _ => {}
        }
    }
    Ok(affected)
}

fn read_by(name: &ObjectName, evolution: &Evolution, affected: &[(ObjectId, ObjectName)]) -> ApiError {
    let views: Vec<String> = affected.iter().map(|(_, name)| name.to_string()).collect();
    let (columns, views) = (evolution.changed.join(", "), views.join(", "));
    let message =
        format!("{columns} of {name} cannot change: materialized views read what was computed from it: {views}");
    let hint = "add CASCADE: those views are computed anew from the records, and cannot be read until they are";
    ApiError::new(ErrorKind::Conflict, message).with_hint(hint)
}

/// A change that is decided.
struct Change {
    /// The stream by its new declaration.
    stream: Arc<StreamRuntime>,
    evolution: Evolution,
    /// The catalog with it.
    catalog: Catalog,
    /// Views to be computed anew.
    affected: Vec<(ObjectId, ObjectName)>,
}

impl Change {
    async fn carry_out(self, core: &Arc<Core>) -> Result<Done, ApiError> {
        let Self { stream, evolution, mut catalog, affected } = self;
        let mut widening = None;
        if evolution.changes_columns() && stream.schema.keyed.is_some() {
            widening = Some(self::widen(core, &stream).await?);
        }
        // Held until the declaration is in place: what is archived from then on has its columns.
        let archived = match &core.archives {
            Some(archives) if evolution.changes_columns() => {
                core.jobs.begin(stream.id, stream.name.clone(), "alter");
                let archived = archives.redeclare(core, &stream).await;
                core.jobs.forget(stream.id);
                Some(archived?)
            }
            _ => None,
        };
        let reread = Rereader::new(Arc::clone(&core.log), stream.id, stream.name.to_string(), &stream.schema)?;
        let (owner, runtime) = (Arc::clone(core), Arc::clone(&stream));
        let doomed: Vec<ObjectId> = affected.iter().map(|(id, _)| *id).collect();
        let placed = core.tick.run(move |ticker| -> Result<(), EngineError> {
            if let Some(widening) = &mut widening {
                widening.catch_up(|rows| reread.rewrite(rows))?;
            }
            // From here on it is so, whatever happens.
            catalog_file::save(&owner.settings.data, &catalog)?;
            place(ticker, &owner, &runtime, widening, &doomed)?;
            std::mem::swap(&mut *owner.catalog.write(), &mut catalog);
            owner.reader.renew();
            Ok(())
        });
        let placed = placed.await.unwrap_or_else(Err);
        if let (Err(_), Some(archives), true) = (&placed, &core.archives, archived.is_some()) {
            archives.as_declared(core, stream.id).await?;
        }
        placed?;
        drop(archived);
        tracing::info!(
            stream = %stream.name, added = evolution.added.join(", "), changed = evolution.changed.join(", "),
            "a stream was altered"
        );
        core.tick.wake();
        let mut notices = Vec::new();
        for (id, name) in affected {
            let Some(spec) = jobs::stored_spec(core, id) else { continue };
            jobs::build(core, spec, Budget::Exempt).await?;
            notices.push(format!("{name} was computed anew"));
        }
        indexes::build_all(core, indexes::indexes(&core.catalog.read(), Some(stream.id)));
        Ok(Done { rows: 0, notices })
    }
}

/// Rewrites the rows of a keyed stream while the old ones serve.
async fn widen(core: &Arc<Core>, stream: &Arc<StreamRuntime>) -> Result<Widening, EngineError> {
    let (id, schema) = (stream.id, stream.schema.clone());
    let mut widening = core.tick.run(move |ticker| ticker.flow.begin_widening(id, &schema)).await??;
    core.jobs.begin(id, stream.name.clone(), "alter");
    let (owner, stream) = (Arc::clone(core), Arc::clone(stream));
    let work = blocking(move || {
        let reread = Rereader::new(Arc::clone(&owner.log), id, stream.name.to_string(), &stream.schema)?;
        let rewrite = |rows| reread.rewrite(rows);
        widening.fill(rewrite, |done, bytes| {
            owner.jobs.progress(id, done);
            jobs::check_room(&owner, id, &stream.name, bytes, "altered")
        })?;
        Ok(widening)
    });
    let outcome = work.await;
    core.memory.built(id);
    core.jobs.forget(id);
    outcome
}

/// Puts a stream's new declaration in place, between two ticks.
fn place(
    ticker: &mut Ticker,
    core: &Core,
    stream: &Arc<StreamRuntime>,
    widening: Option<Widening>,
    doomed: &[ObjectId],
) -> Result<(), EngineError> {
    let id = stream.id;
    ticker.flow.follow_time(id, &stream.schema);
    if let Some(widening) = widening {
        ticker.flow.finish_widening(widening)?;
        // Who follows its rows is told to begin again: they have other columns.
        core.hub.close(id);
    }
    for id in doomed {
        ticker.flow.remove(*id);
        core.hub.close(*id);
    }
    stream.feed.redeclare(stream.decoder.schema());
    core.streams.write().insert(id, Arc::clone(stream));
    Ok(())
}
