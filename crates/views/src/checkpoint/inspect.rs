//! A look at every file of a checkpoint folder: sound or not, what it covers, whether a start would use it; and setting
//! files aside. For `highwater doctor`; a start goes its own way (`chain`) by the same rules.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use highwater_model::Offsets;

use super::Checkpoints;
use super::chain::{Link, file_of, list, run, stray};
use super::file::{bytes_of, format_of, io_error, parse};
use crate::ViewsError;

/// A checkpoint as it lies on disk.
#[derive(Clone, Debug)]
pub struct CheckpointReport {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The format version that its first bytes name; `None` when they are not a checkpoint's.
    pub format: Option<u32>,
    /// What it holds, when every byte of it is sound.
    pub content: Option<CheckpointContent>,
    /// What a start would do with it.
    pub fate: CheckpointUse,
}

/// What a sound checkpoint holds.
#[derive(Clone, Debug)]
pub struct CheckpointContent {
    /// Whether it is whole; otherwise it adds to the ones before.
    pub full: bool,
    /// The events it covers.
    pub offsets: Offsets,
    /// Keyed streams, tables and views in it.
    pub objects: usize,
}

/// What a start does with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointUse {
    /// It is loaded.
    Loaded,
    /// A newer full one has replaced it; it goes when the next full one is written.
    Replaced,
    /// It cannot be used.
    Refused {
        /// The first byte that is wrong, when it is the bytes that are.
        position: Option<u64>,
        /// Why.
        reason: String,
    },
}

impl Checkpoints {
    /// Looks at every checkpoint of a folder, by number; a folder that is not there holds none.
    ///
    /// # Errors
    /// When the folder or a file cannot be read. Damage is no error here.
    pub fn examine(folder: &Path) -> Result<Vec<CheckpointReport>, ViewsError> {
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let mut reports = Vec::new();
        let mut sound = BTreeMap::new();
        for number in list(folder)? {
            let path = file_of(folder, number);
            // One file in memory at a time.
            let bytes = bytes_of(&path)?;
            let (size, format) = (bytes.len() as u64, format_of(&bytes));
            let (content, fate) = match parse(&bytes) {
                Ok((of, saved)) => {
                    sound.insert(number, Link { of, full: saved.full });
                    let objects = saved.objects.len();
                    let content = CheckpointContent { full: saved.full, offsets: saved.offsets, objects };
                    (Some(content), CheckpointUse::Loaded)
                }
                Err(fault) => (None, CheckpointUse::Refused { position: Some(fault.position), reason: fault.reason }),
            };
            reports.push((number, CheckpointReport { path, bytes: size, format, content, fate }));
        }
        let run = run(&sound);
        let judged = reports.into_iter().map(|(number, mut report)| {
            if report.content.is_some() && !run.contains(&number) {
                report.fate = if run.is_empty() {
                    let reason = "no full checkpoint before it can be used".to_owned();
                    CheckpointUse::Refused { position: None, reason }
                } else if number < run.start {
                    CheckpointUse::Replaced
                } else {
                    CheckpointUse::Refused { position: None, reason: stray(&run) }
                };
            }
            report
        });
        Ok(judged.collect())
    }

    /// Renames files so that no start looks at them, and gives their new names. Nothing is deleted.
    ///
    /// # Errors
    /// When a file cannot be renamed; those before it are.
    pub fn set_aside(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ViewsError> {
        let mut renamed = Vec::new();
        for path in paths {
            let to = free_name(path);
            fs::rename(path, &to).map_err(|error| io_error("renaming", path, error))?;
            if let Some(folder) = path.parent() {
                let synced = File::open(folder).and_then(|folder| folder.sync_all());
                synced.map_err(|error| io_error("flushing", folder, error))?;
            }
            renamed.push(to);
        }
        Ok(renamed)
    }
}

/// `<file>.damaged`, or the first of `.damaged-2`, `.damaged-3`, … that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let named = |ending: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut name = named(".damaged".to_owned());
    let mut number = 2_u64;
    while name.exists() {
        name = named(format!(".damaged-{number}"));
        number += 1;
    }
    name
}
