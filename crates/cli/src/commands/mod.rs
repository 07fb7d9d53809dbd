//! What each command does. Arguments come typed, settings settled; results go to stdout, everything else to stderr.

mod bench;
mod check;
mod demo;
mod dispatch;
mod doctor;
mod ingest;
mod jobs;
mod live;
mod publish;
mod replay;
mod settings;
mod simulate;
mod snapshot;
mod sql;
#[cfg(test)]
mod tests;
mod up;

pub use dispatch::run;
