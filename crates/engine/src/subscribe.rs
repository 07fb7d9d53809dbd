//! Subscriptions. Changes of followed views are kept for a while; each subscriber takes what has gathered since it
//! last looked, netted, at its own pace. One that falls behind what is kept gets a new snapshot.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_row::{RowConverter, SortField};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use highwater_api::{ApiError, ChangeEvent, ChangeStream, ErrorKind, SubscribeRequest};
use highwater_model::{ChangeBatch, ObjectId, ObjectName};
use highwater_views::{Snapshot, TickReport, ViewsError};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::core::Core;
use crate::filter::RowFilter;
use crate::names::resolve;

/// Rows of a snapshot or change event beyond which an event is split.
const HISTORY_TICKS: usize = 10_000;

/// The followed views.
pub(crate) struct Hub {
    channels: Mutex<HashMap<ObjectId, Arc<Channel>>>,
    /// The tick in which each object last changed.
    changed: Mutex<HashMap<ObjectId, u64>>,
    max_rows: usize,
}

/// The recent changes of one view.
struct Channel {
    recent: Mutex<Recent>,
    /// The tick of the latest change; `None` once the view is gone.
    latest: watch::Sender<Option<u64>>,
}

#[derive(Default)]
struct Recent {
    changes: VecDeque<Entry>,
    rows: usize,
    bytes: usize,
    /// Changes up to this tick are not kept.
    forgotten: u64,
}

struct Entry {
    tick: u64,
    version: String,
    changes: Vec<ChangeBatch>,
}

impl Hub {
    /// No followed views; keeps about so many changed rows of each.
    pub(crate) fn new(max_rows: usize) -> Self {
        Self { channels: Mutex::default(), changed: Mutex::default(), max_rows }
    }

    /// Keeps the changes of a tick for those who follow.
    pub(crate) fn publish(&self, report: TickReport, tick: u64) {
        let TickReport { changes, version, .. } = report;
        self.changed.lock().extend(changes.keys().map(|id| (*id, tick)));
        let channels = self.channels.lock();
        for (id, changes) in changes {
            if let Some(channel) = channels.get(&id) {
                channel.recent.lock().push(Entry { tick, version: version.clone(), changes }, self.max_rows);
                channel.latest.send_replace(Some(tick));
            }
        }
    }

    /// Bytes of all changes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.channels.lock().values().map(|channel| channel.recent.lock().bytes).sum()
    }

    /// The tick in which each of these objects last changed, 0 for never since the start.
    pub(crate) fn last_changes(&self, ids: &[ObjectId]) -> Vec<u64> {
        let changed = self.changed.lock();
        ids.iter().map(|id| changed.get(id).copied().unwrap_or(0)).collect()
    }

    /// Ends the subscriptions of an object that is gone.
    pub(crate) fn close(&self, id: ObjectId) {
        self.changed.lock().remove(&id);
        if let Some(channel) = self.channels.lock().remove(&id) {
            channel.latest.send_replace(None);
        }
    }

    fn channel(&self, id: ObjectId, tick: u64) -> Arc<Channel> {
        let mut channels = self.channels.lock();
        let channel = channels.entry(id).or_insert_with(|| {
            let recent = Recent { forgotten: tick, ..Recent::default() };
            Arc::new(Channel { recent: Mutex::new(recent), latest: watch::Sender::new(Some(tick)) })
        });
        Arc::clone(channel)
    }
}

impl Recent {
    fn push(&mut self, entry: Entry, max_rows: usize) {
        self.rows += rows_of(&entry.changes);
        self.bytes += bytes_of(&entry.changes);
        self.changes.push_back(entry);
        while self.rows > max_rows || self.changes.len() > HISTORY_TICKS {
            let Some(oldest) = self.changes.pop_front() else { break };
            self.rows -= rows_of(&oldest.changes);
            self.bytes -= bytes_of(&oldest.changes);
            self.forgotten = oldest.tick;
        }
    }

    /// The changes after a tick, if all of them are kept.
    fn since(&self, tick: u64) -> Option<Vec<&Entry>> {
        (tick >= self.forgotten).then(|| self.changes.iter().filter(|entry| entry.tick > tick).collect())
    }
}

fn rows_of(changes: &[ChangeBatch]) -> usize {
    changes.iter().map(ChangeBatch::len).sum()
}

fn bytes_of(changes: &[ChangeBatch]) -> usize {
    changes.iter().map(|change| change.rows.get_array_memory_size()).sum()
}

/// One reader's place.
struct Subscriber {
    core: Arc<Core>,
    id: ObjectId,
    name: ObjectName,
    schema: SchemaRef,
    filter: Option<RowFilter>,
    channel: Arc<Channel>,
    latest: watch::Receiver<Option<u64>>,
    /// Everything up to this tick was sent; `None` before the first snapshot.
    sent: Option<u64>,
}

