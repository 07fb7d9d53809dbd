//! Drives an encoder over an answer's batches: collected (JSON, so that any error still has its own status) or
//! streamed (the rest; an error cuts the connection off, so that half an answer never looks whole).
//! A batch is asked for only when the client has taken what came before; dropping the answer cancels the query.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::Fuse;
use highwater_api::{Answer, ApiError, ErrorKind, RowStream};

use super::arrow::ArrowStream;
use super::csv::Csv;
use super::json::{JsonDocument, JsonLines};
use super::negotiate::Form;
use crate::problem::Problem;

/// The header that names the version read, in every form.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("highwater-version");

/// Rows encoded before other requests get their turn on the thread.
const ROWS_PER_STEP: usize = 1024;

/// An encoder: the bytes before the rows, of rows, and after them.
pub(crate) trait Encode: Send {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError>;
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError>;
    fn end(&mut self) -> Result<Vec<u8>, ArrowError>;
}

/// The answer in a form. `max_bytes` bounds what is collected.
pub(crate) async fn respond(form: Form, answer: Answer, max_bytes: usize) -> Result<Response, Problem> {
    let Answer { schema, rows, version } = answer;
    let encoder: Box<dyn Encode> = match form {
        Form::Json => Box::new(JsonDocument::new(&schema, version.clone())),
        Form::NdJson => Box::new(JsonLines::new()),
        Form::Csv => Box::new(Csv::new(&schema)),
        Form::Arrow => Box::new(ArrowStream::new(&schema).map_err(encoding)?),
    };
    let mut pieces = Pieces { rows: rows.fuse(), encoder, batch: None, at: 0, stage: Stage::Begin };
    let mut response = if form == Form::Json {
        collected(pieces, max_bytes).await?
    } else {
        // The first rows are awaited before the status goes out: most errors show themselves by then.
        pieces.first_batch().await?;
        let stream = futures::stream::try_unfold(pieces, |mut pieces| async move {
            let piece = pieces.next().await.inspect_err(|error| tracing::warn!(%error, "answer cut off"))?;
            Ok::<_, ApiError>(piece.map(|piece| (piece, pieces)))
        });
        Response::new(Body::from_stream(stream))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    if let Ok(version) = HeaderValue::from_str(&version) {
        headers.insert(VERSION, version);
    }
    Ok(response)
}

/// The whole answer, with its length.
async fn collected(mut pieces: Pieces, max_bytes: usize) -> Result<Response, Problem> {
    let mut whole = VecDeque::new();
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await? {
        bytes += piece.len();
        if bytes > max_bytes {
            let detail = format!("the answer as one JSON document is larger than the limit of {max_bytes} bytes");
            return Err(ApiError::new(ErrorKind::TooLarge, detail)
                .with_hint("ask for fewer rows, or accept application/x-ndjson, text/csv or an Arrow stream")
                .into());
        }
        whole.push_back(Ok::<_, std::convert::Infallible>(piece));
    }
    let mut response = Response::new(Body::from_stream(futures::stream::iter(whole)));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    Ok(response)
}

enum Stage {
    Begin,
    Rows,
    Done,
}

/// An answer's bytes, one piece at a time.
struct Pieces {
    rows: Fuse<RowStream>,
    encoder: Box<dyn Encode>,
    /// The batch being encoded, and how many of its rows are.
    batch: Option<RecordBatch>,
    at: usize,
    stage: Stage,
}

impl Pieces {
    /// Awaits the first batch with rows without encoding it.
    async fn first_batch(&mut self) -> Result<(), ApiError> {
        self.fill().await
    }

    /// Makes sure that `batch` has rows left, unless there are none.
    async fn fill(&mut self) -> Result<(), ApiError> {
        while self.batch.as_ref().is_none_or(|batch| self.at >= batch.num_rows()) {
            self.at = 0;
            self.batch = self.rows.next().await.transpose()?;
            if self.batch.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let piece = match self.stage {
                Stage::Begin => {
                    self.stage = Stage::Rows;
                    self.encoder.begin().map_err(encoding)?
                }
                Stage::Rows => {
                    self.fill().await?;
                    match self.batch.take() {
                        Some(batch) => self.step(batch).await?,
                        None => {
                            self.stage = Stage::Done;
                            self.encoder.end().map_err(encoding)?
                        }
                    }
                }
                Stage::Done => return Ok(None),
            };
            if !piece.is_empty() {
                return Ok(Some(Bytes::from(piece)));
            }
        }
    }

    /// Encodes the next rows of a batch and keeps the rest.
    async fn step(&mut self, batch: RecordBatch) -> Result<Vec<u8>, ApiError> {
        let rows = (batch.num_rows() - self.at).min(ROWS_PER_STEP);
        let piece = self.encoder.rows(&batch.slice(self.at, rows)).map_err(encoding)?;
        self.at += rows;
        self.batch = Some(batch);
        tokio::task::yield_now().await;
        Ok(piece)
    }
}

fn encoding(error: ArrowError) -> ApiError {
    ApiError::internal(format!("the answer could not be encoded: {error}"))
}
