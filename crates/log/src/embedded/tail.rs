//! Work on the end of a segment at open: copying bytes aside before they are cut or given up, and making sure that
//! what is kept really is on disk. Called by `recovery` and `quarantine`.

use std::path::Path;

use super::failure::io_error;
use super::layout;
use super::segment::SegmentFile;
use crate::LogError;
use crate::storage::{Storage, write_all_at};

/// Bytes copied at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// Copies `from..to` of a segment to a file of its own, durably. `why` is the file's extension.
pub(crate) fn set_aside(
    storage: &dyn Storage,
    folder: &Path,
    segment: &SegmentFile,
    from: u64,
    to: u64,
    why: &str,
) -> Result<(), LogError> {
    let path = layout::aside_file(folder, segment.home.segment, from, why);
    let unfinished = layout::unfinished(&path);
    let fail = |error| io_error("write", &path, error);
    let file = storage.create(&unfinished).map_err(fail)?;
    each_chunk(segment, from, to, |position, bytes| write_all_at(&*file, bytes, position - from).map_err(fail))?;
    file.sync_data().map_err(fail)?;
    storage.rename(&unfinished, &path).map_err(fail)?;
    storage.sync_dir(folder).map_err(fail)
}

/// Cuts a segment of `size` bytes to `end` and makes the rest durable. Bytes above `acknowledged` are written again:
/// if their flush failed before the restart, the kernel believes them clean.
pub(crate) fn settle(segment: &SegmentFile, acknowledged: u64, end: u64, size: u64) -> Result<(), LogError> {
    let fail = |error| io_error("flush", &segment.path, error);
    if end < size {
        segment.file.set_size(end).map_err(fail)?;
    }
    each_chunk(segment, acknowledged.min(end), end, |position, bytes| {
        write_all_at(&*segment.file, bytes, position).map_err(fail)
    })?;
    segment.file.sync_data().map_err(fail)
}

fn each_chunk(
    segment: &SegmentFile,
    from: u64,
    to: u64,
    mut with: impl FnMut(u64, &[u8]) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let mut position = from;
    while position < to {
        let bytes = segment.bytes(position, CHUNK_BYTES.min(to - position) as usize)?;
        if bytes.is_empty() {
            break;
        }
        with(position, &bytes)?;
        position += bytes.len() as u64;
    }
    Ok(())
}
