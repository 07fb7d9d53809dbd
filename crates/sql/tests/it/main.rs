//! Tests of the SQL crate through its public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod catalog;
mod fixture;
mod golden;
mod mutation;
mod parsing;
mod planning;
mod time_zones;
mod writes;
