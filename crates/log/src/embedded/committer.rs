//! The thread that makes a stream's appends durable: takes what waits, writes it with one flush, answers. Started by
//! `stream` with the first append, ended by `Stream::close`.

use super::block::Body;
use super::index_file;
use super::queue::Pending;
use super::replay::Standing;
use super::shared::Shared;
use super::stream::Stream;
use super::view::{Active, Sealed, View};
use super::writer::Writer;
use crate::LogError;

/// Works until the stream is closed and nothing waits.
pub(crate) fn run(stream: &Stream) {
    let guard = Guard(stream);
    while let Some(group) = next_group(stream) {
        commit(stream, group);
    }
    drop(guard);
}

fn next_group(stream: &Stream) -> Option<Vec<Pending>> {
    let mut queue = stream.queue.lock();
    while queue.waiting.is_empty() && !queue.closing {
        stream.wake.wait(&mut queue);
    }
    let group = queue.group(stream.shared.settings.group_bytes);
    (!group.is_empty()).then_some(group)
}

/// Makes a group durable, or fails it and all that waits behind it.
fn commit(stream: &Stream, group: Vec<Pending>) {
    let mut writer = stream.writer.lock();
    let written = store(stream, &mut writer, &group);
    let mut queue = stream.queue.lock();
    let before = queue.bytes;
    let answers = match &written {
        Ok(positions) => {
            let mut view = stream.view.write();
            show(&mut view, &group, positions, writer.position);
            drop(view);
            queue.stored(group)
        }
        Err(error) => queue.failed(group, stream.view.read().ends(), error),
    };
    stream.shared.unqueued(before - queue.bytes);
    // Answers wake other tasks, which may call back: no lock is held by then.
    drop(queue);
    drop(writer);
    match written {
        Ok(_) => stream.shared.progress.raise(),
        Err(error) => tracing::warn!(stream = stream.id.0, %error, "appends failed"),
    }
    for (answer, outcome) in answers {
        // Whoever no longer waits has its append all the same.
        drop(answer.send(outcome));
    }
}

fn store(stream: &Stream, writer: &mut Writer, group: &[Pending]) -> Result<Vec<u64>, LogError> {
    if stream.queue.lock().dropped {
        return Err(LogError::UnknownStream(stream.id));
    }
    if writer.position >= stream.shared.settings.segment_bytes {
        rotate(stream, writer)?;
    }
    writer.append(&stream.shared, group.iter().map(|pending| (&pending.body, pending.payload.as_slice())))
}

fn show(view: &mut View, group: &[Pending], positions: &[u64], end: u64) {
    for (pending, position) in group.iter().zip(positions) {
        if let Body::Batch(batch) = &pending.body {
            view.active.index.add(batch, *position);
            view.active.summary.add(batch);
        }
    }
    view.active.summary.bytes = end;
}

/// Where everything durable stands. The caller holds the writer, so nothing moves.
pub(crate) fn standing(stream: &Stream) -> Standing {
    let producers = stream.queue.lock().producers.clone();
    let view = stream.view.read();
    Standing { partitions: view.partitions, next: view.ends().clone(), producers }
}

/// Closes the active segment and begins the next one.
pub(crate) fn rotate(stream: &Stream, writer: &mut Writer) -> Result<(), LogError> {
    let Shared { storage, .. } = &*stream.shared;
    let home = writer.segment.home;
    let standing = standing(stream);
    writer.rotate(&stream.shared, &stream.folder, &standing)?;
    let stored = {
        let view = stream.view.read();
        index_file::store(&**storage, &stream.folder, home, &view.active.summary, &view.active.index)
    };
    if let Err(error) = stored {
        tracing::warn!(%error, "the index of a segment could not be written and will be made again when needed");
    }
    let mut view = stream.view.write();
    let mut active = Active {
        file: std::sync::Arc::clone(&writer.segment),
        summary: super::index::Summary::default(),
        index: super::index::Index::default(),
    };
    active.summary.start.clone_from(&standing.next);
    active.summary.next = standing.next;
    active.summary.bytes = writer.position;
    let sealed = std::mem::replace(&mut view.active, active);
    view.sealed.push(Sealed { segment: home.segment, summary: sealed.summary });
    Ok(())
}

/// If the thread ends before its time, nobody waits for it in vain.
struct Guard<'a>(&'a Stream);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = self.0.shared.poison("the writing thread ended before its time".to_owned());
            let ends = self.0.view.read().ends().clone();
            let answers = self.0.queue.lock().failed(Vec::new(), &ends, &error);
            for (answer, outcome) in answers {
                drop(answer.send(outcome));
            }
        }
    }
}
