//! A deterministic engine over fixed batches. What it does is written in the request: the stream's, view's or
//! statement's name picks the behaviour, so that each test reads by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use highwater_api::*;
use highwater_model::{Diagnostic, Diagnostics, PartitionId, PartitionRange};
use tokio::sync::{Notify, mpsc};

/// Everything the doors asked, and the state that tests set.
#[derive(Default)]
pub struct TestEngine {
    pub ingests: Mutex<Vec<IngestRequest>>,
    pub statements: Mutex<Vec<SqlRequest>>,
    pub reads: Mutex<Vec<ViewRequest>>,
    pub subscriptions: Mutex<Vec<SubscribeRequest>>,
    pub jobs: Mutex<Vec<JobStatus>>,
    pub version: Mutex<String>,
    pub unready: Mutex<bool>,
    /// Told when a hanging call has begun, and when it was dropped.
    pub begun: Arc<Notify>,
    pub dropped: Arc<Notify>,
    /// Lets a hanging ingest go on.
    pub release: Arc<Notify>,
    /// Pulses of the next watched queries, in order; one without is never told of a change.
    pub pulses: Mutex<VecDeque<mpsc::Receiver<()>>>,
    /// Events of the next subscriptions, in order.
    pub feeds: Mutex<VecDeque<mpsc::Receiver<Result<ChangeEvent, ApiError>>>>,
}

/// Notifies when dropped.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Columns `n` (numbers from `first`) and `name` (NULL for odd numbers).
pub fn numbers(first: i64, count: i64) -> RecordBatch {
    let n: Vec<i64> = (first..first + count).collect();
    let names: Vec<Option<String>> = n.iter().map(|n| (n % 2 == 0).then(|| format!("name {n}"))).collect();
    RecordBatch::try_new(number_schema(), vec![Arc::new(Int64Array::from(n)), Arc::new(StringArray::from(names))])
        .unwrap()
}

pub fn number_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
}

