//! The folder as a whole: opened under its lock, so that nobody writes while it is looked at; inspected; repaired.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use highwater_log::{EmbeddedLog, LogError, LogSettings};
use highwater_model::{Clock, ObjectId};
use highwater_views::Checkpoints;

use super::report::{Inspection, Remedy};
use super::{catalog, log, state};
use crate::error::EngineError;

/// Whether a data folder is free.
#[derive(Debug)]
pub enum FolderAccess {
    /// It is, and stays so while this lives.
    Free(DataFolder),
    /// This process has it open, in words.
    HeldBy(String),
}

/// A data folder that nobody else has open. Dropping it lets go of the lock.
pub struct DataFolder {
    data: PathBuf,
    /// Why the log as a whole cannot be opened, if it cannot; then no server can open it either.
    log: Result<Arc<EmbeddedLog>, LogError>,
}

impl fmt::Debug for DataFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataFolder").field("data", &self.data).finish_non_exhaustive()
    }
}

impl DataFolder {
    /// Opens a folder that is there. As at every start, an append that a crash cut short is moved aside; nothing that
    /// was acknowledged is touched.
    #[must_use]
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> FolderAccess {
        match EmbeddedLog::open(data, LogSettings::default(), clock) {
            Err(LogError::InUse { holder, .. }) => FolderAccess::HeldBy(holder),
            log => FolderAccess::Free(Self { data: data.to_owned(), log }),
        }
    }

    /// Reads every byte of log, catalog and checkpoints and says what is there and what is wrong.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn inspect(&self) -> Result<Inspection, EngineError> {
        let mut inspection = Inspection::default();
        let declared = catalog::inspect(&self.data, &mut inspection);
        match &self.log {
            Ok(opened) => log::inspect(opened, declared.as_ref(), &self.data, &mut inspection)?,
            Err(error) => log::closed(error, &self.data, &mut inspection),
        }
        state::inspect(&self.data, self.log.as_deref().ok(), declared.as_ref(), &mut inspection)?;
        Ok(inspection)
    }

    /// Renames the checkpoint files that the inspection would set aside; gives old and new names.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub fn set_aside(&self, inspection: &Inspection) -> Result<Vec<(PathBuf, PathBuf)>, EngineError> {
        let damaged = inspection.findings.iter().filter(|finding| finding.remedy == Remedy::SetAside);
        let files: BTreeSet<PathBuf> = damaged.map(|finding| finding.file.clone()).collect();
        let files: Vec<PathBuf> = files.into_iter().collect();
        let renamed = Checkpoints::set_aside(&files)?;
        Ok(files.into_iter().zip(renamed).collect())
    }

    /// Gives up the damaged bytes of a log: they are copied into files beside it, and readers leave out what was in
    /// them from now on. Gives the files the log has aside afterwards.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn give_up(&self, stream: ObjectId) -> Result<Vec<PathBuf>, EngineError> {
        let opened = self.log.as_ref().map_err(Clone::clone)?;
        opened.quarantine(stream)?;
        let report = opened.examine()?.into_iter().find(|report| report.stream == stream);
        Ok(report.into_iter().flat_map(|report| report.aside).map(|file| file.path).collect())
    }
}
