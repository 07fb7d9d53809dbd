//! Telling whether a batch result is one of the view as it is declared now.

use highwater_model::ObjectId;
use highwater_sql::Catalog;

use crate::query::inputs_of;

/// A hash of everything declared that a view is computed from: equal, as long as neither the view nor anything that it
/// reads was replaced.
pub(crate) fn fingerprint(catalog: &Catalog, id: ObjectId) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for entry in inputs_of(catalog, id).into_iter().filter_map(|id| catalog.get(id)) {
        hash.update(&entry.id.0.to_le_bytes());
        hash.update(&(entry.sql.len() as u64).to_le_bytes());
        hash.update(entry.sql.as_bytes());
    }
    hash.finalize()
}
