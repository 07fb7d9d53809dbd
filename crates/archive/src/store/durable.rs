//! A local folder as an object store whose writes are on disk when they return. `LocalFileSystem` does the reading; what
//! is written goes to a staged file (`name#1`, which listings do not show), is flushed, gets its name by a link or a
//! rename, and then the folder is flushed. So a name never stands for bytes that a power cut could take away.
//!
//! After a failed flush the state of the disk is unknown: the folder takes no more writes until it is opened again.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use parking_lot::Mutex;

use crate::ArchiveError;

const STORE: &str = "archive folder";

/// A folder whose writes are durable when they return. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct DurableFolder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: LocalFileSystem,
    root: PathBuf,
    /// Folders whose own names are known to be on disk.
    durable: Mutex<HashSet<PathBuf>>,
    failed: AtomicBool,
}

impl DurableFolder {
    /// Opens a folder; it is made when it is not there.
    pub(crate) fn open(path: PathBuf) -> std::result::Result<Self, ArchiveError> {
        let failed = |source| ArchiveError::Folder { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(failed)?;
        let root = fs::canonicalize(&path).map_err(failed)?;
        if let Some(parent) = root.parent() {
            sync_folder(parent).map_err(failed)?;
        }
        let files =
            LocalFileSystem::new_with_prefix(&root).map_err(|source| ArchiveError::store(root.display(), source))?;
        let durable = Mutex::new(HashSet::from([root.clone()]));
        Ok(Self { inner: Arc::new(Inner { files, root, durable, failed: AtomicBool::new(false) }) })
    }

    /// Flushes the folder of an object: a killed writer may have named it and not come so far.
    pub(crate) async fn sync_folder_of(&self, location: &Path) -> Result<()> {
        let path = self.inner.files.path_to_filesystem(location)?;
        let inner = self.inner.clone();
        blocking(move || inner.sync_names(&path).map_err(|error| generic(&path, error))).await
    }

    /// Removes a folder with all that is in it.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        let folder = self.inner.files.path_to_filesystem(path).map_err(io::Error::other)?;
        self.inner.durable.lock().retain(|known| !known.starts_with(&folder));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => folder.parent().map_or(Ok(()), sync_if_there),
        }
    }

    /// Removes staged files that were last written before a time: what a crash left. Returns how many and their bytes.
    pub(crate) fn remove_staged(&self, path: &Path, before: std::time::SystemTime) -> io::Result<(u64, u64)> {
        let mut found = (0, 0);
        let mut folders = vec![self.inner.files.path_to_filesystem(path).map_err(io::Error::other)?];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else if is_staged(&entry.file_name().to_string_lossy()) && metadata.modified()? < before {
                    fs::remove_file(entry.path())?;
                    found = (found.0 + 1, found.1 + metadata.len());
                }
            }
        }
        Ok(found)
    }
}

