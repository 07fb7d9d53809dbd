//! Which relations a job is about.

use highwater_api::{ApiError, ErrorKind, JobKind, JobRequest, JobTarget};
use highwater_model::ObjectId;
use highwater_sql::{Catalog, Entry, EntryKind, PUBLIC_SCHEMA};

use crate::error::catalog_error;

/// The relations, each after those it reads.
pub(super) fn relations(catalog: &Catalog, request: &JobRequest) -> Result<Vec<ObjectId>, ApiError> {
    let entries = || catalog.topological().into_iter().filter_map(|id| catalog.get(id));
    let named = match &request.target {
        JobTarget::All => entries().filter(|entry| fits(request.kind, entry)).map(|entry| entry.id).collect(),
        JobTarget::App(app) => {
            catalog.check_schema(app).map_err(|error| catalog_error(&error))?;
            let of_app = entries().filter(|entry| entry.name.schema == *app);
            of_app.filter(|entry| fits(request.kind, entry)).map(|entry| entry.id).collect()
        }
        JobTarget::Relations(names) => {
            let schema = request.schema.as_deref().unwrap_or(PUBLIC_SCHEMA);
            let mut ids =
                names.iter().map(|name| one(catalog, request.kind, name, schema)).collect::<Result<Vec<_>, _>>()?;
            let mut seen = std::collections::BTreeSet::new();
            ids.retain(|id| seen.insert(*id));
            ids
        }
    };
    Ok(named)
}

fn one(catalog: &Catalog, kind: JobKind, name: &str, schema: &str) -> Result<ObjectId, ApiError> {
    let (qualifier, own) = match name.split_once('.') {
        Some((qualifier, own)) => (Some(qualifier), own),
        None => (None, name),
    };
    let entry = catalog.find(qualifier, own, schema).map_err(|error| catalog_error(&error))?;
    if fits(kind, entry) {
        return Ok(entry.id);
    }
    let noun = entry.kind.noun();
    let (message, hint) = match (kind, &entry.kind) {
        (_, EntryKind::View { .. }) => {
            (format!("{} is a plain view, which is computed when it is read", entry.name), "name the views it reads")
        }
        (JobKind::Audit, _) => (
            format!("{} is a {noun}, which holds no rows of its own", entry.name),
            "name a materialized view, a keyed stream or a table",
        ),
        (JobKind::Recompute, _) => (
            format!("{} is a {noun}; batch results are kept of materialized views", entry.name),
            "name a materialized view, or AUDIT it",
        ),
    };
    Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint(hint))
}

/// Whether a job of this kind is about such an object.
fn fits(kind: JobKind, entry: &Entry) -> bool {
    match &entry.kind {
        EntryKind::MaterializedView { .. } => true,
        EntryKind::Stream { schema } | EntryKind::Table { schema, .. } => {
            kind == JobKind::Audit && schema.keyed.is_some()
        }
        EntryKind::View { .. } | EntryKind::Index { .. } => false,
    }
}
