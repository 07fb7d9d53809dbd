//! The checkpoint folder: a full checkpoint and the deltas after it, by number. Loading takes the newest full one that
//! is sound and as many deltas in a row as are sound.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use highwater_model::{ObjectId, Offsets};

use super::file::{io_error, read};
use super::{ObjectSave, Saved, Spool};
use crate::ViewsError;
use crate::dataflow::EventTime;

/// The checkpoints of one data folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    next: u64,
    base: Option<u64>,
    base_bytes: u64,
    /// Deltas on the base, and their bytes.
    deltas: u64,
    delta_bytes: u64,
}

/// Deltas on one full checkpoint at most: each is a file that a start reads.
const MOST_DELTAS: u64 = 200;

/// What a folder's checkpoints hold together.
#[derive(Debug, Default)]
pub struct Restored {
    /// The events covered.
    pub offsets: Offsets,
    /// How far event time had come in each stream.
    pub times: BTreeMap<ObjectId, EventTime>,
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
        remove_unfinished(folder)?;
        let numbers = list(folder)?;
        let next = numbers.last().map_or(1, |last| last + 1);
        let mut checkpoints =
            Self { folder: folder.to_owned(), next, base: None, base_bytes: 0, deltas: 0, delta_bytes: 0 };
        let mut problems = Vec::new();
        let mut loaded: BTreeMap<u64, (u64, Saved)> = BTreeMap::new();
        for number in numbers {
            match read(&checkpoints.path(number)) {
                Ok(content) => drop(loaded.insert(number, content)),
                Err(error) => problems.push(error.to_string()),
            }
        }
        let sound: BTreeMap<u64, Link> =
            loaded.iter().map(|(number, (of, saved))| (*number, Link { of: *of, full: saved.full })).collect();
        let run = run(&sound);
        let mut restored = Restored { problems, ..Restored::default() };
        for (number, (_, saved)) in loaded {
            if run.contains(&number) {
                restored.take(saved);
            } else if number >= run.end && !run.is_empty() {
                restored.problems.push(format!("{}: {}", checkpoints.path(number).display(), stray(&run)));
            }
        }
        // After a gap the next checkpoint must be whole.
        checkpoints.base = (!run.is_empty() && run.end == next).then_some(run.start);
        for number in run.clone() {
            let path = checkpoints.path(number);
            let bytes = fs::metadata(&path).map_err(|error| io_error("reading", &path, error))?.len();
            match number == run.start {
                true => checkpoints.base_bytes = bytes,
                false => checkpoints.add_delta(bytes),
            }
        }
        Ok((checkpoints, restored))
    }

    /// Whether the next checkpoint should be a full one: none is there, or the deltas have outgrown it, those that were
    /// written before a restart among them.
    #[must_use]
    pub fn wants_full(&self) -> bool {
        self.base.is_none() || self.deltas >= MOST_DELTAS || self.delta_bytes > self.base_bytes.max(16 << 20)
    }

    fn add_delta(&mut self, bytes: u64) {
        self.deltas += 1;
        self.delta_bytes += bytes;
    }

    /// Writes a checkpoint and, after a full one, removes those before it. Gives its size in bytes.
    ///
    /// # Errors
    /// When the disk refuses; the checkpoints before stay valid, and the next one must be full.
    pub fn write(&mut self, saved: &Saved) -> Result<u64, ViewsError> {
        let spooled = self.spool();
        self.finish(spooled, saved)
    }

    /// Begins a checkpoint whose objects come one by one. One at a time.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn spool(&self) -> Result<Spool, ViewsError> {
        Spool::create(&self.path(self.next))
    }

    /// Completes a checkpoint that was begun, as [`Checkpoints::write`] does. `spooled` may have failed.
    ///
    /// # Errors
    /// As [`Checkpoints::write`].
    pub fn finish(&mut self, spooled: Result<Spool, ViewsError>, saved: &Saved) -> Result<u64, ViewsError> {
        let number = self.next;
        let base = if saved.full { number } else { self.base.unwrap_or(number) };
        let written = spooled.and_then(|mut spool| {
            saved.objects.iter().try_for_each(|object| spool.add(object))?;
            spool.finish(base, saved)
        });
        match written {
            Ok(size) => {
                self.next += 1;
                if saved.full {
                    (self.base, self.base_bytes) = (Some(number), size);
                    (self.deltas, self.delta_bytes) = (0, 0);
                    for old in list(&self.folder)?.into_iter().filter(|old| *old < number) {
                        let path = self.path(old);
                        fs::remove_file(&path).map_err(|error| io_error("removing", &path, error))?;
                    }
                } else {
                    self.add_delta(size);
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
        file_of(&self.folder, number)
    }
}

/// The file of a checkpoint.
pub(super) fn file_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.checkpoint"))
}

/// What ties a checkpoint to others: the full one it builds on (itself when it is full).
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) of: u64,
    pub(super) full: bool,
}

/// The checkpoints that count together, of those whose files are sound: the newest full one, and the deltas on it that
/// follow without a gap. Empty when no full one is sound.
pub(super) fn run(sound: &BTreeMap<u64, Link>) -> Range<u64> {
    let Some((&base, _)) = sound.iter().rev().find(|(_, link)| link.full) else { return 0..0 };
    let mut end = base;
    while sound.get(&end).is_some_and(|link| link.of == base) {
        end += 1;
    }
    base..end
}

/// Why a checkpoint behind the run cannot be used.
pub(super) fn stray(run: &Range<u64>) -> String {
    format!("it builds on the checkpoint before it, but the last that can be used is {:012}", run.end.saturating_sub(1))
}

impl Restored {
    fn take(&mut self, saved: Saved) {
        self.offsets = saved.offsets;
        self.times = saved.times;
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

/// Files that a process left behind which ended while it wrote a checkpoint.
fn remove_unfinished(folder: &Path) -> Result<(), ViewsError> {
    for entry in fs::read_dir(folder).map_err(|error| io_error("listing", folder, error))? {
        let path = entry.map_err(|error| io_error("listing", folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "new") {
            fs::remove_file(&path).map_err(|error| io_error("removing", &path, error))?;
        }
    }
    Ok(())
}

pub(super) fn list(folder: &Path) -> Result<Vec<u64>, ViewsError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error("listing", folder, error))? {
        let name = entry.map_err(|error| io_error("listing", folder, error))?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(".checkpoint")).and_then(|n| n.parse().ok());
        let number = number.filter(|number| file_of(folder, *number).file_name() == Some(&name));
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
