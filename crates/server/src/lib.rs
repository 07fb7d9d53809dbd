//! The HTTP door: turns requests into calls of `highwater_api::Engine` and its answers into bytes on the wire.
//! Called by the command line (`highwater up`). It knows status codes and media types; it knows no storage, no SQL,
//! and nothing of the engine beyond the trait.

mod app;
mod apps;
mod body;
mod changes;
mod doctor;
mod encode;
mod guard;
mod ingest;
mod jobs;
mod live;
mod metrics;
mod openapi;
mod pages;
mod problem;
mod published;
mod query;
mod replay;
mod report;
mod router;
mod serve;
mod settings;
mod snapshot;
mod socket;
mod sql;
mod status;
mod views;

pub use encode::{ColumnDocument, RowsDocument};
pub use jobs::{AuditDocument, DifferenceDocument, JobBody, JobDocument, JobsDocument, MarkDocument};
pub use metrics::{MetricsError, install_metrics};
pub use metrics_exporter_prometheus::PrometheusHandle;
pub use openapi::openapi_json;
pub use problem::{Finding, ProblemDocument};
pub use replay::{RefusalDocument, ReplayDocument};
pub use report::{IngestDocument, RangeDocument, RejectDocument};
pub use router::router;
pub use serve::serve;
pub use settings::ServerSettings;
pub use snapshot::SnapshotDocument;
pub use socket::BatchDocument;
pub use sql::{DoneDocument, SqlBody};
