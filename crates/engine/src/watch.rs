//! Watching queries: each published version is compared with what the query reads. Nothing is kept for a watcher but
//! a few numbers, and several changes between two looks are one.

use std::sync::Arc;
use std::time::Duration;

use highwater_api::{ApiError, ErrorKind, Pulses, WatchRequest};
use highwater_model::ObjectId;
use highwater_sql::{PUBLIC_SCHEMA, Statement, parse};
use tokio::sync::watch::Receiver;
use tokio::time::{sleep, timeout};

use crate::core::Core;
use crate::query::{Depends, depends};

/// How often a query that changes by itself counts as changed, and how soon a change of the catalog is seen.
const BY_ITSELF: Duration = Duration::from_secs(1);

/// Watches a query; see [`highwater_api::Engine::watch`].
pub(crate) fn watch(core: &Arc<Core>, request: &WatchRequest) -> Result<Pulses, ApiError> {
    let versions = core.tick.versions();
    let schema = request.schema.as_deref().unwrap_or(PUBLIC_SCHEMA);
    let statements = parse(&request.sql)?;
    let depends = match statements.as_slice() {
        [Statement::Query(query)] => depends(core, query, &request.sql, schema)?,
        // The answers of SHOW and EXPLAIN come from the catalog and from sizes, which no version tells of.
        [Statement::Show(_) | Statement::Explain(_)] => Depends { by_itself: true, ..Depends::default() },
        _ => {
            return Err(ApiError::new(ErrorKind::InvalidInput, "only one query can be watched")
                .with_hint("write one SELECT, SHOW or EXPLAIN"));
        }
    };
    let seen = Seen::now(core, &depends);
    let watcher = Watcher { core: Arc::clone(core), depends, catalog: core.catalog.read().next_id(), seen, versions };
    Ok(Box::pin(futures::stream::unfold(watcher, |mut watcher| async move {
        watcher.changed().await.then_some(((), watcher))
    })))
}

struct Watcher {
    core: Arc<Core>,
    depends: Depends,
    /// Rises with everything created.
    catalog: ObjectId,
    seen: Seen,
    versions: Receiver<u64>,
}

/// Where everything that a query reads stands.
#[derive(PartialEq, Eq)]
struct Seen {
    rows: Vec<u64>,
    events: Vec<u64>,
}

impl Seen {
    fn now(core: &Core, depends: &Depends) -> Self {
        let rows = core.hub.last_changes(&depends.rows);
        let version = core.reader.read();
        let records = |id: &ObjectId| {
            let partitions = version.offsets.iter().filter(|(stream, ..)| stream == id);
            partitions.map(|(.., next)| next).sum()
        };
        Self { rows, events: depends.events.iter().map(records).collect() }
    }
}

impl Watcher {
    /// Waits for the next change; `false` when the query's names may mean something else now.
    async fn changed(&mut self) -> bool {
        if self.depends.by_itself {
            sleep(BY_ITSELF).await;
            return !self.is_outdated();
        }
        loop {
            let waited = timeout(BY_ITSELF, self.versions.changed()).await;
            if matches!(waited, Ok(Err(_))) || self.is_outdated() {
                return false;
            }
            let seen = Seen::now(&self.core, &self.depends);
            if seen != self.seen {
                self.seen = seen;
                return true;
            }
        }
    }

    fn is_outdated(&self) -> bool {
        let catalog = self.core.catalog.read();
        let mut read = self.depends.rows.iter().chain(&self.depends.events);
        catalog.next_id() != self.catalog || read.any(|id| catalog.get(*id).is_none())
    }
}
