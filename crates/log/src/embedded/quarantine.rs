//! Turns broken bytes into explicit holes (see `block`): copied aside first, then overwritten by a hole's header, and
//! at the end of a stream followed by a state block whose offsets skip whatever may have been lost. Called through
//! `EmbeddedLog` for `doctor --repair`, on a closed stream. A crash in between leaves less damage than before.

use super::block::{self, Body, Place};
use super::committed::{Committed, CommittedFile};
use super::failure::io_error;
use super::index_file;
use super::layout;
use super::recovery::Careful;
use super::replay::Replay;
use super::report::Finding;
use super::scan::scan;
use super::segment::{self, HEAD_BYTES, SMALLEST_BLOCK_BYTES, SegmentFile};
use super::stream::Stream;
use super::tail;
use crate::LogError;
use crate::storage::write_all_at;

/// Gives up what was found.
pub(crate) fn give_up(stream: &Stream, findings: &[Finding]) -> Result<(), LogError> {
    let storage = &*stream.shared.storage;
    let sealed: Vec<u64> = stream.view.read().sealed.iter().map(|sealed| sealed.segment).collect();
    let active = stream.view.read().active.file.home.segment;
    for number in sealed.into_iter().chain([active]) {
        let segment = SegmentFile::open(storage, &stream.folder, stream.id, number)?;
        let here = findings.iter().filter(|finding| finding.path == segment.path);
        let here: Vec<_> = here.filter(|finding| finding.repairable && !finding.quarantined).collect();
        for finding in &here {
            dig(stream, &segment, finding)?;
        }
        if number == active {
            end_anew(stream, &segment, !here.is_empty())?;
        } else if !here.is_empty() {
            drop(storage.remove_file(&layout::index_file(&stream.folder, number)));
            reindex(stream, &segment)?;
        }
    }
    Ok(())
}

/// Makes one hole.
fn dig(stream: &Stream, segment: &SegmentFile, finding: &Finding) -> Result<(), LogError> {
    let fail = |error| io_error("write", &segment.path, error);
    let storage = &*stream.shared.storage;
    tail::set_aside(storage, &stream.folder, segment, finding.position, finding.end, "damaged")?;
    if finding.position == 0 {
        write_all_at(&*segment.file, &segment::head(segment.home), 0).map_err(fail)?;
        return segment.file.sync_data().map_err(fail);
    }
    // A hole that is too short for its header can only lie at the end: let it grow.
    let end = finding.end.max(finding.position + SMALLEST_BLOCK_BYTES);
    if segment.size()? < end {
        segment.file.set_size(end).map_err(fail)?;
    }
    let mut position = finding.position;
    while position < end {
        // Longer holes than a block can be are cut in pieces, none too short for a header.
        let most = layout::MAX_PAYLOAD_BYTES;
        let take = if end - position <= most { end - position } else { most / 2 };
        let place = Place { position, durable: HEAD_BYTES as u64 };
        // What was a block had a longer body than a list of its ends.
        let whole = position == finding.position && take == finding.end - finding.position;
        let body = Body::Hole(finding.ends.clone().filter(|_| whole));
        let mut bytes = Vec::new();
        block::encode_header(segment.home, place, &body, 0, &mut bytes);
        let payload = take - bytes.len() as u64;
        bytes.clear();
        block::encode_header(segment.home, place, &body, payload as u32, &mut bytes);
        write_all_at(&*segment.file, &bytes, position).map_err(fail)?;
        position += take;
    }
    segment.file.sync_data().map_err(fail)?;
    tracing::warn!(
        path = %segment.path.display(), position = finding.position, end,
        "damaged bytes were copied aside and given up"
    );
    Ok(())
}

/// Lets the active segment end in a state block, if there are holes in it, and notes all of it as acknowledged.
fn end_anew(stream: &Stream, segment: &SegmentFile, has_holes: bool) -> Result<(), LogError> {
    let fail = |error| io_error("write", &segment.path, error);
    let storage = &*stream.shared.storage;
    let size = segment.size()?;
    let mut end = size;
    if has_holes {
        let mut careful = Careful::new(segment, seed(stream, stream.shared.settings.max_producers)?);
        scan(segment, size, size, &mut careful)?;
        careful.replay.settle_doubt();
        let (state, producers) = careful.replay.standing.to_state(0, 0);
        let mut bytes = Vec::new();
        let place = Place { position: size, durable: size };
        block::encode_header(segment.home, place, &Body::State(state), producers.len() as u32, &mut bytes);
        bytes.extend_from_slice(&producers);
        write_all_at(&*segment.file, &bytes, size).map_err(fail)?;
        end += bytes.len() as u64;
    }
    segment.file.sync_data().map_err(fail)?;
    let sidecar = CommittedFile::open(storage, &stream.folder)?.map(|sidecar| sidecar.get()).transpose()?.flatten();
    if sidecar.is_some_and(|committed| committed.segment > segment.home.segment) {
        // It is the only witness of a last segment that is gone: the offsets in that must not be given again.
        return Ok(());
    }
    let committed = Committed { segment: segment.home.segment, position: end };
    CommittedFile::create(storage, &stream.folder, committed)?;
    storage.sync_dir(&stream.folder).map_err(|error| io_error("flush", &stream.folder, error))
}

/// Where the segment before the active one ended, for the case that the active one's first block is lost.
fn seed(stream: &Stream, max_producers: usize) -> Result<Replay, LogError> {
    let Some(before) = stream.view.read().sealed.last().map(|sealed| sealed.segment) else {
        return Ok(Replay::new(max_producers));
    };
    let segment = SegmentFile::open(&*stream.shared.storage, &stream.folder, stream.id, before)?;
    let size = segment.size()?;
    let mut careful = Careful::new(&segment, Replay::new(max_producers));
    scan(&segment, size, size, &mut careful)?;
    Ok(Replay::after(careful.replay.standing, max_producers))
}

fn reindex(stream: &Stream, segment: &SegmentFile) -> Result<(), LogError> {
    let size = segment.size()?;
    let mut careful = Careful::new(segment, Replay::new(stream.shared.settings.max_producers));
    scan(segment, size, size, &mut careful)?;
    let mut replay = careful.replay;
    replay.summary.bytes = size;
    index_file::store(&*stream.shared.storage, &stream.folder, segment.home, &replay.summary, &replay.index)
}
