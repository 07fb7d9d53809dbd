//! The relations that queries may name, for the planner: unbound leaves for objects, rows for system tables.

use std::sync::Arc;

use highwater_sql::datafusion::logical_expr::TableSource;
use highwater_sql::{Entry, Face, Past, RelationKind, Relations, rejects_schema};

use super::history;
use super::source::{KnownIndex, LeafSource, Reads};
use super::system;
use crate::core::Core;

/// The planner's view of the engine while statements are planned.
pub(crate) struct EngineRelations<'a>(&'a Core);

/// The relations of an engine, without data: [`super::run_query`] and [`super::collect_plan`] bind what is planned
/// over them to the version that is current then. The caller may hold the catalog's read lock, not its write lock.
pub(crate) fn unbound_relations(core: &Core) -> EngineRelations<'_> {
    EngineRelations(core)
}

impl Relations for EngineRelations<'_> {
    fn relation(&self, entry: &Entry, face: Face) -> Option<Arc<dyn TableSource>> {
        let indexed = |reads, schema, key, indexes| {
            let (id, name, noun) = (entry.id, entry.name.clone(), entry.kind.noun());
            Some(Arc::new(LeafSource { id, name, noun, reads, schema, key, indexes, past: None })
                as Arc<dyn TableSource>)
        };
        let leaf = |reads, schema, key| indexed(reads, schema, key, Arc::from([]));
        if face == Face::Rejects {
            return leaf(Reads::Rejects, rejects_schema(), Vec::new());
        }
        let source = entry.relation_source(face)?;
        match source.kind {
            RelationKind::Events => leaf(Reads::Events, source.schema, Vec::new()),
            RelationKind::Current | RelationKind::MaterializedView => {
                // The store knows best which columns may be NULL and which identify a row. Without a store (the view
                // is being computed) binding refuses the query.
                let version = self.0.reader.read();
                match version.store(entry.id) {
                    Some(store) => {
                        let (schema, key) = (Arc::clone(store.schema()), store.key().to_vec());
                        indexed(Reads::Rows, schema, key, KnownIndex::of(store))
                    }
                    None => leaf(Reads::Rows, source.schema, source.key),
                }
            }
        }
    }

    fn past(&self, entry: &Entry, face: Face, past: &Past) -> Result<Arc<dyn TableSource>, (String, String)> {
        let catalog = self.0.catalog.read_recursive();
        history::past(self.0, &catalog, entry, face, past)
            .map_err(|error| (error.message, error.hint.unwrap_or_else(|| "leave out FOR SYSTEM_TIME".to_owned())))
    }

    fn now_micros(&self) -> i64 {
        self.0.clock.now_micros()
    }

    fn system(&self, name: &str) -> Option<Arc<dyn TableSource>> {
        // The thread that plans holds a read lock already: queueing behind a writer would be a deadlock.
        let catalog = self.0.catalog.read_recursive();
        system::source(self.0, &catalog, name)
    }

    fn system_names(&self) -> Vec<String> {
        system::NAMES.iter().map(|name| (*name).to_owned()).collect()
    }
}
