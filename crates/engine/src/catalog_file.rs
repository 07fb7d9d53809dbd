//! The catalog on disk: `catalog.json`, the text of [`highwater_sql::Catalog`] behind a checksum line. Replaced as a
//! whole (written aside, synced, renamed); the version before is kept as `catalog.json.previous`. A damaged catalog
//! is refused with a plain message: what was declared is never guessed.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use highwater_sql::Catalog;

use crate::error::EngineError;

/// The file's name in the data folder.
pub(crate) const NAME: &str = "catalog.json";

/// Reads the catalog; a new one when there is none.
pub(crate) fn load(data: &Path) -> Result<Catalog, EngineError> {
    let path = data.join(NAME);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| damaged(&path, "it is not text"))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // A folder that ever had a catalog has the one before, too.
            if previous(&path).exists() {
                return Err(damaged(&path, "it is missing, but an older one is there"));
            }
            return Ok(Catalog::new());
        }
        Err(source) => return Err(io(&path, "reading", source)),
    };
    let (sum, json) = text.split_once('\n').ok_or_else(|| damaged(&path, "it has no checksum line"))?;
    if sum != checksum(json) {
        return Err(damaged(&path, "its checksum does not fit"));
    }
    Ok(Catalog::from_json(json)?)
}

/// Replaces the catalog on disk; when this returns it is durable.
pub(crate) fn save(data: &Path, catalog: &Catalog) -> Result<(), EngineError> {
    let path = data.join(NAME);
    let json = catalog.to_json()?;
    let new = data.join("catalog.json.new");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(format!("{}\n{json}", checksum(&json)).as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&path, data.join("catalog.json.link")) {
            Ok(()) => fs::rename(data.join("catalog.json.link"), previous(&path))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::rename(data.join("catalog.json.link"), previous(&path))?;
            }
            Err(error) => return Err(error),
        }
        fs::rename(&new, &path)?;
        File::open(data)?.sync_all()
    };
    write().map_err(|source| io(&path, "writing", source))
}

fn previous(path: &Path) -> PathBuf {
    path.with_extension("json.previous")
}

fn checksum(json: &str) -> String {
    format!("highwater catalog, crc32 {:08x}", crc32fast::hash(json.as_bytes()))
}

fn damaged(path: &Path, reason: &str) -> EngineError {
    EngineError::Damaged {
        path: path.display().to_string(),
        reason: format!(
            "{reason}; compare it with {} and restore it by hand or from a backup",
            previous(path).display()
        ),
    }
}

fn io(path: &Path, what: &str, source: std::io::Error) -> EngineError {
    EngineError::Io { context: format!("{what} {}", path.display()), source }
}
