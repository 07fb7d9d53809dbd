//! Sealed segments that were read lately: open file and index, the one unused longest given up first. Used by `read`;
//! bounds both memory and open files.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use highwater_model::ObjectId;
use parking_lot::Mutex;

use super::index::Index;
use super::index_file;
use super::recovery;
use super::segment::SegmentFile;
use super::settings::LogSettings;
use crate::LogError;
use crate::storage::Storage;

/// A sealed segment ready to be read.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) segment: SegmentFile,
    pub(crate) index: Index,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    clock: u64,
    segments: HashMap<(ObjectId, u64), (u64, Arc<Loaded>)>,
}

impl Cache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), held: Mutex::default() }
    }

    /// The segment of so many bytes, loaded if need be. Loading does not hold up other readers.
    pub(crate) fn get(
        &self,
        storage: &dyn Storage,
        settings: &LogSettings,
        folder: &Path,
        stream: ObjectId,
        segment: u64,
        bytes: u64,
    ) -> Result<Arc<Loaded>, LogError> {
        {
            let mut held = self.held.lock();
            held.clock += 1;
            let now = held.clock;
            if let Some((touched, loaded)) = held.segments.get_mut(&(stream, segment)) {
                *touched = now;
                return Ok(Arc::clone(loaded));
            }
        }
        let file = SegmentFile::open(storage, folder, stream, segment)?;
        let index = match index_file::load_index(storage, folder, file.home) {
            Some(index) => index,
            None => recovery::reindex(storage, settings, folder, &file, bytes)?.index,
        };
        let loaded = Arc::new(Loaded { segment: file, index });
        self.put(stream, segment, Arc::clone(&loaded));
        Ok(loaded)
    }

    fn put(&self, stream: ObjectId, segment: u64, loaded: Arc<Loaded>) {
        let mut held = self.held.lock();
        held.clock += 1;
        let now = held.clock;
        held.segments.insert((stream, segment), (now, loaded));
        while held.segments.len() > self.limit {
            let oldest = held.segments.iter().min_by_key(|(_, (touched, _))| *touched).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            held.segments.remove(&oldest);
        }
    }

    /// Forgets the segments of a stream below one of them.
    pub(crate) fn forget(&self, stream: ObjectId, below: u64) {
        self.held.lock().segments.retain(|(owner, segment), _| *owner != stream || *segment >= below);
    }
}
