//! Calendars as a whole: cases of our own, golden times of another library, and other people's files when they are there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod files;
mod golden;
mod limits;
mod series;
