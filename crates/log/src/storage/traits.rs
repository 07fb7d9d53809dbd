//! The seam between the log and the file system: what is durable after which call is spelled out per method.
//! Implemented by `DiskStorage` and, for tests, by `simulated::SimulatedStorage`.

use std::any::Any;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A folder tree on a device. Paths are absolute or relative to the process, as given.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Creates a folder and those above it. Durable after [`Storage::sync_dir`] of the folder above.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in no particular order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Creates or empties a file. Its name is durable after [`Storage::sync_dir`] of its folder.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn StorageFile>>;

    /// Opens a file for reading and writing in place; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn StorageFile>>;

    /// Renames a file or folder, replacing a file of that name. Durable after [`Storage::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after [`Storage::sync_dir`].
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder. Durable after [`Storage::sync_dir`] of the folder above.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes the lock file at `path` for as long as the returned guard lives, and leaves `note` in it for others to
    /// read. A lock whose holder died is free.
    fn lock(&self, path: &Path, note: &str) -> io::Result<Locked>;
}

/// The outcome of [`Storage::lock`].
pub enum Locked {
    /// Ours until the guard is dropped.
    Held(Box<dyn Any + Send + Sync>),
    /// Someone else's; what they left in the file.
    Busy(String),
}

/// An open file, read and written at positions, by several threads at once.
pub trait StorageFile: fmt::Debug + Send + Sync {
    /// Bytes in the file.
    fn size(&self) -> io::Result<u64>;

    /// Reads up to `buffer.len()` bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes some of `bytes` and says how many. Durable after [`StorageFile::sync_data`].
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize>;

    /// Makes all writes, and the size, durable. After an error nobody knows which of them are.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts or extends (with zeros) the file.
    fn set_size(&self, size: u64) -> io::Result<()>;
}

/// Writes all of `bytes`, going on after short writes.
pub fn write_all_at(file: &dyn StorageFile, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                position += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `buffer`, or as much of it as the file has; returns how many bytes.
pub fn read_exact_at(file: &dyn StorageFile, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
