//! Settings of the archive.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Where streams are archived, and how eagerly.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// A folder, or the URL of an object store.
    pub root: String,
    /// Options of the object store, such as its endpoint and keys.
    pub options: BTreeMap<String, String>,
    /// Events wait at most so long before they are archived.
    pub interval: Duration,
    /// So many waiting events are archived at once without waiting.
    pub commit_rows: u64,
    /// Whether the records are kept as they came, beside their columns: a column that is added later is then filled
    /// from them.
    pub keep_raw: bool,
    /// How long files that were replaced are kept for those who still read them.
    pub keep_replaced: Duration,
}

impl ArchiveOptions {
    /// Defaults for a data folder: its folder `archive`.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self {
            root: data.join("archive").display().to_string(),
            options: BTreeMap::new(),
            interval: Duration::from_secs(60),
            commit_rows: 1_000_000,
            keep_raw: true,
            keep_replaced: Duration::from_secs(24 * 60 * 60),
        }
    }
}
