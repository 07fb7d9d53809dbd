//! Tests of the SQL crate through its public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod call;
mod catalog;
mod declarations;
mod fixture;
mod functions_geo;
mod functions_json;
mod functions_text;
mod functions_time;
mod golden;
mod mutation;
mod parsing;
mod planning;
mod time_zones;
mod writes;
