//! Recomputing a view: what its history gives at one version is stored as its batch result, whose offsets become its
//! mark, and compared with what is served at that very version. A view that differs is built anew and put in place.

use std::sync::Arc;

use highwater_api::{ApiError, AuditOutcome, AuditResult};
use highwater_model::ObjectId;
use highwater_sql::EntryKind;

use super::run::{evaluation, found, held};
use crate::audit::{audit, pin};
use crate::batch::fingerprint;
use crate::core::Core;
use crate::jobs::{self, Budget};
use crate::query::inputs_of;

/// Recomputes a view.
///
/// # Errors
/// When it cannot be computed or stored, or not be put right; the result then says what was found.
pub(super) async fn recompute(core: &Arc<Core>, id: ObjectId, result: &mut AuditResult) -> Result<(), ApiError> {
    let pinned = held(core, id, result).await?;
    let (mut writer, mut manifest) =
        core.batches.begin(id, pinned.name.to_string(), Arc::clone(pinned.rows.schema()))?;
    let with = evaluation(core)?;
    let audited = audit(core, &pinned, &with, &mut |rows| writer.write(rows)).await?;
    manifest.offsets = pinned.cut.offsets.as_ref().clone();
    let inputs = inputs_of(&pinned.catalog, id);
    manifest.offsets.retain(|stream| inputs.contains(&stream));
    manifest.clock_micros = result.clock_micros;
    manifest.started_micros = result.started_micros;
    manifest.finished_micros = core.clock.now_micros();
    manifest.fingerprint = fingerprint(&pinned.catalog, id);
    core.batches.finish(writer, manifest)?;
    // Declared anew while it was computed: this is the result of another view.
    core.batches.settle(&core.catalog.read());
    found(result, &pinned, audited);
    drop(pinned);
    match result.outcome {
        AuditOutcome::Different => put_right(core, id).await,
        _ => Ok(()),
    }
}

/// Builds a view anew, after those it reads, and looks again.
async fn put_right(core: &Arc<Core>, id: ObjectId) -> Result<(), ApiError> {
    let wrong: Vec<ObjectId> = {
        let catalog = core.catalog.read();
        let inputs = inputs_of(&catalog, id);
        let is_view = |id: &ObjectId| {
            catalog.get(*id).is_some_and(|entry| matches!(entry.kind, EntryKind::MaterializedView { .. }))
        };
        catalog.topological().into_iter().filter(|id| inputs.contains(id) && is_view(id)).collect()
    };
    for view in wrong {
        let Some(spec) = jobs::stored_spec(core, view) else { continue };
        tracing::warn!(view = %spec.name, "the view is built anew from its history");
        jobs::build(core, spec, Budget::Exempt).await?;
        if core.catalog.read().get(view).is_none() {
            // It was dropped meanwhile.
            core.tick.run(move |ticker| ticker.flow.remove(view)).await?;
        }
    }
    let pinned = pin(core, id).await?;
    let again = audit(core, &pinned, &evaluation(core)?, &mut |_| Ok(())).await?;
    if again.findings.is_empty() {
        return Ok(());
    }
    let message = format!("{} was built anew and still differs from its history", pinned.name);
    Err(ApiError::internal(message).with_hint(
        "audit the keyed streams and tables it reads: when they differ, stop the server, remove the folder \"state\" in the \
         data folder and start again; everything is then computed from the log",
    ))
}
