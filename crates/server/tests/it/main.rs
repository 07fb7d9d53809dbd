//! The HTTP door over real connections, against a small deterministic engine: every route, status and media type.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod door;
mod engine;
mod harness;
mod ingest;
mod jobs;
mod live;
mod openapi;
mod pages;
mod replay;
mod snapshot;
mod socket;
mod sql;
mod views;
