//! A storage in memory that remembers every operation, can fail any of them, and can come back as any state a power
//! cut may legally leave. For the tests of this crate and, under the feature `testing`, of others.
//!
//! What is legal after a cut behind operation k: data and sizes written before the file's last flush are there; of
//! those after it, each 512-byte sector may be there or not, independently. Names made, changed or removed before
//! their folder's last sync are so; of those after it, any may be or not. No order is kept between files, or between a
//! file's data and its name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::traits::{Locked, Storage, StorageFile};

mod power;

pub use power::Survival;

/// Unit of what a device writes whole or not at all.
const SECTOR_BYTES: usize = 512;

type FileId = usize;

/// One operation, as remembered.
#[derive(Clone, Debug)]
enum Operation {
    MakeFolder(PathBuf),
    /// A name now stands for this file.
    Name(PathBuf, FileId),
    /// The names below a folder now lie below another.
    Move(PathBuf, PathBuf),
    Unname(PathBuf),
    RemoveFolder(PathBuf),
    SyncFolder(PathBuf),
    Write(FileId, u64, Vec<u8>),
    Resize(FileId, u64),
    Sync(FileId),
}

/// A failure to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Writes fail: no space is left.
    Full,
    /// Writes store half of their bytes, then the next one fails: no space is left.
    ShortThenFull,
    /// Writes store half of their bytes each and succeed in the end.
    Short,
    /// Writes fail: the device.
    WriteFails,
    /// Flushes fail: the device.
    FlushFails,
    /// Writes fail for lack of space, and cutting back fails too.
    FullAndStuck,
}

#[derive(Clone, Debug, Default)]
struct Disk {
    files: Vec<Vec<u8>>,
    names: BTreeMap<PathBuf, FileId>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug, Default)]
struct World {
    /// What was there, durably, before the first operation.
    first: Disk,
    now: Disk,
    operations: Vec<Operation>,
    fault: Option<Fault>,
    /// Whether the last short write was the first of two.
    halved: bool,
    held: bool,
}

/// See the module. Clones are the same storage.
#[derive(Clone, Debug, Default)]
pub struct SimulatedStorage {
    world: Arc<(Mutex<World>, Condvar)>,
}

impl SimulatedStorage {
    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn starting(disk: Disk) -> Self {
        let world = World { first: disk.clone(), now: disk, ..World::default() };
        Self { world: Arc::new((Mutex::new(world), Condvar::new())) }
    }

    /// Operations so far.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.world.0.lock().operations.len()
    }

    /// From now on, fails in this way, or no more.
    pub fn fail(&self, fault: Option<Fault>) {
        self.world.0.lock().fault = fault;
    }

    /// Holds up all writes, so that appends gather, or lets them go.
    pub fn hold_writes(&self, hold: bool) {
        self.world.0.lock().held = hold;
        self.world.1.notify_all();
    }

    /// The storage as found after the power was cut behind the first `operations` operations.
    #[must_use]
    pub fn after_power_cut(&self, operations: usize, survival: Survival) -> Self {
        let world = self.world.0.lock();
        Self::starting(power::survivors(&world.first, &world.operations[..operations], survival))
    }

    /// The bytes of a file, if there is one.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world.0.lock();
        world.now.names.get(path).map(|file| world.now.files[*file].clone())
    }

    /// Gives a file other bytes behind the log's back, or takes it away.
    pub fn tamper(&self, path: &Path, bytes: Option<Vec<u8>>) {
        let mut world = self.world.0.lock();
        match (bytes, world.now.names.get(path).copied()) {
            (Some(bytes), Some(file)) => world.now.files[file] = bytes,
            (Some(bytes), None) => {
                world.now.files.push(bytes);
                let file = world.now.files.len() - 1;
                world.now.names.insert(path.to_owned(), file);
            }
            (None, _) => {
                world.now.names.remove(path);
            }
        }
    }

    /// The paths of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.world.0.lock().now.names.keys().cloned().collect()
    }

    fn apply(&self, operation: Operation) {
        let mut world = self.world.0.lock();
        world.now.apply(&operation);
        world.operations.push(operation);
    }
}

