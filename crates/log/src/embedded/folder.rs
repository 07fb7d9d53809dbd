//! Makes and removes a stream's folder so that a crash leaves all of it or none of it; `.new` and `.dropped` leftovers
//! are cleared at open. Called by `embedded_log`.

use std::io;
use std::path::{Path, PathBuf};

use highwater_model::ObjectId;

use super::block::Home;
use super::committed::{Committed, CommittedFile};
use super::failure::io_error;
use super::layout;
use super::replay::Standing;
use super::writer::beginning;
use crate::LogError;
use crate::storage::{Storage, write_all_at};

/// Makes the folder of a new stream, durably. Returns its path.
pub(crate) fn create(
    storage: &dyn Storage,
    log: &Path,
    stream: ObjectId,
    standing: &Standing,
) -> Result<PathBuf, LogError> {
    let folder = layout::stream_folder(log, stream);
    let unfinished = layout::new_folder(log, stream);
    clear(storage, &unfinished)?;
    let fail = |error| io_error("create", &folder, error);
    storage.create_dir_all(&unfinished).map_err(fail)?;
    let home = Home { stream, segment: 1 };
    let (bytes, end) = beginning(home, standing, 0, 0);
    CommittedFile::create(storage, &unfinished, Committed { segment: home.segment, position: end })?;
    let segment = storage.create(&layout::segment_file(&unfinished, home.segment)).map_err(fail)?;
    write_all_at(&*segment, &bytes, 0).map_err(fail)?;
    segment.sync_data().map_err(fail)?;
    storage.sync_dir(&unfinished).map_err(fail)?;
    storage.rename(&unfinished, &folder).map_err(fail)?;
    storage.sync_dir(log).map_err(fail)?;
    Ok(folder)
}

/// Removes a stream's folder, durably.
pub(crate) fn drop(storage: &dyn Storage, log: &Path, stream: ObjectId) -> Result<(), LogError> {
    let folder = layout::stream_folder(log, stream);
    let dropped = layout::dropped_folder(log, stream);
    clear(storage, &dropped)?;
    let fail = |error| io_error("remove", &folder, error);
    storage.rename(&folder, &dropped).map_err(fail)?;
    storage.sync_dir(log).map_err(fail)?;
    clear(storage, &dropped)
}

/// The streams there are; what was being made or removed is cleared.
pub(crate) fn streams(storage: &dyn Storage, log: &Path) -> Result<Vec<ObjectId>, LogError> {
    let names = storage.list(log).map_err(|error| io_error("list", log, error))?;
    for name in names.iter().filter(|name| name.ends_with(".new") || name.ends_with(".dropped")) {
        clear(storage, &log.join(name))?;
    }
    let mut streams: Vec<_> = names.iter().filter_map(|name| layout::stream_of(name)).collect();
    streams.sort_unstable();
    Ok(streams)
}

/// Removes a folder of files, if it is there.
fn clear(storage: &dyn Storage, folder: &Path) -> Result<(), LogError> {
    let fail = |error| io_error("remove", folder, error);
    let names = match storage.list(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(error)),
    };
    for name in names {
        storage.remove_file(&folder.join(name)).map_err(fail)?;
    }
    storage.remove_dir(folder).map_err(fail)
}
