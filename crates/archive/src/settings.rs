//! Where the archive is and how its files are cut. Built by the engine from its own settings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use highwater_model::{Clock, SystemClock};

/// Where the archive is, and how big its files are.
#[derive(Clone)]
pub struct ArchiveSettings {
    /// A folder's path, a `file://` URL or an `s3://bucket/prefix` URL.
    pub root: String,
    /// Options of the object store; for S3: `access_key_id`, `secret_access_key`, `session_token`, `endpoint`, `region`,
    /// `allow_http`, `virtual_hosted_style_request`. A local folder takes none.
    pub options: BTreeMap<String, String>,
    /// The size files are compacted towards.
    pub target_file_bytes: u64,
    /// Most rows of a row group, which a reader holds at once.
    pub row_group_rows: usize,
    /// Tells when commits are made and how old files are.
    pub clock: Arc<dyn Clock>,
}

impl ArchiveSettings {
    /// 128 MiB, what readers of Delta tables are tuned for.
    pub const DEFAULT_TARGET_FILE_BYTES: u64 = 128 << 20;
    /// Few enough for a row group to be read at once, many enough for columns to compress.
    pub const DEFAULT_ROW_GROUP_ROWS: usize = 1 << 18;

    /// An archive at a place, with the default sizes.
    #[must_use]
    pub fn new(root: impl Into<String>) -> Self {
        Self {
            root: root.into(),
            options: BTreeMap::new(),
            target_file_bytes: Self::DEFAULT_TARGET_FILE_BYTES,
            row_group_rows: Self::DEFAULT_ROW_GROUP_ROWS,
            clock: Arc::new(SystemClock),
        }
    }
}

// By hand: options hold secrets.
impl fmt::Debug for ArchiveSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveSettings")
            .field("root", &self.root)
            .field("options", &self.options.keys())
            .field("target_file_bytes", &self.target_file_bytes)
            .field("row_group_rows", &self.row_group_rows)
            .finish_non_exhaustive()
    }
}