impl Disk {
    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::MakeFolder(path) => {
                self.folders.insert(path.clone());
            }
            Operation::Name(path, file) => {
                if self.files.len() <= *file {
                    self.files.resize(file + 1, Vec::new());
                }
                self.names.retain(|_, named| named != file);
                self.names.insert(path.clone(), *file);
            }
            Operation::Move(from, to) => {
                let moved = |path: &PathBuf| path.strip_prefix(from).map(|rest| to.join(rest)).ok();
                let names = std::mem::take(&mut self.names);
                self.names = names.into_iter().map(|(path, file)| (moved(&path).unwrap_or(path), file)).collect();
                let folders = std::mem::take(&mut self.folders);
                let place = |path: PathBuf| if path == *from { to.clone() } else { moved(&path).unwrap_or(path) };
                self.folders = folders.into_iter().map(place).collect();
            }
            Operation::Unname(path) => {
                self.names.remove(path);
            }
            Operation::RemoveFolder(path) => {
                self.folders.remove(path);
            }
            Operation::Write(file, position, bytes) => {
                let end = *position as usize + bytes.len();
                let data = &mut self.files[*file];
                data.resize(data.len().max(end), 0);
                data[*position as usize..end].copy_from_slice(bytes);
            }
            Operation::Resize(file, size) => self.files[*file].resize(*size as usize, 0),
            Operation::SyncFolder(_) | Operation::Sync(_) => {}
        }
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Storage for SimulatedStorage {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let above: Vec<_> = path.ancestors().filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned).collect();
        for folder in above.into_iter().rev() {
            if !self.world.0.lock().now.folders.contains(&folder) {
                self.apply(Operation::MakeFolder(folder));
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.world.0.lock();
        if !world.now.folders.contains(path) {
            return Err(missing());
        }
        let all = world.now.names.keys().chain(&world.now.folders);
        let inside = all.filter(|found| found.parent() == Some(path));
        Ok(inside.filter_map(|found| Some(found.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn StorageFile>> {
        let known = self.world.0.lock().now.names.get(path).copied();
        if path.parent().is_none_or(|folder| !self.world.0.lock().now.folders.contains(folder)) {
            return Err(missing());
        }
        let id = match known {
            Some(id) => {
                self.apply(Operation::Resize(id, 0));
                id
            }
            None => {
                let id = self.world.0.lock().now.files.len();
                self.apply(Operation::Name(path.to_owned(), id));
                id
            }
        };
        Ok(Arc::new(SimulatedFile { storage: self.clone(), id }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StorageFile>> {
        let id = self.world.0.lock().now.names.get(path).copied().ok_or_else(missing)?;
        Ok(Arc::new(SimulatedFile { storage: self.clone(), id }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.world.0.lock().now.names.get(from).copied();
        match file {
            Some(file) => self.apply(Operation::Name(to.to_owned(), file)),
            None if self.world.0.lock().now.folders.contains(from) => {
                self.apply(Operation::Move(from.to_owned(), to.to_owned()));
            }
            None => return Err(missing()),
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if !self.world.0.lock().now.names.contains_key(path) {
            return Err(missing());
        }
        self.apply(Operation::Unname(path.to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.apply(Operation::RemoveFolder(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.apply(Operation::SyncFolder(path.to_owned()));
        Ok(())
    }

    fn lock(&self, _path: &Path, _note: &str) -> io::Result<Locked> {
        Ok(Locked::Held(Box::new(())))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    storage: SimulatedStorage,
    id: FileId,
}

impl StorageFile for SimulatedFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.storage.world.0.lock().now.files[self.id].len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let world = self.storage.world.0.lock();
        let data = world.now.files[self.id].get(position as usize..).unwrap_or_default();
        let count = data.len().min(buffer.len());
        buffer[..count].copy_from_slice(&data[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let mut world = self.storage.world.0.lock();
        while world.held {
            self.storage.world.1.wait(&mut world);
        }
        let half = bytes.len().div_ceil(2);
        let count = match world.fault {
            Some(Fault::Full | Fault::FullAndStuck) => return Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::WriteFails) => return Err(io::Error::other("injected write error")),
            Some(Fault::ShortThenFull) if world.halved => {
                world.halved = false;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Some(Fault::ShortThenFull) => {
                world.halved = true;
                half
            }
            Some(Fault::Short) => half,
            Some(Fault::FlushFails) | None => bytes.len(),
        };
        let operation = Operation::Write(self.id, position, bytes[..count].to_vec());
        world.now.apply(&operation);
        world.operations.push(operation);
        Ok(count)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.storage.world.0.lock().fault == Some(Fault::FlushFails) {
            return Err(io::Error::other("injected flush error"));
        }
        self.storage.apply(Operation::Sync(self.id));
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        if self.storage.world.0.lock().fault == Some(Fault::FullAndStuck) {
            return Err(io::Error::other("injected resize error"));
        }
        self.storage.apply(Operation::Resize(self.id, size));
        Ok(())
    }
}
