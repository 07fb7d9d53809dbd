//! The engine through its API: ingest to view, restarts, evolution, subscriptions, and real step data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archive;
mod ddl;
mod event_time;
mod facts;
mod ingest;
mod memory;
mod ranked;
mod restart;
mod retain;
mod subscribe;
mod support;
mod tables;
mod watch;
