//! Reading on behind records that quarantine gave up: finds where a partition's next record is. Called through
//! `EmbeddedLog` by readers that met damage and may leave out what the owner of the data has given up.

use std::sync::Arc;

use highwater_model::{Offset, PartitionId};

use super::block::Body;
use super::segment::{HEAD_BYTES, SegmentFile};
use super::stream::Stream;
use super::view::at;
use crate::LogError;

impl Stream {
    /// See [`crate::Log::after_hole`]. Reads the headers of one segment: slow, and needed once a hole.
    pub(crate) fn after_hole(&self, partition: PartitionId, from: Offset) -> Result<Option<Offset>, LogError> {
        let bounds = self.bounds(partition)?;
        if from < bounds.earliest || from >= bounds.next {
            return Ok(None);
        }
        let view = self.view.read().clone();
        let (segment, limit, end) = match view.sealed_with(partition, from) {
            Some(sealed) => {
                let file = SegmentFile::open(&*self.shared.storage, &self.folder, self.id, sealed.segment)?;
                (Arc::new(file), sealed.summary.bytes, at(&sealed.summary.next, partition))
            }
            None => (Arc::clone(&view.active.file), view.active.summary.bytes, at(view.ends(), partition)),
        };
        let (mut position, mut given_up) = (HEAD_BYTES as u64, false);
        while position < limit {
            let header = segment.header(position, limit)?;
            match &header.body {
                Body::Hole(_) => given_up = true,
                Body::State(_) => {}
                Body::Batch(batch) => {
                    let own = batch.parts.iter().filter(|part| part.partition == partition && part.shape.count > 0);
                    for part in own {
                        if part.base > from {
                            return Ok(given_up.then_some(part.base));
                        }
                        if part.next() > from {
                            return Ok(None);
                        }
                        // A hole before this record has nothing to do with `from`.
                        given_up = false;
                    }
                }
            }
            position = header.end();
        }
        Ok(given_up.then_some(end))
    }
}
