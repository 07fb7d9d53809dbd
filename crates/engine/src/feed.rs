//! Durable events of one stream on their way to the tick. What ingest decoded is handed over as it is; what was
//! stored before the start, or came too fast to be held, is read from the log and decoded again.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use highwater_log::{Log, LogError};
use highwater_model::{EventBatch, Offset, PartitionId, Records};
use parking_lot::Mutex;

use crate::core::StreamRuntime;
use crate::error::EngineError;

/// Bytes read from the log at a time.
const READ_BYTES: usize = 4 << 20;

/// The waiting events of a stream, by partition.
pub(crate) struct Feed(Vec<Mutex<Partition>>);

struct Partition {
    /// The columns that the tick wants.
    columns: SchemaRef,
    /// The next offset the tick wants.
    next: Offset,
    /// Decoded events by their first offset.
    waiting: BTreeMap<Offset, EventBatch>,
    waiting_rows: usize,
    /// What those events take in memory.
    waiting_bytes: usize,
    /// The log holds events that are not among the waiting ones.
    behind: bool,
}

/// Rows held decoded for one partition at most; beyond, they are read from the log again.
const HELD_ROWS: usize = 1_000_000;

impl Feed {
    /// Partitions of events with these columns; those below the given offsets are in the dataflow already. The log may
    /// hold more.
    pub(crate) fn new(columns: &SchemaRef, next: Vec<Offset>) -> Self {
        let partition = |next| {
            let (columns, waiting) = (Arc::clone(columns), BTreeMap::new());
            Mutex::new(Partition { columns, next, waiting, waiting_rows: 0, waiting_bytes: 0, behind: true })
        };
        Self(next.into_iter().map(partition).collect())
    }

    /// From now on the tick wants events with these columns. Those that wait, and those that were decoded before and are
    /// offered later, are read from the log again.
    pub(crate) fn redeclare(&self, columns: &SchemaRef) {
        for partition in &self.0 {
            let mut partition = partition.lock();
            partition.columns = Arc::clone(columns);
            partition.waiting.clear();
            (partition.waiting_rows, partition.waiting_bytes) = (0, 0);
            partition.behind = true;
        }
    }

    /// Hands over durable events.
    pub(crate) fn offer(&self, events: EventBatch) {
        let Some(partition) = self.0.get(events.partition.0 as usize) else { return };
        let mut partition = partition.lock();
        let rows = events.rows.num_rows();
        let columns = events.rows.schema_ref();
        let is_wanted = Arc::ptr_eq(columns, &partition.columns) || *columns == partition.columns;
        if !is_wanted || partition.waiting_rows + rows > HELD_ROWS {
            partition.behind = true;
        }
        if !partition.behind && events.base_offset >= partition.next {
            partition.waiting_rows += rows;
            partition.waiting_bytes += events.rows.get_array_memory_size();
            partition.waiting.insert(events.base_offset, events);
        }
    }

    /// Rows waiting, decoded.
    pub(crate) fn waiting_rows(&self) -> usize {
        self.0.iter().map(|partition| partition.lock().waiting_rows).sum()
    }

    /// Bytes that these rows take.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.0.iter().map(|partition| partition.lock().waiting_bytes).sum()
    }

    /// The next events of every partition, each in offset order, about `max_rows` of them.
    pub(crate) fn take(
        &self,
        stream: &StreamRuntime,
        log: &dyn Log,
        max_rows: usize,
    ) -> Result<Vec<EventBatch>, EngineError> {
        let mut taken = Vec::new();
        let share = (max_rows / self.0.len().max(1)).max(1);
        for (index, partition) in self.0.iter().enumerate() {
            let mut partition = partition.lock();
            let mut rows = partition.take_waiting(share, &mut taken);
            while partition.behind && rows < share {
                match partition.read_log(stream, log, PartitionId(index as u32))? {
                    Some(events) => {
                        rows += events.iter().map(|batch| batch.rows.num_rows()).sum::<usize>();
                        taken.extend(events);
                    }
                    None => break,
                }
            }
        }
        Ok(taken)
    }
}

impl Partition {
    fn take_waiting(&mut self, share: usize, taken: &mut Vec<EventBatch>) -> usize {
        let mut rows = 0;
        while rows < share {
            let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() == self.next) else { break };
            let events = entry.remove();
            self.next = events.next_offset();
            self.waiting_rows -= events.rows.num_rows();
            self.waiting_bytes -= events.rows.get_array_memory_size();
            rows += events.rows.num_rows();
            taken.push(events);
        }
        rows
    }

    /// Reads on in the log; `None` when its end is reached, from where ingest's own batches take over.
    fn read_log(
        &mut self,
        stream: &StreamRuntime,
        log: &dyn Log,
        partition: PartitionId,
    ) -> Result<Option<Vec<EventBatch>>, EngineError> {
        let events = read_events(stream, log, partition, &mut self.next, READ_BYTES)?;
        if !events.is_empty() {
            self.waiting = self.waiting.split_off(&self.next);
            self.waiting_rows = self.waiting.values().map(|batch| batch.rows.num_rows()).sum();
            self.waiting_bytes = self.waiting.values().map(|batch| batch.rows.get_array_memory_size()).sum();
            return Ok(Some(events));
        }
        // Events become durable before they are offered, so none can have been turned away once the end is reached.
        self.behind = log.bounds(stream.id, partition)?.next > self.next;
        Ok(None)
    }
}

/// Reads and decodes the next events of a partition from the log. Where the log was trimmed, goes on at its earliest;
/// where records were given up (`highwater doctor --repair`), behind them: when nothing follows in either case, a batch
/// without rows says how far that is, or a reader would wait for ever for what is before it.
pub(crate) fn read_events(
    stream: &StreamRuntime,
    log: &dyn Log,
    partition: PartitionId,
    next: &mut Offset,
    max_bytes: usize,
) -> Result<Vec<EventBatch>, EngineError> {
    let (blocks, left_out) = match log.read(stream.id, partition, *next, max_bytes) {
        Err(LogError::Truncated { earliest, .. }) => {
            tracing::warn!(stream = %stream.name, %partition, from = *next, earliest, "records were trimmed before they were read");
            *next = earliest;
            (log.read(stream.id, partition, earliest, max_bytes)?, true)
        }
        Err(damage @ LogError::Damaged { .. }) => {
            let Some(after) = log.after_hole(stream.id, partition, *next)? else { return Err(damage.into()) };
            tracing::warn!(stream = %stream.name, %partition, from = *next, next = after, "records that were given up are left out");
            *next = after;
            (log.read(stream.id, partition, after, max_bytes)?, true)
        }
        other => (other?, false),
    };
    if left_out && blocks.is_empty() {
        let rows = decode(stream, partition, *next, &Records::default())?;
        return Ok(vec![EventBatch { partition, base_offset: *next, ingested_at_micros: 0, rows }]);
    }
    let mut events = Vec::with_capacity(blocks.len());
    for block in blocks {
        let rows = decode(stream, partition, block.base_offset, &block.records)?;
        let batch = EventBatch {
            partition,
            base_offset: block.base_offset,
            ingested_at_micros: block.ingested_at_micros,
            rows,
        };
        *next = batch.next_offset();
        events.push(batch);
    }
    Ok(events)
}

fn decode(
    stream: &StreamRuntime,
    partition: PartitionId,
    offset: Offset,
    records: &Records,
) -> Result<RecordBatch, EngineError> {
    let replay = |source| EngineError::Replay { stream: stream.name.to_string(), partition, offset, source };
    stream.decoder.decode_records(records).map_err(replay)
}
