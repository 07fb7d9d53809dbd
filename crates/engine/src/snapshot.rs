//! Snapshots of a data folder that is being served, and restoring them.
//!
//! ```text
//! <data>/snapshots/<name>/          (`.new`: being made; removed at the next snapshot of that name)
//!   snapshot.json                   what was taken: each file with its length; written last
//!   catalog.json  state/  log/<stream>/  archive/
//! ```
//!
//! A snapshot is what a power cut at that moment would have left, and what a start takes up from. Files that never change
//! again are linked, not copied, so it takes moments and no space; of a file that still grows, what it held is copied.
//! The order makes the parts fit: state and archive before the log that they cover; in a stream what is acknowledged before
//! the segments; and meanwhile nothing is let go of the log. Restoring copies the catalog last: without one a folder with a
//! log is no data folder, so half a restore is never served.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind, SnapshotReport};
use serde::{Deserialize, Serialize};

use crate::catalog_file;
use crate::core::Core;
use crate::error::EngineError;
use crate::jobs::blocking;

/// The folder of all snapshots in a data folder.
const FOLDER: &str = "snapshots";
const MANIFEST: &str = "snapshot.json";
const FORMAT_VERSION: u32 = 1;
/// Times a folder is taken again because files of it were replaced meanwhile.
const MOST_ATTEMPTS: usize = 20;
/// Endings of files that are never written again once they have their name.
const FOR_GOOD: [&str; 4] = ["checkpoint", "parquet", "idx", "damaged"];

/// What a snapshot holds.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format_version: u32,
    /// When it was taken, microseconds since the epoch.
    taken_at: i64,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listed {
    /// Below the folder, with `/`.
    path: String,
    bytes: u64,
}

/// Takes a snapshot under a name.
pub(crate) async fn snapshot(core: &Arc<Core>, name: &str) -> Result<SnapshotReport, ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        let message = format!("'{name}' cannot name a snapshot");
        return Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint("use 1 to 64 letters, digits, - and _"));
    }
    // Nothing is declared meanwhile, nothing is let go: the log is what the catalog says, and has what the state lacks.
    let _guard = core.ddl.lock().await;
    let _hold = Hold::new(core);
    core.tick.run(|_| ()).await?;
    let (data, name, now) = (core.settings.data.clone(), name.to_owned(), core.clock.now_micros());
    Ok(blocking(move || take(&data, &name, now)).await?)
}

/// While it lives nothing is let go of the log.
struct Hold<'a>(&'a Core);

impl<'a> Hold<'a> {
    fn new(core: &'a Core) -> Self {
        core.holds.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        Self(core)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    }
}

fn take(data: &Path, name: &str, now: i64) -> Result<SnapshotReport, EngineError> {
    let folder = data.join(FOLDER).join(name);
    let unfinished = data.join(FOLDER).join(format!("{name}.new"));
    let failed = |source| EngineError::Io { context: format!("taking the snapshot {}", folder.display()), source };
    if folder.exists() {
        let message = format!("there is a snapshot {} already", folder.display());
        let taken = ApiError::new(ErrorKind::Conflict, message).with_hint("give another name, or remove that folder");
        return Err(EngineError::Refused(Box::new(taken)));
    }
    let work = || -> io::Result<Manifest> {
        remove(&unfinished)?;
        fs::create_dir_all(&unfinished)?;
        for part in ["state", "archive"] {
            take_folder(&data.join(part), &unfinished.join(part), &order)?;
        }
        let log = data.join("log");
        for stream in names(&log)?.into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            take_folder(&log.join(&stream), &unfinished.join("log").join(&stream), &order)?;
        }
        copy(&data.join(catalog_file::NAME), &unfinished.join(catalog_file::NAME))?;
        let mut files = Vec::new();
        list(&unfinished, "", &mut files)?;
        let manifest = Manifest { format_version: FORMAT_VERSION, taken_at: now, files };
        let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
        fs::write(unfinished.join(MANIFEST), text)?;
        File::open(unfinished.join(MANIFEST))?.sync_all()?;
        fs::rename(&unfinished, &folder)?;
        File::open(data.join(FOLDER))?.sync_all()?;
        Ok(manifest)
    };
    let manifest = work().map_err(failed)?;
    Ok(SnapshotReport {
        folder: folder.display().to_string(),
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
    })
}

/// Files that say how far something goes before those that go so far.
fn order(name: &str) -> (bool, String) {
    (name != "committed" && name != "_delta_log", name.to_owned())
}

