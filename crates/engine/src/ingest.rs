//! The way in: decode, split by partition, append, and, once durable, hand over to the tick.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use highwater_api::{ApiError, BodyFormat, ErrorKind, IngestReport, IngestRequest, ProducerStamp, RejectedRecord};
use highwater_decode::{Decoded, Reject};
use highwater_log::{Append, Appended, Part, Stamp};
use highwater_model::{EventBatch, Offsets, PartitionId, PartitionRange, Records, RecordsBuilder};
use highwater_sql::EntryKind;
use tokio::task::JoinHandle;

use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;
use crate::memory::{self, Room};
use crate::names::resolve;
use crate::priority;
use crate::rejects::{StoredReject, Written};

/// Bodies below this are decoded on the spot: handing them to another thread would cost more.
const INLINE_BYTES: usize = 16 << 10;

/// Records of one partition, decoded and raw.
pub(crate) struct Split {
    pub(crate) partition: PartitionId,
    pub(crate) rows: RecordBatch,
    pub(crate) records: Records,
}

/// A request ready to be appended.
struct Prepared {
    splits: Vec<Split>,
    rejects: Vec<Reject>,
    /// How it was written.
    format: highwater_decode::BodyFormat,
    header: Option<bytes::Bytes>,
}

/// Stores events; see [`highwater_api::Engine::ingest`].
pub(crate) async fn ingest(core: &Arc<Core>, request: IngestRequest) -> Result<IngestReport, ApiError> {
    let stream = stream_for(core, &request.stream)?;
    check_stamp(request.stamp.as_ref())?;
    let waiting = stream.feed.waiting_rows();
    if waiting > core.settings.max_waiting_rows {
        let message = format!("{waiting} events of {} wait to be shown in its views", stream.name);
        return Err(ApiError::new(ErrorKind::Overloaded, message).with_retry_after(Duration::from_secs(1)));
    }
    admit(core, &stream)?;
    let IngestRequest { format, body, stamp, wait_visible, .. } = request;
    let begun = if body.len() <= INLINE_BYTES {
        begin(core, &stream, prepare(&stream, format, &body)?, stamp)?
    } else {
        // Decoding and compressing many events on a thread that serves requests would hold up the others.
        let (core, stream) = (Arc::clone(core), Arc::clone(&stream));
        let turn = Arc::clone(&core.decoding).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            priority::give_way();
            begin(&core, &stream, prepare(&stream, format, &body)?, stamp)
        });
        work.await.map_err(|error| ApiError::internal(format!("decoding stopped: {error}")))??
    };
    let report = begun.finish().await?;
    if wait_visible {
        let mut wanted = Offsets::default();
        for range in report.offsets.iter().filter(|range| !range.partition.is_rejects()) {
            wanted.set(stream.id, range.partition, range.next);
        }
        core.tick.visible(&core.reader, &wanted).await?;
    }
    Ok(report)
}

fn stream_for(core: &Core, name: &str) -> Result<Arc<StreamRuntime>, ApiError> {
    let catalog = core.catalog.read();
    let entry = resolve(&catalog, name)?;
    if !matches!(entry.kind, EntryKind::Stream { .. }) {
        return Err(ApiError::new(
            ErrorKind::InvalidInput,
            format!("{} is a {}, and only streams take events", entry.name, entry.kind.noun()),
        )
        .with_hint("write tables with INSERT; send events to a stream that the view reads"));
    }
    core.stream(entry.id).ok_or_else(|| ApiError::internal(format!("stream {} has no runtime", entry.name)))
}

/// Keeps events out that would only make views grow when there is no room for that, and slows them down before. What is
/// refused was not stored: the producer may send it again.
pub(crate) fn admit(core: &Core, stream: &StreamRuntime) -> Result<(), ApiError> {
    core.memory.waits(stream.feed.waiting_bytes() as u64);
    let room = core.memory.room();
    if room == Room::Enough || !feeds_state(core, stream) {
        return Ok(());
    }
    let what = format!("no events are taken in for {} now", stream.name);
    let refuse = || memory::full(core, ErrorKind::Overloaded, &what);
    match room {
        Room::Enough => Ok(()),
        Room::None => Err(refuse()),
        // What waits already may fill the rest.
        Room::Little(pause) if stream.feed.waiting_rows() > 0 => Err(refuse().with_retry_after(pause)),
        Room::Little(pause) => match core.memory.wait(pause, core.clock.now_micros()) {
            Some(wait) => Err(refuse().with_retry_after(wait)),
            None => Ok(()),
        },
    }
}

/// Whether a stream's events become state: its own rows, or those of materialized views.
fn feeds_state(core: &Core, stream: &StreamRuntime) -> bool {
    let catalog = core.catalog.read();
    let is_kept = |id| catalog.get(id).is_some_and(|entry| matches!(entry.kind, EntryKind::MaterializedView { .. }));
    stream.schema.keyed.is_some() || catalog.dependents(stream.id).into_iter().any(is_kept)
}

fn check_stamp(stamp: Option<&ProducerStamp>) -> Result<(), ApiError> {
    match stamp {
        Some(stamp) if stamp.producer.is_empty() || stamp.producer.len() > 128 => {
            Err(ApiError::new(ErrorKind::InvalidInput, "a producer's name has 1 to 128 characters"))
        }
        _ => Ok(()),
    }
}

