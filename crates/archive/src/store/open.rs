//! Chooses the store by the form of `root`. Called when an archive is opened.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use url::Url;

use super::{DurableFolder, s3};
use crate::{ArchiveError, ArchiveSettings};

/// A store, and the folder behind it when it is local.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) folder: Option<DurableFolder>,
}

/// Opens the store of the settings; a local folder is made when it is not there.
pub(crate) fn open(settings: &ArchiveSettings) -> Result<Opened, ArchiveError> {
    match Url::parse(&settings.root) {
        Ok(url) if url.scheme() == "s3" => {
            Ok(Opened { store: s3::open(&settings.root, &url, &settings.options)?, folder: None })
        }
        Ok(url) if url.scheme() == "file" => {
            let path = url.to_file_path().map_err(|()| wrong_root(settings, "is no path of this machine"))?;
            local(settings, path)
        }
        Ok(url) if settings.root.contains("://") => {
            Err(wrong_root(settings, &format!("{}:// is not supported", url.scheme())))
        }
        _ if settings.root.is_empty() => Err(wrong_root(settings, "is empty")),
        _ => local(settings, PathBuf::from(&settings.root)),
    }
}

fn local(settings: &ArchiveSettings, path: PathBuf) -> Result<Opened, ArchiveError> {
    if let Some(option) = settings.options.keys().next() {
        return Err(ArchiveError::Setting {
            setting: format!("options.{option}"),
            problem: "a local folder takes no options".into(),
            hint: "remove it, or write root as s3://bucket/prefix".into(),
        });
    }
    let folder = DurableFolder::open(path)?;
    Ok(Opened { store: Arc::new(folder.clone()), folder: Some(folder) })
}

fn wrong_root(settings: &ArchiveSettings, problem: &str) -> ArchiveError {
    ArchiveError::Setting {
        setting: "root".into(),
        problem: format!("{:?} {problem}", settings.root),
        hint: "write a folder's path, file:///path or s3://bucket/prefix".into(),
    }
}
