//! Opens what a stream left on disk: which segments there are, where everything stands, what to cut, what is damaged
//! (see `segment`, "Crashes"). Called by `stream` and, to make a lost index again, by `cache`.

use std::path::Path;
use std::sync::Arc;

use highwater_model::ObjectId;

use super::block::{BlockHeader, State};
use super::committed::{Committed, CommittedFile};
use super::failure::{damaged, io_error};
use super::index::Ends;
use super::index_file;
use super::layout;
use super::replay::{Replay, Standing};
use super::scan::{Damage, Scanned, Visitor, scan};
use super::segment::{HEAD_BYTES, SegmentFile};
use super::settings::LogSettings;
use super::tail;
use super::view::{Active, Sealed, View};
use crate::LogError;
use crate::storage::Storage;

/// A stream as found on disk.
pub(crate) struct Recovered {
    pub(crate) view: View,
    pub(crate) standing: Standing,
    pub(crate) sidecar: CommittedFile,
    /// The first damage met; then the stream is read-only.
    pub(crate) damage: Option<LogError>,
}

/// Replays and remembers the first damage.
pub(crate) struct Careful<'a> {
    segment: &'a SegmentFile,
    pub(crate) replay: Replay,
    pub(crate) damage: Option<LogError>,
}

impl<'a> Careful<'a> {
    pub(crate) fn new(segment: &'a SegmentFile, replay: Replay) -> Self {
        Self { segment, replay, damage: None }
    }
}

impl Visitor for Careful<'_> {
    fn block(&mut self, header: &BlockHeader, payload: &[u8]) -> Result<(), &'static str> {
        self.replay.block(header, payload)
    }

    fn damage(&mut self, damage: &Damage) {
        self.replay.hole(damage.ends().as_deref(), damage.position, damage.end);
        let found = || self.segment.damaged(damage.position, damage.reason);
        self.damage.get_or_insert_with(found);
    }
}

/// Reads a sealed segment whole and, if it is in order, writes its index again.
pub(crate) fn reindex(
    storage: &dyn Storage,
    settings: &LogSettings,
    folder: &Path,
    segment: &SegmentFile,
    bytes: u64,
) -> Result<Replay, LogError> {
    Ok(reindexed(storage, settings, folder, segment, bytes)?.0)
}

fn reindexed(
    storage: &dyn Storage,
    settings: &LogSettings,
    folder: &Path,
    segment: &SegmentFile,
    bytes: u64,
) -> Result<(Replay, Option<LogError>), LogError> {
    let (replay, damage) = rescan(segment, bytes, Replay::new(settings.max_producers))?;
    if damage.is_none()
        && let Err(error) = index_file::store(storage, folder, segment.home, &replay.summary, &replay.index)
    {
        tracing::warn!(%error, "the index of a segment could not be written and will be made again when needed");
    }
    Ok((replay, damage))
}

fn rescan(segment: &SegmentFile, bytes: u64, replay: Replay) -> Result<(Replay, Option<LogError>), LogError> {
    let mut careful = Careful::new(segment, replay);
    scan(segment, segment.size()?.min(bytes), bytes, &mut careful)?;
    careful.replay.summary.bytes = bytes;
    Ok((careful.replay, careful.damage))
}

/// Opens a stream's folder.
///
/// # Errors
/// What the system said, or [`LogError::Invalid`] for a format this program does not know. Damage is no error here.
pub(crate) fn recover(
    storage: &dyn Storage,
    settings: &LogSettings,
    folder: &Path,
    stream: ObjectId,
) -> Result<Recovered, LogError> {
    let mut recovery = Recovery { storage, settings, folder, stream, damage: None };
    let segments = recovery.segments()?;
    let Some((last, earlier)) = segments.split_last() else {
        return Err(damaged(folder, 0, "the folder of the stream holds no segment"));
    };
    let (sidecar, committed) = recovery.committed(last)?;
    let sealed = recovery.sealed(earlier, last)?;
    let (active, standing) = recovery.active(last, sealed.last(), earlier.last(), &sidecar, committed)?;
    let view = View { partitions: standing.partitions, sealed, active };
    Ok(Recovered { view, standing, sidecar, damage: recovery.damage })
}

struct Recovery<'a> {
    storage: &'a dyn Storage,
    settings: &'a LogSettings,
    folder: &'a Path,
    stream: ObjectId,
    damage: Option<LogError>,
}

