//! An engine for tests: keeps what it is given, stores a producer's batch once, counts lines as records. Used by the
//! tests of apps and commands, behind the real HTTP door where that matters.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use highwater_api::{
    ApiError, BodyFormat, ChangeStream, Engine, EngineStatus, ErrorKind, IngestReport, IngestRequest, JobRequest,
    JobStatus, Pulses, Readiness, RejectedRecord, SqlAnswer, SqlRequest, SubscribeRequest, ViewAnswer, ViewRequest,
    WatchRequest,
};
use highwater_model::{Diagnostic, Diagnostics};
use highwater_server::{PrometheusHandle, ServerSettings, install_metrics, router};
use tokio::net::TcpListener;

/// The engine.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Schema and text of every SQL request carried out.
    pub ran: Mutex<Vec<(Option<String>, String)>>,
    /// Records stored, without CSV headers.
    pub records: Mutex<Vec<String>>,
    /// Refuses SQL in a schema, with a finding on line 2.
    pub refuses_sql: bool,
    /// Answers so many ingest requests with "overloaded" first.
    pub overloaded: Mutex<u32>,
    /// Producers and sequences stored.
    pub seen: Mutex<HashSet<(String, u64)>>,
}

impl Recorder {
    /// Serves it over HTTP; gives the address.
    pub async fn serve(self: &Arc<Self>) -> String {
        static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
        let metrics = METRICS.get_or_init(|| install_metrics().unwrap()).clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = router(self.clone(), Arc::default(), ServerSettings::for_address(address), metrics);
        tokio::spawn(highwater_server::serve(listener, routes, std::future::pending()));
        format!("http://{address}")
    }
}

#[async_trait]
impl Engine for Recorder {
    async fn ingest(&self, request: IngestRequest) -> Result<IngestReport, ApiError> {
        {
            let mut overloaded = self.overloaded.lock().unwrap();
            if *overloaded > 0 {
                *overloaded -= 1;
                return Err(ApiError::new(ErrorKind::Overloaded, "later"));
            }
        }
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        let header = usize::from(request.format == BodyFormat::Csv);
        let new = request.stamp.is_none_or(|stamp| self.seen.lock().unwrap().insert((stamp.producer, stamp.sequence)));
        let (mut accepted, mut rejects) = (0, Vec::new());
        for (record, line) in text.lines().skip(header).enumerate().filter(|_| new) {
            if line.contains("wrong") {
                let (record, line) = (record as u64, (record + header + 1) as u64);
                let reason = "wrong is wrong".to_owned();
                rejects.push(RejectedRecord { record, byte: 0, line, column: None, reason });
            } else {
                accepted += 1;
                self.records.lock().unwrap().push(line.to_owned());
            }
        }
        Ok(IngestReport {
            stream: request.stream,
            accepted,
            rejected: rejects.len() as u64,
            duplicate: !new,
            offsets: Vec::new(),
            rejects,
        })
    }

    async fn sql(&self, request: SqlRequest) -> Result<SqlAnswer, ApiError> {
        if self.refuses_sql && request.schema.is_some() {
            return Err(Diagnostics::from(Diagnostic::error("no", &request.sql, 2, 1, 1)).into());
        }
        self.ran.lock().unwrap().push((request.schema, request.sql));
        Ok(SqlAnswer::Done { tag: "OK".to_owned(), rows: 0, notices: vec!["noted".to_owned()] })
    }

    async fn read_view(&self, _: ViewRequest) -> Result<ViewAnswer, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    fn version(&self) -> String {
        "0".to_owned()
    }

    async fn subscribe(&self, _: SubscribeRequest) -> Result<ChangeStream, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    async fn watch(&self, _: WatchRequest) -> Result<Pulses, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    async fn start_job(&self, _: JobRequest) -> Result<JobStatus, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    fn jobs(&self) -> Vec<JobStatus> {
        Vec::new()
    }

    async fn await_job(&self, _: u64) -> Result<JobStatus, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    async fn cancel_job(&self, _: u64) -> Result<JobStatus, ApiError> {
        Err(ApiError::internal("not asked for"))
    }

    fn readiness(&self) -> Readiness {
        Readiness { ready: true, detail: String::new() }
    }

    fn status(&self) -> EngineStatus {
        let memory = highwater_api::MemoryStatus::default();
        EngineStatus { version: "0".to_owned(), ticks: 0, streams: Vec::new(), views: Vec::new(), memory }
    }
}
