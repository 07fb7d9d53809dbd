//! Reads by key, or by a part of it, straight from the store: the same answer as that of the planned query in a fraction
//! of the time. Plain views of ranks are read so too, by the key of what they rank. Anything that is not so plain is left
//! to the planner.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use futures::stream;
use highwater_api::{Answer, ViewRequest};
use highwater_sql::{Catalog, Entry, EntryKind, Equality, Face, RelationKind, equalities};

use super::limits::LimitedRows;
use crate::core::Core;

/// The rows that a request's filter finds by key; `None` when the planner must see to the request.
pub(super) fn read_by_key(core: &Arc<Core>, entry: &Entry, catalog: &Catalog, request: &ViewRequest) -> Option<Answer> {
    if request.order.is_some() {
        return None;
    }
    let wanted = equalities(request.filter.as_deref()?)?;
    let (schema, rows, version) = match entry.kind {
        EntryKind::View { .. } => of_view(core, entry, catalog, &wanted)?,
        _ => of_store(core, entry, &wanted)?,
    };
    let narrow = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(rows.num_rows());
    let skip = request.offset.map_or(0, narrow);
    let rows = rows.slice(skip, request.limit.map_or(rows.num_rows(), narrow).min(rows.num_rows() - skip));
    let rows = LimitedRows::new(stream::iter([Ok(rows)]), request.limits, None);
    Some(Answer { schema, rows: Box::pin(rows), version })
}

/// Rows of a table, keyed stream or materialized view, and the version.
fn of_store(core: &Core, entry: &Entry, wanted: &[Equality]) -> Option<(SchemaRef, RecordBatch, String)> {
    let source = entry.relation_source(Face::Default)?;
    if source.kind == RelationKind::Events {
        return None;
    }
    let version = core.reader.read();
    let store = version.store(entry.id).filter(|_| version.failure(entry.id).is_none())?;
    let (schema, key) = (Arc::clone(store.schema()), store.key());
    let value = |equality: &Equality| -> Option<(usize, ArrayRef)> {
        let column = schema.index_of(&equality.column).ok().filter(|column| key.contains(column))?;
        Some((column, equality.value(schema.field(column).data_type())?))
    };
    let values: Vec<(usize, ArrayRef)> = wanted.iter().map(value).collect::<Option<_>>()?;
    let rows = if values.len() == key.len() {
        let at = |column: &usize| values.iter().find(|(found, _)| found == column).map(|(_, value)| Arc::clone(value));
        store.lookup(&key.iter().map(at).collect::<Option<Vec<_>>>()?).ok()?
    } else if let [(column, value)] = values.as_slice() {
        store.lookup_part(*column, value).ok()??
    } else {
        return None;
    };
    Some((schema, rows, version.version()))
}

/// The row of a plain view of ranks, and the version.
fn of_view(
    core: &Core,
    entry: &Entry,
    catalog: &Catalog,
    wanted: &[Equality],
) -> Option<(SchemaRef, RecordBatch, String)> {
    let epoch = core.reader.read().epoch;
    let view = core.ranked_views.of(core, entry, catalog, epoch)?;
    let version = core.reader.read();
    let rows = view.read(&version, wanted).filter(|_| version.epoch == epoch)?;
    Some((Arc::clone(view.schema()), rows, version.version()))
}
