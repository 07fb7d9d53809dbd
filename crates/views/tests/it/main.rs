//! Live views against batch evaluation: for many queries and random histories, after every tick the maintained rows
//! equal DataFusion's answer over exactly the events so far.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checkpoints;
mod fixtures;
mod history;
mod joins;
mod memory;
mod ordered;
mod past_lookups;
mod plans;
mod properties;
mod refusals;
mod retain;
mod temporal;
mod windows;
mod world;
