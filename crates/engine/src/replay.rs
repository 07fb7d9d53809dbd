//! `REPLAY REJECTS`: rejected records are read by the stream's present declaration. Those that can be read become events
//! in one append with the mark that says so ([`crate::replayed`]); the others stay as they are. Goes on in pieces: what is
//! done when a process dies, or a caller goes away, stays done, and the next replay goes on with the rest.

use std::ops::Range;
use std::sync::Arc;

use arrow_select::concat::concat_batches;
use highwater_api::{ApiError, Refusal, ReplayReport};
use highwater_decode::Decoded;
use highwater_log::LogError;
use highwater_model::{ObjectId, Offset, Offsets, PartitionId, RecordsBuilder};

use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::ingest::{self, Split};
use crate::jobs::blocking;
use crate::rejects::StoredReject;
use crate::replayed::{ReplayMark, is_mark};

/// Bytes of rejects read at a time: what becomes of them is one append.
const READ_BYTES: usize = 1 << 20;

/// What is to be read, and how far it is.
struct Reading {
    next: Offset,
    end: Offset,
    /// Only these offsets, in order.
    wanted: Option<Vec<Offset>>,
    report: ReplayReport,
}

/// Some rejects that can be read now.
struct Readable {
    splits: Vec<Split>,
    /// Their offsets, in order.
    offsets: Vec<Offset>,
    events: u64,
}

/// Replays the rejects of a stream; of `wanted`, sorted offsets, when given.
pub(crate) async fn replay(
    core: &Arc<Core>,
    id: ObjectId,
    wanted: Option<Vec<Offset>>,
) -> Result<ReplayReport, ApiError> {
    // Its own task, which keeps its turn: who goes away must not let another begin before what was appended is durable.
    let owner = Arc::clone(core);
    let work = tokio::spawn(async move { replay_all(&owner, id, wanted).await });
    work.await.map_err(|error| ApiError::internal(format!("replaying stopped: {error}")))?
}

async fn replay_all(core: &Arc<Core>, id: ObjectId, wanted: Option<Vec<Offset>>) -> Result<ReplayReport, ApiError> {
    let _turn = core.replays.lock().await;
    let gone = || ApiError::internal(format!("stream {id} has no runtime"));
    let stream = core.stream(id).ok_or_else(gone)?;
    let bounds = core.log.bounds(id, PartitionId::REJECTS).map_err(EngineError::from)?;
    let report = ReplayReport { stream: stream.name.to_string(), ..ReplayReport::default() };
    let mut reading = Reading { next: bounds.earliest, end: bounds.next, wanted, report };
    let mut stored = Offsets::default();
    while reading.next < reading.end {
        // The declaration may have changed since the last piece.
        let stream = core.stream(id).ok_or_else(gone)?;
        ingest::admit(core, &stream)?;
        let (owner, by) = (Arc::clone(core), Arc::clone(&stream));
        let work = blocking(move || {
            let readable = reading.piece(&owner, &by)?;
            Ok((reading, readable))
        });
        let (read, readable) = work.await?;
        reading = read;
        let Some(Readable { splits, offsets, events }) = readable else { continue };
        let now = core.clock.now_micros();
        let mark = serde_json::to_vec(&ReplayMark::new(now, &offsets));
        let mark = mark.map_err(|error| ApiError::internal(error.to_string()))?;
        let mut hidden = RecordsBuilder::default();
        if !hidden.push(&mark) {
            return Err(ApiError::internal("the mark of a replay has more than 4 GiB"));
        }
        let appended = ingest::append(core, &stream, splits, Some(hidden.finish()), None, now);
        let appended = appended.await.map_err(|error| ApiError::internal(format!("storing stopped: {error}")))??;
        for range in appended.ranges.iter().filter(|range| !range.partition.is_rejects()) {
            stored.set(id, range.partition, range.next);
        }
        reading.report.replayed += offsets.len() as u64;
        reading.report.events += events;
    }
    core.tick.visible(&core.reader, &stored).await?;
    stream.replayed.catch_up(core.log.as_ref(), id)?;
    Ok(reading.report)
}

