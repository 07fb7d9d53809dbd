//! The engine through its API: ingest to view, restarts, evolution, subscriptions, and real step data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alter;
mod archive;
mod audits;
mod ddl;
mod event_time;
mod facts;
mod formats;
mod ingest;
mod memory;
mod past;
mod past_lookups;
mod ranked;
mod replace;
mod replay;
mod restart;
mod retain;
mod snapshot;
mod subscribe;
mod support;
mod tables;
mod watch;
