//! SQL corpus files: the test language of SQL behaviour (sqllogictest), run through any door. Beside SQL a file may say
//! `INGEST stream format`, followed by the records to send; the records are visible when the statement is done.
//! The label of `onlyif`/`skipif` is `highwater` here and `duckdb` in `scripts/oracle.py`.

mod corpus;
mod door;
mod engine_door;
mod ingest;
mod render;
mod server_door;
mod session;
#[cfg(test)]
mod tests;

pub use corpus::{corpus_files, run_file};
pub use door::{Door, DoorError, Outcome};
pub use engine_door::EngineDoor;
pub use ingest::IngestText;
pub use server_door::{KillPolicy, ServerDoor};
