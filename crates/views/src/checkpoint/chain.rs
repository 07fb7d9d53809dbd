//! The checkpoint folder: a full checkpoint and the deltas after it, by number. Loading takes the newest full one that
//! is sound and as many deltas in a row as are sound.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use highwater_model::{ObjectId, Offsets};

use super::file::{io_error, read, write};
use super::{ObjectSave, Saved};
use crate::ViewsError;

/// The checkpoints of one data folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    next: u64,
    base: Option<u64>,
    base_bytes: u64,
    delta_bytes: u64,
}

/// What a folder's checkpoints hold together.
#[derive(Debug, Default)]
pub struct Restored {
    /// The events covered.
    pub offsets: Offsets,
    /// Each object's saves from its last whole one on, oldest first.
    pub objects: BTreeMap<ObjectId, Vec<ObjectSave>>,
    /// Files that could not be used, and why.
    pub problems: Vec<String>,
}

impl Checkpoints {
    /// Opens the folder (made when absent) and loads what is sound in it.
    ///
    /// # Errors
    /// When the folder cannot be read. Damaged files are no error: they are reported in [`Restored::problems`].
    pub fn open(folder: &Path) -> Result<(Self, Restored), ViewsError> {
        fs::create_dir_all(folder).map_err(|error| io_error("making", folder, error))?;
        let numbers = list(folder)?;
        let next = numbers.last().map_or(1, |last| last + 1);
        let mut checkpoints = Self { folder: folder.to_owned(), next, base: None, base_bytes: 0, delta_bytes: 0 };
        let mut problems = Vec::new();
        let mut loaded: BTreeMap<u64, (u64, Saved)> = BTreeMap::new();
        for number in numbers {
            match read(&checkpoints.path(number)) {
                Ok(content) => drop(loaded.insert(number, content)),
                Err(error) => problems.push(error.to_string()),
            }
        }
        let base = loaded.iter().rev().find(|(_, (_, saved))| saved.full).map(|(number, _)| *number);
        let mut restored = Restored { problems, ..Restored::default() };
        if let Some(base) = base {
            // A delta counts only when every one between it and the full checkpoint is there.
            let mut expected = base;
            for (number, (of, saved)) in loaded.range(base..).map(|(n, content)| (*n, content)) {
                if number != expected || *of != base {
                    restored
                        .problems
                        .push(format!("checkpoint {number} does not follow {}", expected.saturating_sub(1)));
                    break;
                }
                restored.take(saved.clone());
                expected += 1;
            }
            // After a gap the next checkpoint must be whole.
            checkpoints.base = (expected == next).then_some(base);
        }
        Ok((checkpoints, restored))
    }

    /// Whether the next checkpoint should be a full one: none is there, or the deltas have outgrown it.
    #[must_use]
    pub fn wants_full(&self) -> bool {
        self.base.is_none() || self.delta_bytes > self.base_bytes.max(16 << 20)
    }

    /// Writes a checkpoint and, after a full one, removes those before it. Gives its size in bytes.
    ///
    /// # Errors
    /// When the disk refuses; the checkpoints before stay valid, and the next one must be full.
    pub fn write(&mut self, saved: &Saved) -> Result<u64, ViewsError> {
        let number = self.next;
        let base = if saved.full { number } else { self.base.unwrap_or(number) };
        match write(&self.path(number), base, saved) {
            Ok(size) => {
                self.next += 1;
                if saved.full {
                    (self.base, self.base_bytes, self.delta_bytes) = (Some(number), size, 0);
                    for old in list(&self.folder)?.into_iter().filter(|old| *old < number) {
                        let path = self.path(old);
                        fs::remove_file(&path).map_err(|error| io_error("removing", &path, error))?;
                    }
                } else {
                    self.delta_bytes += size;
                }
                Ok(size)
            }
            Err(error) => {
                self.base = None;
                Err(error)
            }
        }
    }

    /// Removes every checkpoint: the state is computed anew from the log.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn wipe(folder: &Path) -> Result<(), ViewsError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error("removing", folder, error)),
            _ => Ok(()),
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}.checkpoint"))
    }
}

impl Restored {
    fn take(&mut self, saved: Saved) {
        self.offsets = saved.offsets;
        // An object that a checkpoint leaves out had stopped; what was saved of it before is behind the offsets.
        let present: Vec<ObjectId> = saved.objects.iter().map(|object| object.id).collect();
        self.objects.retain(|id, _| present.contains(id));
        for object in saved.objects {
            let saves = self.objects.entry(object.id).or_default();
            if object.full {
                saves.clear();
            }
            saves.push(object);
        }
        // An object without a whole save cannot be restored.
        self.objects.retain(|_, saves| saves.first().is_some_and(|save| save.full));
    }
}

fn list(folder: &Path) -> Result<Vec<u64>, ViewsError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error("listing", folder, error))? {
        let name = entry.map_err(|error| io_error("listing", folder, error))?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".checkpoint")).and_then(|n| n.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