impl Inner {
    fn put(&self, path: &FilePath, payload: &PutPayload, mode: &PutMode) -> Result<()> {
        let (mut file, staged) = self.stage(path).map_err(|error| generic(path, error))?;
        let written = payload.iter().try_for_each(|bytes| file.write_all(bytes));
        let named = written.and_then(|()| self.flushed(file.sync_all())).and_then(|()| match mode {
            PutMode::Create => fs::hard_link(&staged, path),
            _ => fs::rename(&staged, path),
        });
        if named.is_err() || matches!(mode, PutMode::Create) {
            // What cannot be removed now goes with the next vacuum.
            let _ = fs::remove_file(&staged);
        }
        match named {
            Ok(()) => self.sync_names(path).map_err(|error| generic(path, error)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.display().to_string(), source: error.into() })
            }
            Err(error) => Err(generic(path, error)),
        }
    }

    fn stage(&self, path: &FilePath) -> io::Result<(File, PathBuf)> {
        let mut number = 1;
        loop {
            let mut staged = path.as_os_str().to_owned();
            staged.push(format!("#{number}"));
            let staged = PathBuf::from(staged);
            match OpenOptions::new().write(true).create_new(true).open(&staged) {
                Ok(file) => return Ok((file, staged)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => match path.parent() {
                    Some(folder) => fs::create_dir_all(folder)?,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// Flushes a file that has its name already.
    fn sync_file(&self, path: &FilePath) -> Result<()> {
        let synced = File::open(path).and_then(|file| self.flushed(file.sync_all()));
        synced.and_then(|()| self.sync_names(path)).map_err(|error| generic(path, error))
    }

    /// Flushes the name of a file, and those of the folders above that may be new.
    fn sync_names(&self, path: &FilePath) -> io::Result<()> {
        let mut at = path;
        while let Some(folder) = at.parent() {
            self.flushed(sync_folder(folder))?;
            if !self.durable.lock().insert(folder.to_path_buf()) {
                break;
            }
            at = folder;
        }
        Ok(())
    }

    fn flushed(&self, result: io::Result<()>) -> io::Result<()> {
        result.inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }

    fn check(&self) -> Result<()> {
        if self.failed.load(Ordering::SeqCst) {
            let reason = "a flush to disk failed, so nothing more is written: restart when the disk is well";
            return Err(Error::Generic { store: STORE, source: reason.into() });
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectStore for DurableFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.inner.check()?;
        if matches!(opts.mode, PutMode::Update(_)) {
            return self.inner.files.put_opts(location, payload, opts).await;
        }
        let path = self.inner.files.path_to_filesystem(location)?;
        let inner = self.inner.clone();
        blocking(move || inner.put(&path, &payload, &opts.mode)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.check()?;
        let path = self.inner.files.path_to_filesystem(location)?;
        let upload = self.inner.files.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { upload, path, inner: self.inner.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.files.list(prefix)
    }

    // In order, as the stores of clouds do and readers of a table's log expect.
    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.inner.files.list_with_offset(prefix, offset);
        let sorted = async move {
            let mut objects: Vec<ObjectMeta> = found.try_collect().await?;
            objects.sort_by(|a, b| a.location.cmp(&b.location));
            Ok::<_, Error>(futures::stream::iter(objects.into_iter().map(Ok)))
        };
        futures::stream::once(sorted).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.check()?;
        self.inner.files.copy_opts(from, to, options).await?;
        self.sync(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.check()?;
        self.inner.files.rename_opts(from, to, options).await?;
        self.sync(to).await
    }
}

impl DurableFolder {
    async fn sync(&self, location: &Path) -> Result<()> {
        let path = self.inner.files.path_to_filesystem(location)?;
        let inner = self.inner.clone();
        blocking(move || inner.sync_file(&path)).await
    }
}

impl fmt::Display for DurableFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE} {}", self.inner.root.display())
    }
}

/// A big file, written in parts. Its name may be seen before its flush, but no commit refers to it until it is complete.
#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    path: PathBuf,
    inner: Arc<Inner>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        let (inner, path) = (self.inner.clone(), self.path.clone());
        blocking(move || inner.sync_file(&path)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::JoinError { source: error }),
    }
}

fn sync_folder(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sync_if_there(path: &FilePath) -> io::Result<()> {
    match sync_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn generic(path: &FilePath, error: io::Error) -> Error {
    Error::Generic { store: STORE, source: format!("{}: {error}", path.display()).into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    fn folder() -> (tempfile::TempDir, DurableFolder) {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableFolder::open(folder.path().join("new/archive")).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn what_is_there_is_not_created_again() {
        let (_folder, store) = folder();
        let path = Path::from("a/b/c.json");
        let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        store.put_opts(&path, "one".into(), create()).await.unwrap();
        let error = store.put_opts(&path, "two".into(), create()).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one");
        store.put(&path, "three".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "three");
        let left = fs::read_dir(store.inner.root.join("a/b")).unwrap().count();
        assert_eq!(left, 1);
    }

    #[tokio::test]
    async fn staged_files_are_not_listed_and_listings_are_in_order() {
        let (_folder, store) = folder();
        for name in ["a/3", "a/1", "a/2", "b/1"] {
            store.put(&Path::from(name), name.into()).await.unwrap();
        }
        fs::write(store.inner.root.join("a/9#1"), b"torn").unwrap();
        // A staged file that a crash left is in nobody's way.
        fs::write(store.inner.root.join("a/4#1"), b"torn").unwrap();
        store.put(&Path::from("a/4"), "a/4".into()).await.unwrap();
        let found: Vec<ObjectMeta> =
            store.list_with_offset(Some(&Path::from("a")), &Path::from("a/1")).try_collect().await.unwrap();
        let found: Vec<String> = found.into_iter().map(|object| object.location.to_string()).collect();
        assert_eq!(found, ["a/2", "a/3", "a/4"]);
    }

    #[tokio::test]
    async fn after_a_failed_flush_nothing_is_written() {
        let (_folder, store) = folder();
        store.put(&Path::from("a"), "a".into()).await.unwrap();
        assert!(store.inner.flushed(Err(io::Error::other("the disk is ill"))).is_err());
        let error = store.put(&Path::from("b"), "b".into()).await.unwrap_err().to_string();
        assert!(error.contains("restart when the disk is well"), "{error}");
        assert!(store.put_multipart(&Path::from("b")).await.is_err());
        assert_eq!(store.get(&Path::from("a")).await.unwrap().bytes().await.unwrap(), "a");
    }
}
