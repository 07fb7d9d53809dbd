//! Finding corpus files and running one.

use std::path::{Path, PathBuf};

use sqllogictest::Runner;

use super::session::Session;
use super::{Door, DoorError};
use crate::TestkitError;

/// The `.slt` files of a folder in name order.
///
/// # Errors
/// When the folder cannot be read, or holds none: a corpus that is not found must not pass.
pub fn corpus_files(folder: &Path) -> Result<Vec<PathBuf>, TestkitError> {
    let what = || format!("reading the corpus in {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(TestkitError::io(what()))? {
        let path = entry.map_err(TestkitError::io(what()))?.path();
        if path.extension().is_some_and(|extension| extension == "slt") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() { Err(TestkitError::answer(what(), "there are no .slt files")) } else { Ok(files) }
}

/// Runs one file through a door, which nothing else uses.
///
/// # Errors
/// The first record that does not do what the file says, with its place and the difference.
pub async fn run_file<D: Door>(file: &Path, door: D) -> Result<(), DoorError> {
    let mut door = Some(Session(door));
    let mut runner = Runner::new(move || {
        let session = door.take().ok_or_else(|| DoorError("a corpus file uses one connection only".to_owned()));
        async { session }
    });
    runner.run_file_async(file).await.map_err(|error| DoorError(error.display(false).to_string()))
}
