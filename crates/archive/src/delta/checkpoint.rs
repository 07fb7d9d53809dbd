//! Checkpoints: the whole state of a table in one file, so that opening need not read every commit.

use deltalake_core::{DeltaTable, checkpoints};

use crate::ArchiveError;
use crate::place::Place;

/// A checkpoint is written every so many commits.
pub(crate) const CHECKPOINT_EVERY: u64 = 50;

/// Writes a checkpoint of the latest version.
pub(crate) async fn checkpoint(place: &Place) -> Result<(), ArchiveError> {
    let failed = |error| ArchiveError::delta(&place.folder, "write a checkpoint", error);
    let mut table = DeltaTable::new(place.log.clone());
    table.load().await.map_err(failed)?;
    checkpoints::create_checkpoint(&table, None).await.map_err(failed)
}
