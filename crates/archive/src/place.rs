//! Where a table is: the store, its folder, its log for `deltalake`, and names for new files. Shared by all that work on
//! the table.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chrono::NaiveDate;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use crate::store::DurableFolder;
use crate::{ArchiveError, ArchiveSettings, DATE_COLUMN};

/// What Hive, and so Delta, calls the folder of rows without a day.
const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Where a table is. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The folder behind the store when it is local.
    pub(crate) local: Option<DurableFolder>,
    pub(crate) settings: Arc<ArchiveSettings>,
    /// The table's folder in the store.
    pub(crate) path: Path,
    /// The same as the caller named it.
    pub(crate) folder: Arc<str>,
    pub(crate) log: LogStoreRef,
    names: Arc<Names>,
}

#[derive(Default)]
struct Names {
    random: RandomState,
    given: AtomicU64,
}

impl Place {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        local: Option<DurableFolder>,
        settings: Arc<ArchiveSettings>,
        folder: &str,
    ) -> Result<Self, ArchiveError> {
        let path = Path::parse(folder).map_err(|error| ArchiveError::store(folder, error.into()))?;
        // Of this URL only the path counts: it is one in `store`. (With the scheme `file` the machine would be asked.)
        let location = Url::parse("memory:///").and_then(|root| root.join(&format!("{folder}/"))).map_err(|error| {
            ArchiveError::Table {
                folder: folder.into(),
                problem: error.to_string(),
                hint: "give it another name".into(),
            }
        })?;
        let prefixed = Arc::new(PrefixStore::new(store.clone(), path.clone()));
        let log = default_logstore(prefixed, store.clone(), &location, &StorageConfig::default());
        Ok(Self { store, local, settings, path, folder: folder.into(), log, names: Arc::default() })
    }

    /// A name of a data file that no other writer gives.
    pub(crate) fn new_file(&self, date: Option<NaiveDate>) -> Path {
        let name = format!("part-{}.zstd.parquet", self.new_name());
        let day = date.map_or_else(|| NO_DATE.to_owned(), |date| date.format("%Y-%m-%d").to_string());
        self.path.clone().join(format!("{DATE_COLUMN}={day}")).join(name)
    }

    /// A name that is given once, by this or any other writer.
    pub(crate) fn new_name(&self) -> String {
        let number = self.names.given.fetch_add(1, Ordering::Relaxed);
        let (first, second) = (self.names.random.hash_one((number, 0)), self.names.random.hash_one((number, 1)));
        format!("{first:016x}{second:016x}")
    }

    /// The file of a commit.
    pub(crate) fn commit(&self, version: u64) -> Path {
        self.path.clone().join("_delta_log").join(format!("{version:020}.json"))
    }

    /// A data file as the table's log names it.
    pub(crate) fn relative(&self, file: &Path) -> String {
        match file.prefix_match(&self.path) {
            Some(parts) => Path::from_iter(parts).to_string(),
            None => file.to_string(),
        }
    }

    /// The whole of an object.
    pub(crate) async fn read(&self, path: &Path) -> Result<Bytes, ArchiveError> {
        let read = async { self.store.get(path).await?.bytes().await };
        read.await.map_err(|source| ArchiveError::store(path, source))
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.settings.clock.now_micros()
    }

    pub(crate) fn damaged(&self, path: impl ToString, problem: impl Into<String>) -> ArchiveError {
        ArchiveError::Damaged { folder: self.folder.to_string(), path: path.to_string(), problem: problem.into() }
    }
}
