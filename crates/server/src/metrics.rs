//! The door's own metrics (requests, not events) and the Prometheus recorder they go to.
//! Installed by the command line once a process; rendered by `GET /metrics`.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Answers given, by route, method and status.
pub(crate) const REQUESTS: &str = "highwater_server_requests_total";
/// Time from a request's head to its answer's head, in seconds, by route.
pub(crate) const REQUEST_SECONDS: &str = "highwater_server_request_seconds";
/// Bytes of ingest bodies after decompression.
pub(crate) const INGEST_BYTES: &str = "highwater_server_ingest_bytes_total";
/// Subscriptions (SSE) open now.
pub(crate) const SUBSCRIPTIONS: &str = "highwater_server_subscriptions";

/// Memory that the process holds, under the name that Prometheus gives it everywhere.
const RESIDENT_BYTES: &str = "process_resident_memory_bytes";

/// How many requests pass between two clean-ups of the recorder.
pub(crate) const UPKEEP_EVERY: u64 = 4096;

/// Bucket bounds of every `_seconds` histogram: 100 µs to 30 s.
const SECONDS: [f64; 17] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Why metrics could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The bucket bounds were refused.
    #[error("the metrics recorder could not be built")]
    Build(#[from] BuildError),
    /// The process has a recorder already.
    #[error("the process has a metrics recorder already")]
    Installed(#[from] ::metrics::SetRecorderError<metrics_exporter_prometheus::PrometheusRecorder>),
}

/// Makes the process's metrics recorder, in which every name ending in `_seconds` is a histogram with buckets from
/// 100 µs to 30 s, and returns the handle that renders it.
///
/// # Errors
/// When the process has a recorder already.
pub fn install_metrics() -> Result<PrometheusHandle, MetricsError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder)?;
    Ok(handle)
}

/// Tells the recorder what the door's metrics mean.
pub(crate) fn describe() {
    use ::metrics::Unit;
    ::metrics::describe_counter!(REQUESTS, Unit::Count, "Requests answered, by route, method and status.");
    ::metrics::describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from a request's head to its answer's head, by route."
    );
    ::metrics::describe_counter!(INGEST_BYTES, Unit::Bytes, "Bytes of ingest bodies after decompression.");
    ::metrics::describe_gauge!(SUBSCRIPTIONS, Unit::Count, "Subscriptions open now.");
    ::metrics::describe_gauge!(RESIDENT_BYTES, Unit::Bytes, "Memory that the process holds, where the system tells.");
}

/// Notes what the system tells of the process: on Linux its memory, elsewhere nothing.
pub(crate) fn measure_process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    if let Some(kilobytes) = kilobytes {
        ::metrics::gauge!(RESIDENT_BYTES).set(kilobytes * 1024.0);
    }
}

/// Counts one answered request.
pub(crate) fn request(route: &str, method: &'static str, status: u16, took: Duration) {
    let route = route.to_owned();
    ::metrics::counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    ::metrics::histogram!(REQUEST_SECONDS, "route" => route).record(took.as_secs_f64());
}

/// Counts the bytes of one ingest body.
pub(crate) fn ingested(bytes: usize) {
    ::metrics::counter!(INGEST_BYTES).increment(bytes as u64);
}

/// Counts an open subscription until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenSubscription(());

impl OpenSubscription {
    pub(crate) fn begin() -> Self {
        ::metrics::gauge!(SUBSCRIPTIONS).increment(1.0);
        Self(())
    }
}

impl Drop for OpenSubscription {
    fn drop(&mut self) {
        ::metrics::gauge!(SUBSCRIPTIONS).decrement(1.0);
    }
}