impl Recovery<'_> {
    fn note(&mut self, damage: LogError) {
        self.damage.get_or_insert(damage);
    }

    /// Lets damage pass after noting it; other errors end the recovery.
    fn noted<T>(&mut self, result: Result<T, LogError>) -> Result<Option<T>, LogError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(damage @ LogError::Damaged { .. }) => {
                self.note(damage);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// All segments in order, heads checked; leftovers of unfinished work removed.
    fn segments(&mut self) -> Result<Vec<SegmentFile>, LogError> {
        let names = self.storage.list(self.folder).map_err(|error| io_error("list", self.folder, error))?;
        for name in names.iter().filter(|name| name.ends_with(".new")) {
            let path = self.folder.join(name);
            self.storage.remove_file(&path).map_err(|error| io_error("remove", &path, error))?;
        }
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| layout::segment_of(name)).collect();
        numbers.sort_unstable();
        let mut segments = Vec::with_capacity(numbers.len());
        for number in numbers {
            let segment = SegmentFile::open(self.storage, self.folder, self.stream, number)?;
            self.noted(segment.check_head())?;
            segments.push(segment);
        }
        Ok(segments)
    }

    /// The sidecar and what it says of the last segment; `None` if it cannot be trusted.
    fn committed(&mut self, last: &SegmentFile) -> Result<(CommittedFile, Option<u64>), LogError> {
        let Some(sidecar) = CommittedFile::open(self.storage, self.folder)? else {
            let sidecar = CommittedFile::create_blank(self.storage, self.folder)?;
            return Ok((sidecar, None));
        };
        let Some(found) = sidecar.get()? else {
            return Ok((sidecar, None));
        };
        if found.segment > last.home.segment {
            let path = layout::segment_file(self.folder, found.segment);
            self.note(damaged(&path, 0, "the segment is missing, but bytes in it were acknowledged"));
        }
        Ok((sidecar, Some(if found.segment == last.home.segment { found.position } else { 0 })))
    }

    fn sealed(&mut self, earlier: &[SegmentFile], last: &SegmentFile) -> Result<Vec<Sealed>, LogError> {
        let mut sealed = Vec::with_capacity(earlier.len());
        let followers = earlier.iter().skip(1).chain([last]);
        let mut begins: Option<Ends> = None;
        for (segment, follower) in earlier.iter().zip(followers) {
            let state = self.noted(follower.first_state())?.flatten().map(|(state, _)| state);
            let bytes = self.sealed_bytes(segment, state.as_ref())?;
            let stored = index_file::load_summary(self.storage, self.folder, segment.home);
            let mut summary = match stored.filter(|summary| summary.bytes == bytes) {
                Some(summary) => summary,
                None => {
                    let (replay, damage) = reindexed(self.storage, self.settings, self.folder, segment, bytes)?;
                    self.damage = self.damage.take().or(damage);
                    replay.summary
                }
            };
            if let Some(start) = begins.take() {
                summary.start = start;
            }
            if let Some(state) = state {
                // What was lost at the segment's end still has its offsets: nobody else gets them.
                summary.next.extend(state.next);
            }
            begins = Some(summary.next.clone());
            sealed.push(Sealed { segment: segment.home.segment, summary });
        }
        Ok(sealed)
    }

    /// How many bytes a sealed segment has by what its follower says.
    fn sealed_bytes(&mut self, segment: &SegmentFile, follower: Option<&State>) -> Result<u64, LogError> {
        let size = segment.size()?;
        let Some(state) = follower else { return Ok(size) };
        if state.previous != segment.home.segment {
            let path = layout::segment_file(self.folder, state.previous);
            self.note(damaged(&path, 0, "the segment is missing"));
            return Ok(size);
        }
        let bytes = state.previous_bytes;
        if size < bytes {
            self.note(segment.damaged(size, format!("the segment has {size} bytes, but {bytes} were acknowledged")));
        }
        Ok(bytes)
    }

    /// The last segment: scanned whole, its torn tail cut, its unacknowledged bytes written again and flushed.
    fn active(
        &mut self,
        segment: &SegmentFile,
        before: Option<&Sealed>,
        before_file: Option<&SegmentFile>,
        sidecar: &CommittedFile,
        committed: Option<u64>,
    ) -> Result<(Active, Standing), LogError> {
        let size = segment.size()?;
        let state = self.noted(segment.first_state())?.flatten();
        // Renamed into place only when its first block was durable.
        let least = state.as_ref().map_or(HEAD_BYTES as u64 + 1, |(_, end)| *end);
        let replay = match (&state, before, before_file) {
            (None, Some(_), Some(file)) => {
                let (replay, _) = rescan(file, file.size()?, Replay::new(self.settings.max_producers))?;
                Replay::after(replay.standing, self.settings.max_producers)
            }
            _ => Replay::new(self.settings.max_producers),
        };
        let trusted = committed.unwrap_or(0).max(least);
        let mut careful = Careful::new(segment, replay);
        let scanned = scan(segment, size, trusted, &mut careful)?;
        let Careful { mut replay, damage, .. } = careful;
        if let Some(damage) = damage {
            self.note(damage);
        }
        if let (Some(reason), None) = (scanned.torn, committed) {
            let reason =
                format!("{reason}, and the sidecar that tells whether it was acknowledged is missing or damaged");
            self.note(segment.damaged(scanned.end, reason));
        }
        if self.damage.is_none() {
            self.settle(segment, size, trusted, scanned)?;
            let position = Committed { segment: segment.home.segment, position: scanned.end };
            if let Err(error) = sidecar.put(position) {
                tracing::warn!(%error, "the sidecar could not be written");
            }
        }
        replay.settle_doubt();
        replay.summary.bytes = scanned.end.min(size);
        let active = Active { file: Arc::new(segment.clone()), summary: replay.summary, index: replay.index };
        Ok((active, replay.standing))
    }

    fn settle(&self, segment: &SegmentFile, size: u64, trusted: u64, scanned: Scanned) -> Result<(), LogError> {
        if let Some(reason) = scanned.torn {
            tail::set_aside(self.storage, self.folder, segment, scanned.end, size, "torn")?;
            tracing::warn!(
                path = %segment.path.display(), position = scanned.end, bytes = size - scanned.end, reason,
                "an append that was never acknowledged is torn: its bytes were moved to a .torn file"
            );
        }
        tail::settle(segment, trusted, scanned.end, size)
    }
}
