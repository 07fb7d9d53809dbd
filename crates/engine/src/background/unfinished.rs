//! Recomputations that were begun and are not over, kept in `recomputing.json` in the data folder: a start goes on with the
//! views that are left. Losing the file loses no data, only that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use highwater_api::JobKind;
use highwater_model::ObjectId;
use highwater_sql::EntryKind;
use parking_lot::Mutex;

use super::run::start_with;
use crate::core::Core;

/// The file's name in the data folder.
const NAME: &str = "recomputing.json";

/// Views that are to be recomputed, and by how many jobs.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    views: Mutex<BTreeMap<ObjectId, u32>>,
}

impl Unfinished {
    /// Reads what was left when the process ended.
    pub(crate) fn open(data: &Path) -> Self {
        let path = data.join(NAME);
        let left: Vec<ObjectId> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "{NAME} cannot be read: recomputations that it names are not gone on with");
                Vec::new()
            }),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::warn!(%error, "{NAME} cannot be read");
                }
                Vec::new()
            }
        };
        Self { path, views: Mutex::new(left.into_iter().map(|view| (view, 1)).collect()) }
    }

    /// A job begins.
    pub(super) fn begin(&self, views: &[ObjectId]) {
        let mut all = self.views.lock();
        for view in views {
            *all.entry(*view).or_default() += 1;
        }
        self.keep(&all);
    }

    /// A job is done with these views, or was given up.
    pub(super) fn end(&self, views: &[ObjectId]) {
        let mut all = self.views.lock();
        for view in views {
            if let Some(jobs) = all.get_mut(view) {
                *jobs -= 1;
            }
        }
        all.retain(|_, jobs| *jobs > 0);
        self.keep(&all);
    }

    fn keep(&self, views: &BTreeMap<ObjectId, u32>) {
        let write = || -> std::io::Result<()> {
            let new = self.path.with_extension("json.new");
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec(&views.keys().collect::<Vec<_>>())?)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        if let Err(error) = write() {
            tracing::warn!(%error, "a restart would not go on with the recomputations that run");
        }
    }
}

/// Goes on, once views have caught up, with what the last process left.
pub(crate) async fn resume(core: Arc<Core>) {
    let closing = core.tasks.closing();
    tokio::select! {
        () = closing.cancelled() => return,
        () = core.health.settled() => {}
    }
    let left: Vec<ObjectId> = core.unfinished.views.lock().keys().copied().collect();
    if left.is_empty() {
        return;
    }
    let ids: Vec<ObjectId> = {
        let catalog = core.catalog.read();
        let is_view = |id: &ObjectId| {
            catalog.get(*id).is_some_and(|entry| matches!(entry.kind, EntryKind::MaterializedView { .. }))
        };
        catalog.topological().into_iter().filter(|id| left.contains(id) && is_view(id)).collect()
    };
    tracing::info!(views = ids.len(), "going on with a recomputation that the last process left");
    if !ids.is_empty()
        && let Err(error) = start_with(&core, JobKind::Recompute, ids)
    {
        tracing::warn!(%error, "a recomputation was not gone on with");
    }
    // The job has counted its views itself.
    core.unfinished.end(&left);
}
