//! Receives request bodies within limits: size, time and the memory of all bodies in flight; undoes gzip.
//! Called by ingest and SQL. A body that came in one piece is not copied; one in several is copied once.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use bytes::{BufMut, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use highwater_api::{ApiError, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Problem, ProblemKind};
use crate::settings::ServerSettings;

/// Memory is accounted in units of this many bytes.
const UNIT: usize = 1024;
/// Decompression grows its output by this much at a time.
const STEP: usize = 256 * 1024;
/// How long a refused body is read on, so that the client gets to see the refusal.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Bounds ingest: how many requests, and how many bytes they hold together.
pub(crate) struct Intake {
    slots: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    retry_after: Duration,
}

impl Intake {
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let units = settings.max_ingest_memory_bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(settings.max_concurrent_ingests.min(Semaphore::MAX_PERMITS))),
            memory: Arc::new(Semaphore::new(units)),
            retry_after: settings.retry_after,
        }
    }

    /// A place among the requests served now, or 429.
    pub(crate) fn slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let slot = self.slots.clone().try_acquire_owned();
        slot.map_err(|_| overloaded("too many ingest requests at once", self.retry_after))
    }

    /// A place among the requests served now, waited for. `None` never happens: the semaphore is not closed.
    pub(crate) async fn wait_for_slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }

    /// An account of memory, empty.
    pub(crate) fn account(&self) -> Account {
        Account { memory: self.memory.clone(), held: Vec::new(), bytes: 0, units: 0, retry_after: self.retry_after }
    }
}

fn overloaded(detail: &str, retry_after: Duration) -> Problem {
    ApiError::new(ErrorKind::Overloaded, detail)
        .with_hint("nothing of this request was stored; send it again after the time in Retry-After")
        .with_retry_after(retry_after)
        .into()
}

/// Memory held by one body; given back when dropped.
pub(crate) struct Account {
    memory: Arc<Semaphore>,
    held: Vec<OwnedSemaphorePermit>,
    bytes: usize,
    units: usize,
    retry_after: Duration,
}

impl Account {
    /// Takes `bytes` more, or says 429. Never waits, so bodies cannot lock each other out.
    fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        let missing = self.bytes.div_ceil(UNIT).saturating_sub(self.units);
        let Ok(permits) = u32::try_from(missing) else { return Err(self.refusal()) };
        match self.memory.clone().try_acquire_many_owned(permits) {
            Ok(permit) => {
                self.held.push(permit);
                self.units += missing;
                Ok(())
            }
            Err(_) => Err(self.refusal()),
        }
    }

    fn refusal(&self) -> Problem {
        overloaded("the ingest bodies in flight fill the memory set aside for them", self.retry_after)
    }
}

/// A body as it is handed on, with the memory it holds.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) account: Account,
}

/// Receives a body of at most `limit` bytes, before and after decompression, in at most `within`.
/// Whatever is refused is still read for a moment: a client that only gets a reset learns nothing.
pub(crate) async fn receive(
    headers: &HeaderMap,
    body: Body,
    account: Account,
    limit: usize,
    within: Duration,
) -> Result<Received, Problem> {
    let mut frames = body.into_data_stream();
    let gzip = match check(headers, limit) {
        Ok(gzip) => gzip,
        Err(problem) => {
            drain_frames(headers, &mut frames, limit).await;
            return Err(problem);
        }
    };
    let collected = tokio::time::timeout(within, collect(headers, &mut frames, account, limit)).await;
    let received = match collected {
        Ok(Ok(received)) => received,
        Ok(Err(problem)) => {
            drain_frames(headers, &mut frames, limit).await;
            return Err(problem);
        }
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", within.as_secs());
            return Err(ApiError::new(ErrorKind::Timeout, detail).with_hint("send smaller bodies").into());
        }
    };
    if !gzip {
        return Ok(received);
    }
    tokio::task::spawn_blocking(move || gunzip(received, limit))
        .await
        .unwrap_or_else(|_| Err(ApiError::internal("decompression stopped unexpectedly").into()))
}

/// Whether the body is gzip; or why it is refused by its headers alone.
fn check(headers: &HeaderMap, limit: usize) -> Result<bool, Problem> {
    if content_length(headers).is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit, "the body"));
    }
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(false),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(false),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"gzip") => Ok(true),
        (Some(one), _) => {
            let detail = format!("content encoding {:?} is not read here", String::from_utf8_lossy(one.as_bytes()));
            Err(Problem::new(ProblemKind::UnsupportedMediaType, detail).with_hint("send it plain or with one gzip"))
        }
    }
}

async fn collect(
    headers: &HeaderMap,
    frames: &mut BodyDataStream,
    mut account: Account,
    limit: usize,
) -> Result<Received, Problem> {
    let declared = content_length(headers).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    account.take(declared)?;
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut received = 0;
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|error| Problem::invalid(format!("the body ended early: {error}")))?;
        received += frame.len();
        if received > limit {
            return Err(too_large(limit, "the body"));
        }
        if received > declared {
            account.take(frame.len().min(received - declared))?;
        }
        if first.is_empty() && all.is_empty() {
            first = frame;
            continue;
        }
        if all.is_empty() {
            all.reserve(declared.max(received * 2).min(limit));
            all.put_slice(&first);
        }
        all.put_slice(&frame);
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok(Received { bytes, account })
}

/// Decompresses up to `limit` bytes. Runs on a blocking thread.
fn gunzip(received: Received, limit: usize) -> Result<Received, Problem> {
    let Received { bytes, mut account } = received;
    if bytes.is_empty() {
        return Err(truncated());
    }
    let mut decoder = MultiGzDecoder::new(bytes.as_ref());
    let mut plain = Vec::new();
    loop {
        let before = plain.len();
        account.take(STEP.min(limit.saturating_sub(before)))?;
        match (&mut decoder).take(STEP as u64).read_to_end(&mut plain) {
            Ok(0) => return Ok(Received { bytes: Bytes::from(plain), account }),
            Ok(_) if plain.len() > limit => return Err(too_large(limit, "the decompressed body")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(truncated()),
            Err(error) => {
                return Err(Problem::invalid(format!("the body is not gzip, or is damaged: {error}"))
                    .with_hint("compress it again, or send it without Content-Encoding: gzip"));
            }
        }
    }
}

fn truncated() -> Problem {
    Problem::invalid("the gzip body is truncated: it ends before its last member does")
        .with_hint("nothing of it was stored; compress the whole input again and send that")
}

fn too_large(limit: usize, what: &str) -> Problem {
    ApiError::new(ErrorKind::TooLarge, format!("{what} is larger than the limit of {limit} bytes"))
        .with_hint("nothing of it was stored; send it in several requests")
        .into()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads and forgets a body that is refused before it was asked for, within bounds.
pub(crate) async fn drain(headers: &HeaderMap, body: Body, limit: usize) {
    drain_frames(headers, &mut body.into_data_stream(), limit).await;
}

async fn drain_frames(headers: &HeaderMap, frames: &mut BodyDataStream, limit: usize) {
    // A client that waits for "100 Continue" sends nothing unless we read: it has its answer already.
    if headers.contains_key(EXPECT) {
        return;
    }
    let reading = async {
        let mut left = limit;
        while let Some(Ok(frame)) = frames.next().await {
            left = left.saturating_sub(frame.len());
            if left == 0 {
                break;
            }
        }
    };
    // Running out of time only means that the client may see a reset.
    drop(tokio::time::timeout(DRAIN_TIME, reading).await);
}