/// One row with values and one of NULLs, of every type that answers hold.
fn all_types() -> RecordBatch {
    let mut list = ListBuilder::new(Int64Builder::new());
    list.append_value([Some(1), None, Some(3)]);
    list.append_null();
    let venue = StructArray::from(vec![
        (
            Arc::new(Field::new("lat", DataType::Float64, true)),
            Arc::new(Float64Array::from(vec![52.5, 0.0])) as ArrayRef,
        ),
        (Arc::new(Field::new("name", DataType::Utf8, true)), Arc::new(StringArray::from(vec![Some("a \"b\""), None]))),
    ]);
    let micros = vec![Some(1_454_438_499_000_000), None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("big", Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("real", Arc::new(Float64Array::from(vec![Some(f64::NAN), None]))),
        ("text", Arc::new(StringArray::from(vec![Some("comma, \"quote\"\nline"), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(16_833), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC"))),
        ("local", Arc::new(TimestampMicrosecondArray::from(micros))),
        ("money", Arc::new(Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(10, 2).unwrap())),
        ("list", Arc::new(list.finish())),
        ("venue", Arc::new(venue)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn refused() -> ApiError {
    let sql = "SELECT\n  stepz FROM steps";
    let found = Diagnostic::error("no column \"stepz\"", sql, 2, 3, 5).with_hint("did you mean \"steps\"?");
    Diagnostics(vec![found]).into()
}

/// The error that a name asks for.
fn error_of(name: &str) -> Option<ApiError> {
    let kind = match name {
        "invalid" => ErrorKind::InvalidInput,
        "missing" => ErrorKind::NotFound,
        "gap" => ErrorKind::Conflict,
        "large" => ErrorKind::TooLarge,
        "unsupported" => ErrorKind::Unsupported,
        "busy" => ErrorKind::Overloaded,
        "slow" => ErrorKind::Timeout,
        "full" => ErrorKind::StorageFull,
        "stopping" => ErrorKind::Unavailable,
        "broken" => ErrorKind::Internal,
        _ => return None,
    };
    Some(
        ApiError::new(kind, format!("asked for: {name}"))
            .with_hint("ask for something else")
            .with_retry_after(Duration::from_millis(2500)),
    )
    .map(|error| if kind == ErrorKind::Overloaded { error } else { ApiError { retry_after: None, ..error } })
}

impl TestEngine {
    pub fn new() -> Arc<Self> {
        let engine = Self::default();
        *engine.version.lock().unwrap() = "7-a1".to_owned();
        Arc::new(engine)
    }

    fn answer(&self, batches: Vec<Result<RecordBatch, ApiError>>, schema: SchemaRef) -> Answer {
        Answer { schema, rows: stream::iter(batches).boxed(), version: self.version() }
    }

    async fn hang(&self) {
        let _guard = Guard(self.dropped.clone());
        self.begun.notify_one();
        std::future::pending::<()>().await;
    }

    /// Statements are words: `rows N`, `types`, `fail N`, `hang`, `hang rows`, `flood`, or the name of an error.
    async fn select(&self, sql: &str) -> Result<SqlAnswer, ApiError> {
        let words: Vec<&str> = sql.split_whitespace().collect();
        if let Some(error) = error_of(words[0]) {
            return Err(error);
        }
        let answer = match words.as_slice() {
            ["rows", count] => {
                let count: i64 = count.parse().unwrap();
                let batches = (0..count).step_by(1500).map(|first| Ok(numbers(first, (count - first).min(1500))));
                self.answer(batches.collect(), number_schema())
            }
            ["SELECT", "now()", "AS", "now"] => self.answer(vec![Ok(numbers(0, 1))], number_schema()),
            ["types"] => self.answer(vec![Ok(all_types())], all_types().schema()),
            ["fail", rows] => {
                let rows: i64 = rows.parse().unwrap();
                let late = Err(ApiError::new(ErrorKind::Timeout, "the query took longer than 1 s"));
                let first = (rows > 0).then(|| Ok(numbers(0, rows)));
                self.answer(first.into_iter().chain([late]).collect(), number_schema())
            }
            ["hang"] => {
                self.hang().await;
                unreachable!()
            }
            ["hang", "rows"] => {
                let (guard, begun) = (Guard(self.dropped.clone()), self.begun.clone());
                let rows = stream::once(async { Ok(numbers(0, 3)) }).chain(stream::once(async move {
                    let _guard = guard;
                    begun.notify_one();
                    std::future::pending().await
                }));
                Answer { schema: number_schema(), rows: rows.boxed(), version: self.version() }
            }
            ["flood"] => {
                let guard = Guard(self.dropped.clone());
                let rows = stream::repeat_with(move || {
                    let _ = &guard;
                    Ok(numbers(0, 1000))
                });
                Answer { schema: number_schema(), rows: rows.boxed(), version: self.version() }
            }
            ["diagnose"] => return Err(refused()),
            _ => return Ok(SqlAnswer::Done { tag: sql.to_uppercase(), rows: 3, notices: vec!["noted".to_owned()] }),
        };
        Ok(SqlAnswer::Rows(answer))
    }
}

#[async_trait]
impl Engine for TestEngine {
    /// Lines that do not begin with `{` are rejected.
    async fn ingest(&self, request: IngestRequest) -> Result<IngestReport, ApiError> {
        self.ingests.lock().unwrap().push(request.clone());
        match request.stream.as_str() {
            "hang" => {
                let _guard = Guard(self.dropped.clone());
                self.begun.notify_one();
                self.release.notified().await;
            }
            "panic" => panic!("asked for"),
            name => error_of(name).map_or(Ok(()), Err)?,
        }
        let text = String::from_utf8_lossy(&request.body);
        let bad = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with(['{', '[']));
        let rejects: Vec<RejectedRecord> = bad
            .map(|(at, line)| RejectedRecord {
                record: at as u64,
                byte: line.as_ptr() as u64 - text.as_ptr() as u64,
                line: at as u64 + 1,
                column: None,
                reason: "expected an object".to_owned(),
            })
            .collect();
        let accepted = (text.lines().count() - rejects.len()) as u64;
        Ok(IngestReport {
            stream: format!("public.{}", request.stream),
            accepted,
            rejected: rejects.len() as u64,
            duplicate: false,
            offsets: vec![
                PartitionRange { partition: PartitionId(0), first: 0, next: accepted },
                PartitionRange { partition: PartitionId::REJECTS, first: 0, next: rejects.len() as u64 },
            ],
            rejects,
        })
    }

    async fn sql(&self, request: SqlRequest) -> Result<SqlAnswer, ApiError> {
        self.statements.lock().unwrap().push(request.clone());
        self.select(&request.sql).await
    }

    async fn replay_rejects(&self, request: ReplayRequest) -> Result<ReplayReport, ApiError> {
        if request.stream == "nothing" {
            return Err(ApiError::new(ErrorKind::NotFound, "there is no stream \"nothing\""));
        }
        let refusals = vec![Refusal { offset: 4, reason: request.filter.unwrap_or_default() }];
        let stream = request.stream;
        Ok(ReplayReport { stream, replayed: 2, events: 2, refused: 1, replayed_before: 0, refusals })
    }

    async fn snapshot(&self, name: &str) -> Result<SnapshotReport, ApiError> {
        if name == "taken" {
            return Err(ApiError::new(ErrorKind::Conflict, "there is a snapshot taken already"));
        }
        Ok(SnapshotReport { folder: format!("data/snapshots/{name}"), files: 3, bytes: 42 })
    }

    async fn read_view(&self, request: ViewRequest) -> Result<ViewAnswer, ApiError> {
        self.reads.lock().unwrap().push(request.clone());
        error_of(&request.view).map_or(Ok(()), Err)?;
        Ok(ViewAnswer { answer: self.answer(vec![Ok(numbers(0, 3))], number_schema()) })
    }

    fn version(&self) -> String {
        self.version.lock().unwrap().clone()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<ChangeStream, ApiError> {
        error_of(&request.view).map_or(Ok(()), Err)?;
        self.subscriptions.lock().unwrap().push(request);
        let feed = self.feeds.lock().unwrap().pop_front().expect("a feed for this subscription");
        let guard = Guard(self.dropped.clone());
        let events = stream::unfold((feed, guard), |(mut feed, guard)| async {
            feed.recv().await.map(|event| (event, (feed, guard)))
        });
        Ok(ChangeStream { schema: number_schema(), key: vec![0], events: events.boxed() })
    }

    async fn watch(&self, request: WatchRequest) -> Result<Pulses, ApiError> {
        error_of(request.sql.split_whitespace().next().unwrap_or_default()).map_or(Ok(()), Err)?;
        Ok(match self.pulses.lock().unwrap().pop_front() {
            Some(pulses) => {
                stream::unfold(pulses, |mut pulses| async { pulses.recv().await.map(|()| ((), pulses)) }).boxed()
            }
            None => stream::pending().boxed(),
        })
    }

    /// Jobs are done at once, and find that everything differs.
    async fn start_job(&self, request: JobRequest) -> Result<JobStatus, ApiError> {
        if let JobTarget::Relations(views) = &request.target {
            views.first().and_then(|view| error_of(view)).map_or(Ok(()), Err)?;
        }
        let mut jobs = self.jobs.lock().unwrap();
        let job = done(jobs.len() as u64 + 1, &request);
        jobs.push(job.clone());
        Ok(job)
    }

    fn jobs(&self) -> Vec<JobStatus> {
        self.jobs.lock().unwrap().clone()
    }

    async fn await_job(&self, id: u64) -> Result<JobStatus, ApiError> {
        self.cancel_job(id).await
    }

    async fn cancel_job(&self, id: u64) -> Result<JobStatus, ApiError> {
        let found = self.jobs().into_iter().find(|job| job.id == id);
        found.ok_or_else(|| ApiError::new(ErrorKind::NotFound, "no such job"))
    }

    fn readiness(&self) -> Readiness {
        let ready = !*self.unready.lock().unwrap();
        Readiness { ready, detail: if ready { "serving" } else { "replaying the log <40%>" }.to_owned() }
    }

    fn status(&self) -> EngineStatus {
        let stream = StreamStatus {
            name: "public.steps".to_owned(),
            partitions: 4,
            records: 10,
            rejects: 1,
            lag: 0,
            bytes: 1180,
        };
        let view = ViewStatus {
            name: "public.daily".to_owned(),
            state: ViewState::Live,
            rows: 3,
            bytes: 300,
            lag: 0,
            progress: 1.0,
            error: None,
        };
        let holder = MemoryHolder {
            relation: Some("public.daily".to_owned()),
            operator: "rows of the view".to_owned(),
            bytes: 300,
        };
        let memory = MemoryStatus { limit: Some(1_000), held: 300, refused: 2, largest: vec![holder] };
        EngineStatus { version: self.version(), ticks: 5, streams: vec![stream], views: vec![view], memory }
    }
}

/// A job that found a difference.
fn done(id: u64, request: &JobRequest) -> JobStatus {
    let row = |n: &str| Some(RowText::from_iter([("n".to_owned(), n.into())]));
    let differs = Difference { kind: DifferenceKind::Different, key: None, live: row("1"), recomputed: row("2") };
    let result = AuditResult {
        id: 9,
        job: id,
        kind: request.kind,
        relation: format!("{:?}", request.target),
        outcome: AuditOutcome::Different,
        started_micros: 1_000_000,
        finished_micros: 1_002_500,
        mark: vec![StreamMark { stream: "public.steps".to_owned(), next: vec![3, 0] }],
        clock_micros: 0,
        events: 3,
        rows: 1,
        recomputed_rows: 1,
        missing: 0,
        extra: 0,
        different: 1,
        differences: vec![differs],
        error: None,
    };
    JobStatus {
        id,
        kind: request.kind,
        state: JobState::Done,
        started_micros: 1_000_000,
        finished_micros: Some(1_002_500),
        progress: 1.0,
        relation: None,
        relations: 1,
        results: vec![result],
    }
}
