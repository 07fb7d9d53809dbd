//! Adds partitions to a stream: a state block in the active segment, durable before it is shown. Called through
//! `EmbeddedLog::open_stream`; partitions never shrink.

use super::block::Body;
use super::committer;
use super::layout::MAX_PARTITIONS;
use super::stream::Stream;
use crate::LogError;

/// Refuses what no stream can have.
pub(crate) fn check_partitions(partitions: u32) -> Result<(), LogError> {
    if partitions == 0 || partitions > MAX_PARTITIONS {
        return Err(LogError::Invalid(format!(
            "a stream cannot have {partitions} partitions: give 1 to {MAX_PARTITIONS}"
        )));
    }
    Ok(())
}

impl Stream {
    /// Makes sure that there are at least so many partitions.
    pub(crate) fn grow(&self, partitions: u32) -> Result<(), LogError> {
        self.check()?;
        let mut writer = self.writer.lock();
        if self.view.read().partitions >= partitions {
            return Ok(());
        }
        let mut standing = committer::standing(self);
        standing.partitions = partitions;
        let (state, producers) = standing.to_state(0, 0);
        writer.append(&self.shared, [(&Body::State(state), producers.as_slice())].into_iter())?;
        let mut queue = self.queue.lock();
        let mut view = self.view.write();
        view.active.summary.bytes = writer.position;
        view.partitions = partitions;
        queue.partitions = partitions;
        Ok(())
    }
}
