//! Starts the server on a free port, sends requests, and checks that every answer is one the description promises.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use highwater_dashboards::{AppPages, Library, PagesSource};
use highwater_server::{ProblemDocument, ServerSettings, install_metrics, router, serve};
use metrics_exporter_prometheus::PrometheusHandle;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::engine::TestEngine;

/// A running server.
pub struct Server {
    pub engine: Arc<TestEngine>,
    pub address: SocketAddr,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

/// Bounds a wait that only ends early when something is broken.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

pub async fn told(what: &str, notify: &Notify) {
    within(what, notify.notified()).await;
}

fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| install_metrics().unwrap()).clone()
}

/// A good page, and one with a mistake.
const PAGES: &[(&str, &str)] = &[
    (
        "top",
        "title = \"Top\"\n[[parameters]]\nname = \"n\"\nkind = \"number\"\ndefault = \"3\"\n[[panels]]\nid = \"rows\"\n\
         kind = \"table\"\nsql = \"rows $n\"\nmax_rows = 5\n[[panels]]\nid = \"moving\"\nkind = \"table\"\n\
         view = \"daily\"\nwhere = \"n > $n\"\n[[panels]]\nkind = \"text\"\nid = \"text\"\ntext = \"Hello\"\n",
    ),
    ("wrong", "titel = \"Wrong\"\n"),
];

fn library() -> Arc<Library> {
    let library = Library::default();
    let source = PagesSource::Bundled(PAGES);
    library.add(AppPages { name: "mine".to_owned(), title: "My app".to_owned(), source });
    Arc::new(library)
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ServerSettings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = ServerSettings::for_address(address);
        change(&mut settings);
        let engine = TestEngine::new();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(serve(listener, router(engine.clone(), library(), settings, metrics()), async {
            stopped.await.ok();
        }));
        Self { engine, address, client: Client::builder().no_proxy().build().unwrap(), stop: Some(stop), running }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub fn events(&self, stream: &str) -> RequestBuilder {
        self.post(&format!("/v1/streams/{stream}/events")).header("content-type", "application/x-ndjson")
    }

    pub fn sql(&self, sql: &str) -> RequestBuilder {
        self.post("/v1/sql").header("content-type", "text/plain").body(sql.to_owned())
    }

    /// Tells the server to stop and waits until it has.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        within("the stop", self.running).await.unwrap().unwrap();
    }

    /// A request as bytes; the connection is the caller's.
    pub async fn raw(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// Everything the server sends until it closes the connection.
pub async fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    within("the end of the connection", stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

fn description() -> &'static Value {
    static OPENAPI: OnceLock<Value> = OnceLock::new();
    OPENAPI.get_or_init(|| serde_json::from_str(&highwater_server::openapi_json()).unwrap())
}

/// The response, after checking that the description promises its status and content type for the operation.
pub async fn send(operation: &str, request: RequestBuilder) -> Response {
    let response = within("an answer", request.send()).await.unwrap();
    let operations = description()["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let found = operations.map(|(_, operation)| operation).find(|found| found["operationId"] == operation);
    let documented = &found.unwrap_or_else(|| panic!("no operation {operation}"))["responses"];
    let status = response.status().as_u16().to_string();
    let answer = documented.get(&status).unwrap_or_else(|| panic!("{operation} does not document {status}"));
    if let Some(content_type) = response.headers().get("content-type") {
        let media = content_type.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(answer["content"].get(&media).is_some(), "{operation} does not document {media} for {status}");
    } else {
        assert!(answer.get("content").is_none(), "{operation} {status} promises content");
    }
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(response.headers().contains_key("x-request-id"));
    response
}

/// The problem of a failed request.
pub async fn problem(operation: &str, request: RequestBuilder) -> ProblemDocument {
    let response = send(operation, request).await;
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: ProblemDocument = response.json().await.unwrap();
    assert_eq!(problem.status, status);
    problem
}
