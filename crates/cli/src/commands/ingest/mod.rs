//! `highwater ingest`: a file (or standard input) in batches to a stream, so that trouble on the way never doubles and
//! never loses a record. Reading and decompressing run on their own thread; one batch travels at a time, because a
//! producer's batches are stored in order.

mod batches;
mod identity;
mod run;
mod send;
mod size;
mod source;
mod split;
mod summary;
#[cfg(test)]
mod tests;

pub(super) use run::run;
