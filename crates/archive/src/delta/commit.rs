//! One commit: a file that must not be there yet. Called under the table's writer lock.

use object_store::{Error, PutMode, PutOptions};

use super::Lines;
use crate::ArchiveError;
use crate::place::Place;

/// How a commit ended.
pub(crate) enum Outcome {
    /// It is durable at the version asked for.
    Done,
    /// Another writer has that version.
    Taken,
}

/// Writes a commit at a version.
///
/// # Errors
/// Of the store. The commit may be there all the same: the table must be loaded again before the next one.
pub(crate) async fn commit(place: &Place, version: u64, lines: Lines) -> Result<Outcome, ArchiveError> {
    let path = place.commit(version);
    let bytes = lines.into_bytes();
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match place.store.put_opts(&path, bytes.clone().into(), options).await {
        Ok(_) => Ok(Outcome::Done),
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            // A store that retries by itself meets its own first attempt.
            Ok(if place.read(&path).await? == bytes { Outcome::Done } else { Outcome::Taken })
        }
        Err(source) => Err(ArchiveError::store(path, source)),
    }
}