/// Takes a folder; again, when files of it were replaced meanwhile.
fn take_folder(from: &Path, to: &Path, order: &dyn Fn(&str) -> (bool, String)) -> io::Result<()> {
    let mut last = Ok(());
    for _ in 0..MOST_ATTEMPTS {
        remove(to)?;
        last = take_once(from, to, order);
        match &last {
            Err(error) if error.kind() == IoKind::NotFound => {}
            _ => return last,
        }
    }
    last
}

fn take_once(from: &Path, to: &Path, order: &dyn Fn(&str) -> (bool, String)) -> io::Result<()> {
    let mut names = names(from)?;
    if names.is_empty() {
        return Ok(());
    }
    names.sort_by_key(|name| order(name));
    fs::create_dir_all(to)?;
    let newest = names.iter().filter(|name| name.ends_with(".seg")).max().cloned();
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            take_once(&source, &target, order)?;
            continue;
        }
        let ending = Path::new(&name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ending == "new" {
            continue; // not whole yet, so nobody counts on it
        }
        let sealed = ending == "seg" && newest.as_ref() != Some(&name);
        if !(sealed || FOR_GOOD.contains(&ending)) || fs::hard_link(&source, &target).is_err() {
            copy(&source, &target)?;
        }
    }
    File::open(to)?.sync_all()
}

/// Copies what a file holds now, durably.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let length = source.metadata()?.len();
    let mut target = File::create(to)?;
    io::copy(&mut source.take(length), &mut target)?;
    target.sync_all()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == IoKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != IoKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn list(folder: &Path, below: &str, files: &mut Vec<Listed>) -> io::Result<()> {
    for name in names(folder)? {
        let (path, full) = (format!("{below}{name}"), folder.join(&name));
        if full.is_dir() {
            list(&full, &format!("{path}/"), files)?;
        } else {
            files.push(Listed { path, bytes: fs::metadata(&full)?.len() });
        }
    }
    Ok(())
}

/// Copies a snapshot into a data folder that is new or empty; `progress` is told bytes done and bytes in all. What is in
/// the files is for an inspection of the folder to judge ([`crate::DataFolder`]).
///
/// # Errors
/// When the snapshot is not whole, the folder holds something, or the disk refuses; then the folder is no data folder.
pub fn restore_snapshot(
    snapshot: &Path,
    data: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<SnapshotReport, EngineError> {
    let damaged = |path: &Path, reason: String| EngineError::Damaged { path: path.display().to_string(), reason };
    let at = snapshot.join(MANIFEST);
    let text =
        fs::read(&at).map_err(|error| damaged(&at, format!("{error}; a snapshot is a folder with this file")))?;
    let mut manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&at, error.to_string()))?;
    if manifest.format_version != FORMAT_VERSION {
        let found = manifest.format_version;
        return Err(damaged(&at, format!("it has format version {found}; this version reads {FORMAT_VERSION}")));
    }
    // The catalog last.
    manifest.files.sort_by_key(|file| (file.path == catalog_file::NAME, file.path.clone()));
    for file in &manifest.files {
        let inside = !file.path.split('/').any(|step| step.is_empty() || step == ".." || step.contains('\\'));
        let length = fs::metadata(snapshot.join(&file.path)).map(|found| found.len());
        if !inside || length.as_ref().ok() != Some(&file.bytes) {
            let found = length.map_or_else(|error| error.to_string(), |length| format!("it has {length} bytes"));
            return Err(damaged(&snapshot.join(&file.path), format!("{found}, {} were taken", file.bytes)));
        }
    }
    let io = |source| EngineError::Io { context: format!("restoring into {}", data.display()), source };
    if !names(data).map_err(io)?.is_empty() {
        return Err(io(io::Error::new(IoKind::AlreadyExists, "the folder is not empty: restore into a new one")));
    }
    let all = manifest.files.iter().map(|file| file.bytes).sum();
    let mut done = 0;
    for file in &manifest.files {
        let target = data.join(&file.path);
        let parent = target.parent().unwrap_or(data);
        let copied = fs::create_dir_all(parent)
            .and_then(|()| copy(&snapshot.join(&file.path), &target))
            .and_then(|()| File::open(parent)?.sync_all());
        copied.map_err(io)?;
        done += file.bytes;
        progress(done, all);
    }
    Ok(SnapshotReport { folder: data.display().to_string(), files: manifest.files.len() as u64, bytes: done })
}

/// The folder of a snapshot by its name.
#[must_use]
pub fn snapshot_folder(data: &Path, name: &str) -> PathBuf {
    data.join(FOLDER).join(name)
}
