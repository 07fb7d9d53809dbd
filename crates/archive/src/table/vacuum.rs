//! Vacuum: files that no snapshot needs any more, what crashed commits left, and old entries of the table's log.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use deltalake_core::checkpoints::cleanup_expired_logs_for;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use super::handle::Table;
use crate::ArchiveError;
use crate::delta::tombstones;

/// Delta tables remember removed files for so long.
const MOST_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a vacuum removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Data files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries of the table's log: commits and checkpoints before the one that is needed.
    pub log_files: u64,
}

impl Table {
    /// Removes what no snapshot younger than `keep` needs, what crashed commits left longer ago than that, and entries
    /// of the log before the last checkpoint that old. Appends of this process wait; other writers must be done with
    /// what they began before `keep` ago.
    ///
    /// # Errors
    /// When `keep` is more than 7 days, and of the store.
    pub async fn vacuum(&self, keep: Duration) -> Result<Vacuumed, ArchiveError> {
        let place = &self.shared.place;
        if keep > MOST_KEPT {
            return Err(ArchiveError::Setting {
                setting: "keep".into(),
                problem: format!("{} days are more than removed files are remembered", keep.as_secs() / 86_400),
                hint: "keep at most 7 days".into(),
            });
        }
        let _alone = self.shared.maintenance.lock().await;
        let mut writer = self.shared.writer.lock().await;
        self.reload(&mut writer).await?;
        let keep_millis = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let before_millis = place.now_micros().div_euclid(1000) - keep_millis;
        let mut done = self.remove_files(before_millis).await?;
        let version = self.snapshot().version;
        let cleaned = cleanup_expired_logs_for(version, place.log.as_ref(), before_millis, None).await;
        done.log_files =
            cleaned.map_err(|error| ArchiveError::delta(&place.folder, "remove old entries of its log", error))? as u64;
        let staged = self.remove_staged(before_millis).await?;
        done.files += staged.0;
        done.bytes += staged.1;
        metrics::counter!("highwater_archive_vacuumed_files_total").increment(done.files);
        Ok(done)
    }

    async fn remove_files(&self, before_millis: i64) -> Result<Vacuumed, ArchiveError> {
        let place = &self.shared.place;
        let removed = tombstones(place).await?;
        let snapshot = self.snapshot();
        let needed: HashSet<&Path> = snapshot.files.iter().map(|file| &file.path).collect();
        let log = place.path.clone().join("_delta_log");
        let failed = |source| ArchiveError::store(&place.path, source);
        let mut done = Vacuumed::default();
        let mut unneeded = Vec::new();
        let mut found = place.store.list(Some(&place.path));
        while let Some(object) = found.try_next().await.map_err(failed)? {
            let path = &object.location;
            if needed.contains(path) || path.prefix_matches(&log) {
                continue;
            }
            let since_millis = removed.get(path).copied().unwrap_or(object.last_modified.timestamp_millis());
            if since_millis <= before_millis {
                done.files += 1;
                done.bytes += object.size;
                unneeded.push(Ok(object.location));
            }
        }
        let mut deleted = place.store.delete_stream(futures::stream::iter(unneeded).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok(done)
    }

    async fn remove_staged(&self, before_millis: i64) -> Result<(u64, u64), ArchiveError> {
        let Some(local) = self.shared.place.local.clone() else { return Ok((0, 0)) };
        let path = self.shared.place.path.clone();
        let before = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(before_millis).unwrap_or(0));
        let removed = tokio::task::spawn_blocking(move || local.remove_staged(&path, before)).await;
        removed
            .map_err(|_| self.stopped())?
            .map_err(|source| ArchiveError::Folder { path: self.shared.place.folder.as_ref().into(), source })
    }
}
