//! The engine: takes events in, moves the dataflow on tick by tick, answers queries, keeps what must outlive a crash.
//! Implements [`highwater_api::Engine`]; doors and the command line know nothing else of it.

mod archive;
mod audit;
mod background;
mod batch;
mod catalog_file;
mod checkpoints;
mod core;
mod engine;
mod error;
mod feed;
mod filter;
mod indexes;
mod ingest;
mod inspect;
mod jobs;
mod memory;
mod names;
mod open;
mod priority;
mod query;
mod rejects;
mod replay;
mod replayed;
mod reread;
mod settings;
mod signal;
mod snapshot;
mod statements;
mod status;
mod subscribe;
mod tick;
mod watch;

pub use archive::ArchiveOptions;
pub use background::Schedule;
pub use engine::Highwater;
pub use error::EngineError;
pub use highwater_sql::duration;
pub use inspect::{
    CheckpointInspection, Covered, DataFolder, FolderAccess, FolderFinding, FolderPart, Inspection, Lost,
    PartitionInspection, Remedy, StreamInspection,
};
pub use memory::MemoryLimit;
pub use settings::EngineSettings;
pub use snapshot::{restore_snapshot, snapshot_folder};