/// Follows a view; see [`highwater_api::Engine::subscribe`].
pub(crate) fn subscribe(core: &Arc<Core>, request: &SubscribeRequest) -> Result<ChangeStream, ApiError> {
    let (id, name) = {
        let catalog = core.catalog.read();
        let entry = resolve(&catalog, &request.view)?;
        (entry.id, entry.name.clone())
    };
    let (schema, key, tick, version) = {
        let relations = core.reader.read();
        let store = relations.store(id).ok_or_else(|| not_followed(&name))?;
        (store.schema().clone(), store.key().to_vec(), relations.ticks, relations.version())
    };
    let filter = request.filter.as_ref().map(|filter| RowFilter::new(core, id, filter)).transpose()?;
    let channel = core.hub.channel(id, tick);
    let sent = request.resume_from.as_ref().and_then(|from| {
        let recent = channel.recent.lock();
        let known = recent.changes.iter().rev().find(|entry| entry.version == *from).map(|entry| entry.tick);
        known.or_else(|| (*from == version && recent.changes.is_empty()).then_some(tick))
    });
    let latest = channel.latest.subscribe();
    let subscriber =
        Subscriber { core: Arc::clone(core), id, name, schema: schema.clone(), filter, channel, latest, sent };
    let events = futures::stream::unfold(Some(subscriber), |state| async move {
        let mut subscriber = state?;
        match subscriber.next().await {
            Ok(Some(event)) => Some((Ok(event), Some(subscriber))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(ChangeStream { schema, key, events: Box::pin(events) })
}

fn not_followed(name: &ObjectName) -> ApiError {
    ApiError::new(ErrorKind::InvalidInput, format!("{name} keeps no rows to follow")).with_hint(
        "follow a materialized view, a table or a keyed stream; a view being built can be followed once it is live",
    )
}

impl Subscriber {
    async fn next(&mut self) -> Result<Option<ChangeEvent>, ApiError> {
        loop {
            let latest = *self.latest.borrow_and_update();
            if latest.is_none() {
                let gone = format!("{} was dropped or replaced", self.name);
                return Err(ApiError::new(ErrorKind::NotFound, gone).with_hint("follow it again"));
            }
            let gathered = match self.sent {
                Some(sent) => self.gather(sent)?,
                None => Gathered::Lost,
            };
            match gathered {
                Gathered::Lost => return self.snapshot().map(Some),
                Gathered::Changes(event) => return Ok(Some(event)),
                Gathered::Nothing => {
                    if self.latest.changed().await.is_err() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// What has changed since the last event, netted.
    fn gather(&mut self, sent: u64) -> Result<Gathered, ApiError> {
        let (tick, version, batches) = {
            let recent = self.channel.recent.lock();
            let Some(entries) = recent.since(sent) else { return Ok(Gathered::Lost) };
            let Some(last) = entries.last() else { return Ok(Gathered::Nothing) };
            let batches: Vec<ChangeBatch> = entries.iter().flat_map(|entry| entry.changes.iter().cloned()).collect();
            (last.tick, last.version.clone(), batches)
        };
        self.sent = Some(tick);
        let (removed, added) = net(&self.schema, &batches).map_err(|error| ApiError::internal(error.to_string()))?;
        let (removed, added) = (self.matching(removed)?, self.matching(added)?);
        if removed.is_empty() && added.is_empty() {
            return Ok(Gathered::Nothing);
        }
        Ok(Gathered::Changes(ChangeEvent::Changes { version, removed, added }))
    }

    fn snapshot(&mut self) -> Result<ChangeEvent, ApiError> {
        let (snapshot, tick, version): (Snapshot, u64, String) = {
            let relations = self.core.reader.read();
            let store = relations.store(self.id).ok_or_else(|| not_followed(&self.name))?;
            (store.snapshot(), relations.ticks, relations.version())
        };
        self.sent = Some(tick);
        let rows = snapshot.to_batches().map_err(|error: ViewsError| ApiError::internal(error.to_string()))?;
        Ok(ChangeEvent::Snapshot { version, rows: self.matching(rows)? })
    }

    fn matching(&self, rows: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, ApiError> {
        let Some(filter) = &self.filter else { return Ok(rows) };
        let kept = rows.iter().map(|rows| filter.apply(rows)).collect::<Result<Vec<_>, _>>()?;
        Ok(kept.into_iter().filter(|rows| rows.num_rows() > 0).collect())
    }
}

enum Gathered {
    /// More was missed than is kept.
    Lost,
    Nothing,
    Changes(ChangeEvent),
}

/// Adds up the weights of equal rows: what is gone, what is new. A row that is new several times is listed as often.
fn net(
    schema: &SchemaRef,
    changes: &[ChangeBatch],
) -> Result<(Vec<RecordBatch>, Vec<RecordBatch>), arrow_schema::ArrowError> {
    let batches: Vec<RecordBatch> = changes
        .iter()
        .map(|change| RecordBatch::try_new(schema.clone(), change.rows.columns().to_vec()))
        .collect::<Result<_, _>>()?;
    let all = concat_batches(schema, &batches)?;
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    let rows = converter.convert_columns(all.columns())?;
    let mut weights: HashMap<&[u8], (u32, i64)> = HashMap::new();
    let each = changes.iter().flat_map(|change| (0..change.len()).map(|row| change.weights.at(row)));
    for (row, weight) in each.enumerate() {
        let entry = weights.entry(rows.row(row).data()).or_insert((row as u32, 0));
        entry.1 += weight;
    }
    let mut net: Vec<(u32, i64)> = weights.into_values().filter(|(_, weight)| *weight != 0).collect();
    net.sort_unstable();
    let pick = |sign: i64| {
        let rows = net.iter().filter(|(_, weight)| weight.signum() == sign);
        let rows: UInt32Array =
            rows.flat_map(|(row, weight)| std::iter::repeat_n(*row, weight.unsigned_abs() as usize)).collect();
        take_record_batch(&all, &rows)
    };
    let keep = |rows: RecordBatch| if rows.num_rows() == 0 { Vec::new() } else { vec![rows] };
    Ok((keep(pick(-1)?), keep(pick(1)?)))
}
