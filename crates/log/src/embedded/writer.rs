//! Puts blocks at the end of a stream's active segment and makes them durable; begins new segments. Used by
//! `committer`, `grow` and `trim`, one at a time. Decides nothing about offsets or producers.
//!
//! After a failed write the file is cut back to its last durable byte and stays usable; if that fails too, or any
//! flush fails, the log is poisoned.

use std::path::Path;
use std::sync::Arc;

use super::block::{self, Body, Home, Place};
use super::committed::{Committed, CommittedFile};
use super::failure::io_error;
use super::layout;
use super::replay::Standing;
use super::segment::{self, HEAD_BYTES, SegmentFile};
use super::shared::Shared;
use crate::LogError;
use crate::storage::write_all_at;

/// Scratch space larger than this is given back after use.
const KEPT_SCRATCH_BYTES: usize = 8 << 20;

/// The end of a stream.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) segment: Arc<SegmentFile>,
    /// Everything below is durable, nothing above counts.
    pub(crate) position: u64,
    sidecar: CommittedFile,
    scratch: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(segment: Arc<SegmentFile>, position: u64, sidecar: CommittedFile) -> Self {
        Self { segment, position, sidecar, scratch: Vec::new() }
    }

    /// Writes blocks, body and payload each, with one flush. Returns the position of each.
    ///
    /// # Errors
    /// [`LogError::Poisoned`] if the state of the disk is unknown, anything else if nothing was stored.
    pub(crate) fn append<'a>(
        &mut self,
        shared: &Shared,
        blocks: impl Iterator<Item = (&'a Body, &'a [u8])>,
    ) -> Result<Vec<u64>, LogError> {
        shared.check_poison()?;
        self.scratch.clear();
        let mut positions = Vec::with_capacity(blocks.size_hint().0);
        for (body, payload) in blocks {
            let position = self.position + self.scratch.len() as u64;
            let place = Place { position, durable: self.position };
            block::encode_header(self.segment.home, place, body, payload.len() as u32, &mut self.scratch);
            self.scratch.extend_from_slice(payload);
            positions.push(position);
        }
        if let Err(error) = write_all_at(&*self.segment.file, &self.scratch, self.position) {
            return Err(self.cut_back(shared, error));
        }
        shared.flush(&*self.segment.file, &self.segment.path)?;
        self.position += self.scratch.len() as u64;
        metrics::counter!("highwater_log_append_bytes_total").increment(self.scratch.len() as u64);
        self.note_committed();
        if self.scratch.capacity() > KEPT_SCRATCH_BYTES {
            self.scratch = Vec::new();
        }
        Ok(positions)
    }

    fn cut_back(&self, shared: &Shared, error: std::io::Error) -> LogError {
        let path = &self.segment.path;
        if let Err(second) = self.segment.file.set_size(self.position) {
            return shared.poison(format!("write to {}: {error}; cutting it back: {second}", path.display()));
        }
        match shared.flush(&*self.segment.file, path) {
            Ok(()) => io_error("write", path, error),
            Err(poisoned) => poisoned,
        }
    }

    /// Begins a new segment at `standing`. The old one grows no more.
    pub(crate) fn rotate(&mut self, shared: &Shared, folder: &Path, standing: &Standing) -> Result<(), LogError> {
        shared.check_poison()?;
        let home = Home { stream: self.segment.home.stream, segment: self.segment.home.segment + 1 };
        let (bytes, end) = beginning(home, standing, self.segment.home.segment, self.position);
        let path = layout::segment_file(folder, home.segment);
        let unfinished = layout::unfinished(&path);
        let fail = |error| io_error("create", &path, error);
        let file = shared.storage.create(&unfinished).map_err(fail)?;
        if let Err(error) = write_all_at(&*file, &bytes, 0) {
            // What cannot be removed now is removed at the next open.
            drop(shared.storage.remove_file(&unfinished));
            return Err(fail(error));
        }
        shared.flush(&*file, &unfinished)?;
        shared.storage.rename(&unfinished, &path).map_err(fail)?;
        if let Err(error) = shared.storage.sync_dir(folder) {
            return Err(shared.poison(format!("flush of {}: {error}", folder.display())));
        }
        self.segment = Arc::new(SegmentFile { home, path, file });
        self.position = end;
        self.note_committed();
        Ok(())
    }

    fn note_committed(&self) {
        let committed = Committed { segment: self.segment.home.segment, position: self.position };
        if let Err(error) = self.sidecar.put(committed) {
            // Durability does not hang on it: only the next recovery knows less.
            tracing::warn!(%error, "the sidecar could not be written");
        }
    }
}

/// The first bytes of a segment that goes on from `standing`, and where they end.
pub(crate) fn beginning(home: Home, standing: &Standing, previous: u64, previous_bytes: u64) -> (Vec<u8>, u64) {
    let (state, producers) = standing.to_state(previous, previous_bytes);
    let mut bytes = segment::head(home).to_vec();
    let place = Place { position: HEAD_BYTES as u64, durable: HEAD_BYTES as u64 };
    block::encode_header(home, place, &Body::State(state), producers.len() as u32, &mut bytes);
    bytes.extend_from_slice(&producers);
    let end = bytes.len() as u64;
    (bytes, end)
}
