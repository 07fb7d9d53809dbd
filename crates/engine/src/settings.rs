//! Settings of the engine, validated by whoever fills them in.

use std::path::PathBuf;
use std::time::Duration;

use highwater_log::LogSettings;

use crate::archive::ArchiveOptions;
use crate::background::Schedule;
use crate::memory::MemoryLimit;

/// What an engine needs to know.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The data folder; made when absent.
    pub data: PathBuf,
    /// Threads of a tick.
    pub threads: usize,
    /// Rows a tick takes at most.
    pub tick_rows: usize,
    /// Rows waiting for a tick, per stream, above which ingest answers "overloaded".
    pub max_waiting_rows: usize,
    /// Time between checkpoints while events come in.
    pub checkpoint_interval: Duration,
    /// Events between checkpoints at most.
    pub checkpoint_events: u64,
    /// Changes kept for each followed view, in rows, so that readers can resume.
    pub change_history_rows: usize,
    /// How much state may be held before new events and views are refused.
    pub memory_limit: MemoryLimit,
    /// Where streams are archived; `None`: nowhere.
    pub archive: Option<ArchiveOptions>,
    /// When everything is audited; `None`: only when asked for.
    pub audit_schedule: Option<Schedule>,
    /// When all views are recomputed; `None`: only when asked for.
    pub recompute_schedule: Option<Schedule>,
    /// Bytes of memory that an audit or a recomputation may hold; beyond, rows are put aside on disk.
    pub batch_memory: u64,
    /// The log's settings.
    pub log: LogSettings,
}

impl EngineSettings {
    /// Defaults for a data folder.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            archive: Some(ArchiveOptions::in_folder(&data)),
            data,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            tick_rows: 16_384,
            max_waiting_rows: 4_000_000,
            checkpoint_interval: Duration::from_secs(10),
            checkpoint_events: 4_000_000,
            change_history_rows: 100_000,
            memory_limit: MemoryLimit::default(),
            audit_schedule: None,
            recompute_schedule: None,
            batch_memory: 512 << 20,
            log: LogSettings::default(),
        }
    }
}
