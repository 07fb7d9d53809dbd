//! The batch results in a data folder: `batch/<view>/<number>/`, with a manifest and the rows' files in each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use highwater_api::{ApiError, ErrorKind};
use highwater_model::ObjectId;
use highwater_sql::Catalog;
use parking_lot::Mutex;

use super::fingerprint;
use super::manifest::Manifest;
use super::writer::BatchWriter;
use crate::error::EngineError;

/// Results kept of each view.
const KEPT: usize = 3;
/// What the folders of results begin with that are being written, and that were set aside.
const TEMPORARY: &str = "new-";
const ASIDE: &str = "aside-";

/// All batch results, by view, the newest last.
#[derive(Debug)]
pub(crate) struct Batches {
    folder: PathBuf,
    results: Mutex<BTreeMap<ObjectId, Vec<Manifest>>>,
}

impl Batches {
    /// Looks at what is there: removes what was not finished, sets aside what cannot be used and says so.
    pub(crate) fn open(data: &Path, catalog: &Catalog) -> Result<Self, EngineError> {
        let folder = data.join("batch");
        let batches = Self { folder: folder.clone(), results: Mutex::default() };
        for view in subfolders(&folder)? {
            let id = view.file_name().and_then(|name| name.to_str()?.parse().ok()).map(ObjectId);
            let Some(id) = id else { continue };
            if catalog.get(id).is_none() {
                remove(&view)?;
                continue;
            }
            for result in subfolders(&view)? {
                let name = result.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with(TEMPORARY) {
                    tracing::info!(folder = %result.display(), "removing a batch result that was not finished");
                    remove(&result)?;
                } else if !name.starts_with(ASIDE) {
                    batches.take_in(catalog, id, &result)?;
                }
            }
        }
        batches.results.lock().values_mut().for_each(|all| all.sort_by_key(|manifest| manifest.number));
        Ok(batches)
    }

    fn take_in(&self, catalog: &Catalog, id: ObjectId, folder: &Path) -> Result<(), EngineError> {
        let whole = |manifest: Manifest| {
            let sound = manifest
                .files
                .iter()
                .all(|file| fs::metadata(folder.join(&file.name)).is_ok_and(|found| found.len() == file.bytes));
            if sound { Ok(manifest) } else { Err("a file of its rows is missing or cut short".to_owned()) }
        };
        match Manifest::read(folder).map_err(|error| error.to_string()).and_then(whole) {
            Ok(manifest) if manifest.fingerprint != fingerprint(catalog, id) => {
                set_aside(folder, "the view, or something it reads, was replaced since")
            }
            Ok(manifest) => {
                self.results.lock().entry(id).or_default().push(manifest);
                Ok(())
            }
            Err(why) => set_aside(folder, &why),
        }
    }

    /// The newest result of a view: its mark.
    pub(crate) fn newest(&self, view: ObjectId) -> Option<Manifest> {
        self.results.lock().get(&view)?.last().cloned()
    }

    /// Where the files of a result are.
    pub(crate) fn place(&self, manifest: &Manifest) -> PathBuf {
        self.place_of(manifest.view, &manifest.number.to_string())
    }

    fn place_of(&self, view: ObjectId, name: &str) -> PathBuf {
        self.folder.join(view.0.to_string()).join(name)
    }

    /// Begins a result of a view; gives its manifest to be filled in.
    pub(crate) fn begin(
        &self,
        view: ObjectId,
        name: String,
        schema: SchemaRef,
    ) -> Result<(BatchWriter, Manifest), ApiError> {
        let last = subfolders(&self.folder.join(view.0.to_string()))?.iter().filter_map(|folder| number(folder)).max();
        let next = last.unwrap_or(0) + 1;
        let temporary = self.place_of(view, &format!("{TEMPORARY}{next}"));
        let writer = BatchWriter::begin(temporary, self.place_of(view, &next.to_string()), schema)?;
        Ok((writer, Manifest::new(view, name, next)))
    }

    /// Puts a result in place, from when on it is its view's mark, and lets go of the oldest.
    pub(crate) fn finish(&self, writer: BatchWriter, manifest: Manifest) -> Result<(), ApiError> {
        let manifest = writer.finish(manifest)?;
        let mut results = self.results.lock();
        let of_view = results.entry(manifest.view).or_default();
        of_view.push(manifest);
        while of_view.len() > KEPT {
            let oldest = of_view.remove(0);
            if let Err(error) = fs::remove_dir_all(self.place(&oldest)) {
                tracing::warn!(%error, view = oldest.name, "an old batch result could not be removed");
            }
        }
        Ok(())
    }

    /// Sets a result aside that turned out to be damaged; gives what to tell who asked for it.
    pub(crate) fn damaged(&self, manifest: &Manifest, why: &str) -> ApiError {
        if let Some(of_view) = self.results.lock().get_mut(&manifest.view) {
            of_view.retain(|other| other.number != manifest.number);
        }
        if let Err(error) = set_aside(&self.place(manifest), why) {
            tracing::warn!(%error, "a damaged batch result could not be set aside");
        }
        let message = format!("the batch result of {} is damaged and was set aside: {why}", manifest.name);
        ApiError::new(ErrorKind::Unavailable, message).with_hint(format!("RECOMPUTE {} makes a new one", manifest.name))
    }

    /// Removes the results of a view that was dropped.
    pub(crate) fn forget(&self, view: ObjectId) {
        self.results.lock().remove(&view);
        if let Err(error) = remove(&self.folder.join(view.0.to_string())) {
            tracing::warn!(%error, "the batch results of a dropped view could not be removed");
        }
    }

    /// Forgets the results of views that were computed from what is declared otherwise now.
    pub(crate) fn settle(&self, catalog: &Catalog) {
        let mut results = self.results.lock();
        for (view, all) in results.iter_mut() {
            let now = fingerprint(catalog, *view);
            all.retain(|manifest| {
                let fits = manifest.fingerprint == now;
                if !fits && let Err(error) = set_aside(&self.place(manifest), "what it was computed from was replaced")
                {
                    tracing::warn!(%error, "an outdated batch result could not be set aside");
                }
                fits
            });
        }
    }
}

fn number(folder: &Path) -> Option<u64> {
    let name = folder.file_name()?.to_str()?;
    name.strip_prefix(ASIDE).unwrap_or(name).parse().ok()
}

fn set_aside(folder: &Path, why: &str) -> Result<(), EngineError> {
    tracing::warn!(folder = %folder.display(), why, "a batch result is set aside");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.with_file_name(format!("{ASIDE}{name}"));
    let renamed = remove(&aside).and_then(|()| fs::rename(folder, &aside).map_err(|source| failed(folder, source)));
    renamed.map(drop)
}

fn remove(folder: &Path) -> Result<(), EngineError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(folder, error)),
        _ => Ok(()),
    }
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| failed(folder, source))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| failed(folder, source))?.path();
        if path.is_dir() {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn failed(path: &Path, source: io::Error) -> EngineError {
    EngineError::Io { context: format!("looking at {}", path.display()), source }
}