fn prepare(stream: &StreamRuntime, format: BodyFormat, body: &bytes::Bytes) -> Result<Prepared, ApiError> {
    let format = match format {
        BodyFormat::NdJson => highwater_decode::BodyFormat::NdJson,
        BodyFormat::Json => highwater_decode::BodyFormat::Json,
        BodyFormat::Csv => highwater_decode::BodyFormat::Csv,
        BodyFormat::Text => highwater_decode::BodyFormat::Text,
    };
    let decoded = stream
        .decoder
        .decode_body(format, body)
        .map_err(|error| ApiError::new(ErrorKind::InvalidInput, error.to_string()))?;
    let splits = split(stream, &decoded)?;
    Ok(Prepared { splits, rejects: decoded.rejects, format, header: decoded.header })
}

/// The decoded rows by partition.
pub(crate) fn split(stream: &StreamRuntime, decoded: &Decoded) -> Result<Vec<Split>, ApiError> {
    if decoded.rows.num_rows() == 0 {
        return Ok(Vec::new());
    }
    if stream.schema.partitions == 1 || stream.schema.partition_by.is_empty() {
        let partition = stream.next_partition();
        return Ok(vec![Split { partition, rows: decoded.rows.clone(), records: decoded.records() }]);
    }
    let mut splits = Vec::new();
    let of = highwater_decode::partition_of(&stream.schema, &decoded.rows)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    for (partition, rows) in highwater_decode::split_by_partition(stream.schema.partitions, &of) {
        let records = decoded.gather(&rows);
        let rows = take_record_batch(&decoded.rows, &UInt32Array::from(rows))
            .map_err(|error| ApiError::internal(error.to_string()))?;
        splits.push(Split { partition, rows, records });
    }
    Ok(splits)
}

/// Events on their way to the disk.
struct Begun {
    report: IngestReport,
    /// What comes of appending them; `None` when there was nothing to append.
    stored: Option<JoinHandle<Result<Appended, EngineError>>>,
}

/// Begins to append; when the events are durable, they are handed over to the tick.
fn begin(
    core: &Arc<Core>,
    stream: &Arc<StreamRuntime>,
    prepared: Prepared,
    stamp: Option<ProducerStamp>,
) -> Result<Begun, ApiError> {
    let now = core.clock.now_micros();
    let Prepared { splits, rejects, format, header } = prepared;
    let hidden = match rejects.is_empty() {
        true => None,
        false => Some(reject_records(&rejects, &Written { format, header: header.as_deref() }, now)?),
    };
    let report = IngestReport {
        stream: stream.name.to_string(),
        accepted: splits.iter().map(|split| split.rows.num_rows() as u64).sum(),
        rejected: rejects.len() as u64,
        duplicate: false,
        offsets: Vec::new(),
        rejects: rejects.iter().take(IngestReport::MAX_LISTED).map(listed).collect(),
    };
    if splits.is_empty() && hidden.is_none() && stamp.is_none() {
        return Ok(Begun { report, stored: None });
    }
    let stamp = stamp.map(|stamp| Stamp { producer: stamp.producer, sequence: stamp.sequence });
    Ok(Begun { report, stored: Some(append(core, stream, splits, hidden, stamp, now)) })
}

/// Appends rows, and records for the stream's hidden partition, in one piece; when they are durable, the rows are handed
/// over to the tick, even if the caller goes away in between.
pub(crate) fn append(
    core: &Arc<Core>,
    stream: &Arc<StreamRuntime>,
    splits: Vec<Split>,
    hidden: Option<Records>,
    stamp: Option<Stamp>,
    now: i64,
) -> JoinHandle<Result<Appended, EngineError>> {
    let parts = splits.iter().map(|split| Part { partition: split.partition, records: split.records.clone() });
    let hidden = hidden.map(|records| Part { partition: PartitionId::REJECTS, records });
    let parts = parts.chain(hidden).collect();
    let appended = core.log.append(Append { stream: stream.id, ingested_at_micros: now, stamp, parts });
    let (owner, runtime) = (Arc::clone(core), Arc::clone(stream));
    tokio::spawn(async move {
        let appended = appended.await?;
        if !appended.duplicate {
            hand_over(&owner, &runtime, splits, &appended.ranges, now);
        }
        Ok(appended)
    })
}

impl Begun {
    /// Waits until the events are durable.
    async fn finish(self) -> Result<IngestReport, ApiError> {
        let Self { mut report, stored } = self;
        let Some(stored) = stored else { return Ok(report) };
        let appended = stored.await.map_err(|error| ApiError::internal(format!("storing stopped: {error}")))??;
        report.duplicate = appended.duplicate;
        report.offsets = appended.ranges;
        if appended.duplicate {
            report.accepted = 0;
        }
        Ok(report)
    }
}

fn hand_over(core: &Core, stream: &StreamRuntime, splits: Vec<Split>, ranges: &[PartitionRange], now: i64) {
    for (split, range) in splits.into_iter().zip(ranges) {
        stream.feed.offer(EventBatch {
            partition: split.partition,
            base_offset: range.first,
            ingested_at_micros: now,
            rows: split.rows,
        });
    }
    core.tick.wake();
}

fn listed(reject: &Reject) -> RejectedRecord {
    RejectedRecord {
        record: reject.record,
        byte: reject.byte,
        line: reject.line,
        column: reject.column.clone(),
        reason: reject.reason.clone(),
    }
}

/// Rejects as the records of the stream's hidden partition; read back by `<stream>_rejects`.
fn reject_records(rejects: &[Reject], written: &Written<'_>, now: i64) -> Result<Records, ApiError> {
    let mut records = RecordsBuilder::default();
    for reject in rejects {
        let stored = StoredReject::new(reject, written, now);
        let json = serde_json::to_vec(&stored).map_err(|error| ApiError::internal(error.to_string()))?;
        if !records.push(&json) {
            return Err(ApiError::new(ErrorKind::TooLarge, "more than 4 GiB of rejected records in one request"));
        }
    }
    Ok(records.finish())
}