impl Reading {
    /// Reads the next rejects; gives those that became readable.
    fn piece(&mut self, core: &Core, stream: &StreamRuntime) -> Result<Option<Readable>, EngineError> {
        stream.replayed.catch_up(core.log.as_ref(), stream.id)?;
        let partition = PartitionId::REJECTS;
        let blocks = match core.log.read(stream.id, partition, self.next, READ_BYTES) {
            Ok(blocks) => blocks,
            Err(LogError::Truncated { earliest, .. }) => {
                self.next = earliest;
                return Ok(None);
            }
            Err(damage @ LogError::Damaged { .. }) => {
                self.next = core.log.after_hole(stream.id, partition, self.next)?.ok_or(damage)?;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut gathered = Gathered::default();
        for block in &blocks {
            for (offset, record) in (block.base_offset..self.end).zip(block.records.iter()) {
                if !is_mark(record) && self.wants(offset) {
                    self.take(stream, offset, record, &mut gathered);
                }
            }
            self.next = block.base_offset + block.records.len() as u64;
        }
        if blocks.is_empty() {
            self.next = self.end;
        }
        gathered.split(stream)
    }

    fn wants(&self, offset: Offset) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.binary_search(&offset).is_ok())
    }

    fn take(&mut self, stream: &StreamRuntime, offset: Offset, record: &[u8], gathered: &mut Gathered) {
        if stream.replayed.at(offset, Offset::MAX).is_some() {
            self.report.replayed_before += 1;
            return;
        }
        match read(stream, record) {
            Ok(decoded) => gathered.add(offset, &decoded),
            Err(reason) => {
                self.report.refused += 1;
                if self.report.refusals.len() < ReplayReport::MAX_LISTED {
                    self.report.refusals.push(Refusal { offset, reason });
                }
            }
        }
    }
}

/// A stored reject by the present declaration; else why it is refused still.
fn read(stream: &StreamRuntime, record: &[u8]) -> Result<Decoded, String> {
    let reject: StoredReject = serde_json::from_slice(record).map_err(|error| error.to_string())?;
    let whole = "not all of the record was kept, or it is no text";
    let (format, body) = reject.body(&stream.schema.format).ok_or(whole)?;
    let decoded = stream.decoder.decode_body(format, &body).map_err(|error| error.to_string())?;
    match decoded.rejects.first() {
        Some(reject) => Err(reject.reason.clone()),
        None if decoded.spans.is_empty() => Err("there is no record in it".to_owned()),
        None => Ok(decoded),
    }
}

/// Readable rejects, one after the other.
#[derive(Default)]
struct Gathered {
    offsets: Vec<Offset>,
    rows: Vec<arrow_array::RecordBatch>,
    source: Vec<u8>,
    spans: Vec<Range<u32>>,
}

impl Gathered {
    fn add(&mut self, offset: Offset, decoded: &Decoded) {
        for record in decoded.records().iter() {
            let start = self.source.len() as u32;
            self.source.extend_from_slice(record);
            self.spans.push(start..self.source.len() as u32);
        }
        self.offsets.push(offset);
        self.rows.push(decoded.rows.clone());
    }

    fn split(self, stream: &StreamRuntime) -> Result<Option<Readable>, EngineError> {
        let Self { offsets, rows, source, spans } = self;
        if offsets.is_empty() {
            return Ok(None);
        }
        let rows = concat_batches(stream.decoder.schema(), &rows);
        let rows = rows.map_err(|error| EngineError::Views(error.into()))?;
        let events = rows.num_rows() as u64;
        let decoded = Decoded { rows, spans, source: source.into(), rejects: Vec::new(), header: None };
        let splits = ingest::split(stream, &decoded).map_err(|error| EngineError::Refused(Box::new(error)))?;
        Ok(Some(Readable { splits, offsets, events }))
    }
}
