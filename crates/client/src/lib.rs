//! The HTTP doors from the caller's side: ingest with retries that never double, SQL, reads of views, probes.
//! Used by the command line, the simulators' feeders and the benchmarks. Knows no engine; speaks only what
//! `/openapi.json` describes.

mod client;
mod error;
mod ingest;
mod query;
mod replay;
mod retry;
mod snapshot;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use error::{ClientError, Problem};
pub use ingest::IngestCall;
pub use query::{AnswerFormat, Body, CommandDone, SqlCall, SqlResponse, ViewCall};
pub use retry::RetryPolicy;
