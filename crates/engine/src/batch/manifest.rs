//! What a batch result says of itself: `manifest.json`, a line of checksum and then the text. It is written last, so a
//! folder without one holds nothing.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use highwater_model::{ObjectId, Offsets};
use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// The file's name in the folder of a batch result.
pub(super) const NAME: &str = "manifest.json";
/// The version of the form.
const FORMAT_VERSION: u32 = 1;

/// A batch result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format_version: u32,
    /// The view.
    pub(crate) view: ObjectId,
    /// Its name then.
    pub(crate) name: String,
    /// The number of the result among those of the view.
    pub(crate) number: u64,
    /// The events that count: the mark.
    pub(crate) offsets: Offsets,
    /// What `now()` was, in microseconds since 1970 UTC.
    pub(crate) clock_micros: i64,
    /// How many rows.
    pub(crate) rows: u64,
    /// When the computation began, in microseconds since 1970 UTC.
    pub(crate) started_micros: i64,
    /// When it was over.
    pub(crate) finished_micros: i64,
    /// What it was computed from, as [`super::fingerprint`] tells it.
    pub(crate) fingerprint: u32,
    /// The rows' files.
    pub(crate) files: Vec<BatchFile>,
}

/// A Parquet file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
}

impl Manifest {
    /// A result of which no row is written yet.
    pub(crate) fn new(view: ObjectId, name: String, number: u64) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            view,
            name,
            number,
            offsets: Offsets::default(),
            clock_micros: 0,
            rows: 0,
            started_micros: 0,
            finished_micros: 0,
            fingerprint: 0,
            files: Vec::new(),
        }
    }

    /// Reads the manifest of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(NAME);
        let damaged =
            |reason: &str| EngineError::Damaged { path: path.display().to_string(), reason: reason.to_owned() };
        let text = fs::read_to_string(&path)
            .map_err(|source| EngineError::Io { context: format!("reading {}", path.display()), source })?;
        let (sum, json) = text.split_once('\n').ok_or_else(|| damaged("it has no checksum line"))?;
        if sum != checksum(json) {
            return Err(damaged("its checksum does not fit"));
        }
        let manifest: Self = serde_json::from_str(json).map_err(|error| damaged(&error.to_string()))?;
        match manifest.format_version {
            FORMAT_VERSION => Ok(manifest),
            other => Err(damaged(&format!("it is of format {other}, this program reads {FORMAT_VERSION}"))),
        }
    }

    /// Writes it into a folder, durably.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        let mut file = File::create(folder.join(NAME))?;
        file.write_all(format!("{}\n{json}", checksum(&json)).as_bytes())?;
        file.sync_all()
    }
}

fn checksum(json: &str) -> String {
    format!("highwater batch result, crc32 {:08x}", crc32fast::hash(json.as_bytes()))
}
