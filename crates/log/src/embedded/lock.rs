//! One process per data folder: takes the lock file at open, names the holder when it is taken. Released by the
//! operating system when the holder ends, however it ends.

use std::any::Any;
use std::fs;
use std::path::Path;

use highwater_model::Clock;

use super::failure::io_error;
use super::layout;
use crate::LogError;
use crate::storage::{Locked, Storage};

/// Keeps the data folder ours while it lives.
pub(crate) struct DataLock(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>);

impl DataLock {
    /// Takes the lock of a data folder.
    ///
    /// # Errors
    /// [`LogError::InUse`] when someone else has it.
    pub(crate) fn take(storage: &dyn Storage, data: &Path, clock: &dyn Clock) -> Result<Self, LogError> {
        let path = layout::lock_file(data);
        let note = format!("{}\nsince {} (microseconds since 1970)\n", std::process::id(), clock.now_micros());
        match storage.lock(&path, &note).map_err(|error| io_error("lock", &path, error))? {
            Locked::Held(guard) => Ok(Self(guard)),
            Locked::Busy(note) => Err(LogError::InUse { path: data.to_owned(), holder: holder(&note) }),
        }
    }
}

fn holder(note: &str) -> String {
    let Some(process) = note.lines().next().and_then(|line| line.parse::<u32>().ok()) else {
        return "another process".to_owned();
    };
    match command_line(process) {
        Some(command) => format!("process {process} ({command})"),
        None => format!("process {process}"),
    }
}

/// What a process was started as, where the system tells.
fn command_line(process: u32) -> Option<String> {
    const SHOWN_CHARS: usize = 200;
    let raw = fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let words: Vec<_> = raw.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
    let text = String::from_utf8_lossy(&words.join(&b' ')).chars().take(SHOWN_CHARS).collect::<String>();
    (!text.is_empty()).then_some(text)
}
