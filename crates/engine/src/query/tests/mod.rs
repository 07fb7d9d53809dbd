//! Tests of the read side. Without an engine: filters, limits, errors, plans bound to rows given by hand; and with one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod binding;
mod engine;
mod filters;
mod limits;
