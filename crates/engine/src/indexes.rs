//! Ranked indexes: built in the background from the rows of what they rank, when they are declared, when the engine
//! starts, and when what they rank is built anew. Queries give the same answers meanwhile, only later.

use std::sync::Arc;

use highwater_model::ObjectId;
use highwater_sql::{Catalog, EntryKind};
use highwater_views::{RankColumn, RankSpec, ViewsError};

use crate::core::Core;
use crate::error::EngineError;
use crate::jobs::blocking;

/// Times a build begins again because what it ranks was replaced meanwhile.
const MOST_ATTEMPTS: usize = 8;

/// Ids of all indexes, or of those of one relation.
pub(crate) fn indexes(catalog: &Catalog, of: Option<ObjectId>) -> Vec<ObjectId> {
    let entries = catalog.entries().filter(|entry| matches!(entry.kind, EntryKind::Index { .. }));
    entries.filter(|entry| of.is_none_or(|of| entry.depends_on.contains(&of))).map(|entry| entry.id).collect()
}

/// Builds an index and puts it in place. Its progress is among the jobs.
pub(crate) async fn build(core: &Arc<Core>, id: ObjectId) -> Result<(), EngineError> {
    let name = core.catalog.read().get(id).map(|entry| entry.name.clone());
    let Some(name) = name else { return Ok(()) };
    core.jobs.begin(id, name, "index");
    let owner = Arc::clone(core);
    // Its own task: a caller who goes away must not leave it half-made.
    let work = tokio::spawn(async move { build_and_place(&owner, id).await });
    let outcome = work
        .await
        .unwrap_or_else(|error| Err(EngineError::Views(ViewsError::Invariant(format!("a build stopped: {error}")))));
    core.jobs.end(id, &outcome);
    outcome
}

async fn build_and_place(core: &Arc<Core>, id: ObjectId) -> Result<(), EngineError> {
    for _ in 0..MOST_ATTEMPTS {
        let Some((relation, spec)) = spec(core, id)? else { return Ok(()) };
        let mut build = core.tick.run(move |ticker| ticker.flow.begin_index(relation, spec)).await??;
        let owner = Arc::clone(core);
        let build = blocking(move || {
            build.fill(|done| owner.jobs.progress(id, done))?;
            Ok(build)
        });
        let build = build.await?;
        if core.tick.run(move |ticker| ticker.flow.finish_index(build)).await?? {
            return Ok(());
        }
    }
    Err(EngineError::Views(ViewsError::History("what it ranks was replaced again and again".to_owned())))
}

/// What an index orders by, with the columns as its relation has them now; `None` when it was dropped.
fn spec(core: &Core, id: ObjectId) -> Result<Option<(ObjectId, RankSpec)>, EngineError> {
    let catalog = core.catalog.read();
    let Some(entry) = catalog.get(id) else { return Ok(None) };
    let (EntryKind::Index { partition, order }, Some(relation)) = (&entry.kind, entry.depends_on.first().copied())
    else {
        return Ok(None);
    };
    let version = core.reader.read();
    let store = version.store(relation);
    let store = store.ok_or_else(|| ViewsError::History(format!("object {relation} is not there")))?;
    let column = |name: &String| store.schema().index_of(name).map_err(ViewsError::from);
    let order = order.iter().map(|order| {
        let column = column(&order.name)?;
        Ok(RankColumn { column, descending: order.descending, nulls_first: order.nulls_first })
    });
    let spec = RankSpec {
        id,
        name: entry.name.clone(),
        partition: partition.iter().map(column).collect::<Result<_, _>>()?,
        order: order.collect::<Result<_, ViewsError>>()?,
    };
    Ok(Some((relation, spec)))
}

/// Builds indexes in the background.
pub(crate) fn build_all(core: &Arc<Core>, ids: Vec<ObjectId>) {
    if ids.is_empty() {
        return;
    }
    let core = Arc::clone(core);
    tokio::spawn(async move {
        for id in ids {
            if let Err(error) = build(&core, id).await {
                tracing::error!(index = %id, %error, "a ranked index could not be built; queries do without it");
            }
        }
    });
}
