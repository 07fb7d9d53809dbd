//! Sending events. A stamped batch may be sent again after any failure and is stored once; an unstamped one is only
//! sent again when it certainly took no effect.

use bytes::Bytes;
use highwater_api::{BodyFormat, IngestReport, ProducerStamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Client, ClientError, RetryPolicy};

/// Header with the producer's name.
const PRODUCER_HEADER: &str = "highwater-producer";
/// Header with the producer's batch number.
const SEQUENCE_HEADER: &str = "highwater-sequence";

/// A batch of events for one stream.
#[derive(Clone, Debug)]
pub struct IngestCall {
    /// The stream, `name` or `schema.name`.
    pub stream: String,
    /// How the body is written.
    pub format: BodyFormat,
    /// The records, uncompressed.
    pub body: Bytes,
    /// The producer's stamp.
    pub stamp: Option<ProducerStamp>,
    /// Answer only when every view shows the events.
    pub wait_visible: bool,
}

impl Client {
    /// Sends a batch once.
    ///
    /// # Errors
    /// When the server refuses it, cannot be reached, or the connection breaks (then it may or may not be stored).
    pub async fn ingest(&self, call: &IngestCall) -> Result<IngestReport, ClientError> {
        let stream = utf8_percent_encode(&call.stream, NON_ALPHANUMERIC);
        let wait = if call.wait_visible { "?wait=visible" } else { "" };
        let url = self.url(&format!("v1/streams/{stream}/events{wait}"))?;
        let mut request = self
            .http()
            .post(url)
            .header("content-type", content_type(call.format))
            .header("accept", "application/json")
            .body(call.body.clone());
        if let Some(stamp) = &call.stamp {
            request = request.header(PRODUCER_HEADER, &stamp.producer).header(SEQUENCE_HEADER, stamp.sequence);
        }
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|e| self.broken(e))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::NotUnderstood {
            address: self.address().to_owned(),
            reason: error.to_string(),
        })
    }

    /// Sends a batch until it is stored, refused for good, or patience ends. `on_retry` hears of every failure that
    /// is tried again.
    ///
    /// # Errors
    /// The last failure.
    pub async fn ingest_with_retries(
        &self,
        call: &IngestCall,
        policy: &RetryPolicy,
        mut on_retry: impl FnMut(&ClientError) + Send,
    ) -> Result<IngestReport, ClientError> {
        let scatter = call.stamp.as_ref().map_or(0, |stamp| stamp.producer.bytes().map(u64::from).sum());
        let started = tokio::time::Instant::now();
        let mut attempt = 0;
        loop {
            let error = match self.ingest(call).await {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            attempt += 1;
            let wait = policy.wait(attempt, error.retry_after(), scatter);
            let may_repeat = error.is_passing() && (call.stamp.is_some() || error.took_no_effect());
            if !may_repeat || started.elapsed() + wait > policy.patience {
                return Err(error);
            }
            on_retry(&error);
            tokio::time::sleep(wait).await;
        }
    }
}

fn content_type(format: BodyFormat) -> &'static str {
    match format {
        BodyFormat::NdJson => "application/x-ndjson",
        BodyFormat::Json => "application/json",
        BodyFormat::Csv => "text/csv",
        BodyFormat::Text => "text/plain",
    }
}
