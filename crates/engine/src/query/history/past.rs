//! `FOR SYSTEM_TIME AS OF`: a relation as it was, computed from the events that count at that point; or, at its mark, read
//! from its stored batch result.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use highwater_api::{ApiError, ErrorKind};
use highwater_model::{ObjectId, Offsets, PartitionId};
use highwater_sql::datafusion::logical_expr::{LogicalPlan, TableSource};
use highwater_sql::{Catalog, Entry, EntryKind, Face, PUBLIC_SCHEMA, Past};

use super::super::scan_batches::source;
use super::cut::Cut;
use super::relation::{History, inputs_of};
use crate::batch::rows_of;
use crate::core::Core;
use crate::error::catalog_error;

/// A relation at a point in the past.
///
/// # Errors
/// When that cannot be told: the point is in the future, history was let go, there is no batch result.
pub(crate) fn past(
    core: &Core,
    catalog: &Catalog,
    entry: &Entry,
    face: Face,
    past: &Past,
) -> Result<Arc<dyn TableSource>, ApiError> {
    let refused = |message: String, hint: String| Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint(hint));
    if face == Face::Rejects {
        let message = format!("the rejected records of {} have no past", entry.name);
        return refused(message, "write WHERE rejected_at <= …".to_owned());
    }
    let archived = core.archives.is_some();
    let cut = match past {
        Past::Mark => return mark(core, entry),
        Past::Time(micros) if *micros > core.clock.now_micros() => {
            return refused(
                "what will be cannot be told: the time is in the future".to_owned(),
                "write a past one".to_owned(),
            );
        }
        Past::Time(micros) => Cut {
            offsets: Arc::new(core.reader.read().offsets.clone()),
            clock_micros: Some(*micros),
            accepted_by: Some(*micros),
            archived,
            ..Cut::default()
        },
        Past::Offsets(text) => {
            Cut { offsets: Arc::new(offsets(core, catalog, entry, text)?), archived, ..Cut::default() }
        }
    };
    let history = History { planner: &core.planner, catalog, cut: &cut };
    let is_plain = matches!(&entry.kind, EntryKind::Stream { schema } if schema.keyed.is_none());
    let plan = match is_plain || face == Face::History {
        true => history.events(entry, &cut.offsets).map_err(|error| ApiError::internal(error.strip_backtrace()))?,
        false => history.relation(entry.id)?,
    };
    Ok(Arc::new(PastSource { schema: Arc::clone(plan.schema().inner()), plan }))
}

/// A view's newest batch result.
fn mark(core: &Core, entry: &Entry) -> Result<Arc<dyn TableSource>, ApiError> {
    let Some(manifest) = core.batches.newest(entry.id) else {
        let (message, hint) = match &entry.kind {
            EntryKind::MaterializedView { .. } => {
                (format!("{} has no batch result yet", entry.name), format!("RECOMPUTE {} makes one", entry.name))
            }
            kind => (
                format!("{} is a {}; batch results are kept of materialized views", entry.name, kind.noun()),
                "write AS OF a time".to_owned(),
            ),
        };
        return Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint(hint));
    };
    let (schema, rows) = rows_of(&core.batches, &manifest)?;
    source(schema, rows).map_err(|error| ApiError::internal(error.strip_backtrace()))
}

/// Offsets as [`crate::audit::mark`] is shown: `app.steps 12,7,0; app.users 40`. All streams that the relation reads must be named.
fn offsets(core: &Core, catalog: &Catalog, entry: &Entry, text: &str) -> Result<Offsets, ApiError> {
    let wrong = |message: String| {
        ApiError::new(ErrorKind::InvalidInput, message).with_hint(
            "write them as highwater.views and highwater.audits show marks: 'app.steps 12,7,0; app.users 40'",
        )
    };
    let mut offsets = Offsets::default();
    let now = core.reader.read().offsets.clone();
    let mut named: Vec<ObjectId> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, next)) = part.split_once(' ') else {
            return Err(wrong(format!("\"{part}\" names no offsets")));
        };
        let (schema, own) = name.split_once('.').map_or((None, name), |(schema, own)| (Some(schema), own));
        let stream = catalog.find(schema, own, PUBLIC_SCHEMA).map_err(|error| catalog_error(&error))?;
        let partitions = stream.kind.stream_schema().map(|schema| schema.partitions);
        let next: Result<Vec<u64>, _> = next.trim().split(',').map(|next| next.trim().parse()).collect();
        let next = next.map_err(|_| wrong(format!("\"{part}\" is no list of offsets")))?;
        if partitions.map(|partitions| partitions as usize) != Some(next.len()) {
            return Err(wrong(format!("{} has {} partitions", stream.name, partitions.unwrap_or(0))));
        }
        for (partition, next) in (0..).map(PartitionId).zip(next) {
            if next > now.get(stream.id, partition) {
                let seen = now.get(stream.id, partition);
                return Err(wrong(format!("partition {partition} of {} is known up to {seen}", stream.name)));
            }
            offsets.set(stream.id, partition, next);
        }
        named.push(stream.id);
    }
    let read = inputs_of(catalog, entry.id).into_iter().filter_map(|id| catalog.get(id));
    match read.filter(|input| input.kind.is_logged()).find(|input| !named.contains(&input.id)) {
        Some(missing) => Err(wrong(format!("{} is read too, and its offsets are not given", missing.name))),
        None => Ok(offsets),
    }
}

/// A relation whose rows are those of a plan, which DataFusion puts in its place.
struct PastSource {
    schema: SchemaRef,
    plan: LogicalPlan,
}

impl TableSource for PastSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}
