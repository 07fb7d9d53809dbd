//! Lets go of old records, whole segments at a time, oldest first. Called through `EmbeddedLog`. The earliest offset
//! rises before the files go, so that readers hear of it rather than miss a file.

use highwater_model::{Offset, PartitionId};

use super::committer;
use super::failure::io_error;
use super::index::{Ends, Summary};
use super::layout;
use super::stream::Stream;
use crate::LogError;

/// What may go.
struct Rule {
    before_micros: Option<i64>,
    max_bytes: Option<u64>,
    keep_from: Ends,
}

impl Rule {
    /// Whether a segment may go while the stream holds `held_bytes`.
    fn lets_go(&self, summary: &Summary, held_bytes: u64) -> bool {
        let old =
            || self.before_micros.is_some_and(|before| summary.newest_micros.is_none_or(|newest| newest < before));
        let over = || self.max_bytes.is_some_and(|most| held_bytes > most);
        (old() || over())
            && summary
                .next
                .iter()
                .all(|(partition, next)| self.keep_from.get(partition).is_none_or(|keep| next <= keep))
    }
}

impl Stream {
    /// See [`crate::Log::trim`].
    pub(crate) fn trim(
        &self,
        before_micros: Option<i64>,
        max_bytes: Option<u64>,
        keep_from: &dyn Fn(PartitionId) -> Offset,
    ) -> Result<(), LogError> {
        self.check()?;
        // Asked before any lock is taken: the answer may look at this log.
        let partitions: Vec<_> = {
            let view = self.view.read();
            view.ends().keys().copied().filter(|partition| view.has(*partition)).collect()
        };
        let keep_from = partitions.into_iter().map(|partition| (partition, keep_from(partition))).collect();
        let rule = Rule { before_micros, max_bytes, keep_from };
        // Held throughout: two trims must not remove each other's files, and no segment may be closed meanwhile.
        let mut writer = self.writer.lock();
        let mut gone = self.release(&rule);
        // With all sealed segments gone the active one may be due as well: close it, so that an idle stream empties.
        let due = {
            let view = self.view.read();
            let active = &view.active.summary;
            view.sealed.is_empty() && active.newest_micros.is_some() && rule.lets_go(active, active.bytes)
        };
        if due {
            committer::rotate(self, &mut writer)?;
            gone.extend(self.release(&rule));
        }
        self.remove(&gone)
    }

    /// Takes the segments that may go out of sight.
    fn release(&self, rule: &Rule) -> Vec<u64> {
        let mut view = self.view.write();
        let mut held = view.size().bytes;
        let mut count = 0;
        for sealed in &view.sealed {
            if !rule.lets_go(&sealed.summary, held) {
                break;
            }
            held -= sealed.summary.bytes;
            count += 1;
        }
        view.sealed.drain(..count).map(|sealed| sealed.segment).collect()
    }

    /// Removes files oldest first, each durably before the next: a crash in between leaves no gap.
    fn remove(&self, segments: &[u64]) -> Result<(), LogError> {
        let storage = &*self.shared.storage;
        for segment in segments {
            let path = layout::segment_file(&self.folder, *segment);
            self.shared.cache.forget(self.id, segment + 1);
            storage.remove_file(&path).map_err(|error| io_error("remove", &path, error))?;
            // The index is only a cache, and may not be there.
            drop(storage.remove_file(&layout::index_file(&self.folder, *segment)));
            storage.sync_dir(&self.folder).map_err(|error| io_error("flush", &self.folder, error))?;
        }
        Ok(())
    }
}
