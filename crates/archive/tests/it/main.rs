//! Behaviour of the archive through its public door, on folders, on stores in memory and on stores that fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod append;
mod failing;
mod faults;
mod fixture;
mod kill;
mod local;
mod maintenance;
mod property;
mod readers;
mod s3;
mod schema;
mod types;
