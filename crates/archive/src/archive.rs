//! The archive: a store with a Delta table in each folder. Opened once by the engine, and cloned where it is needed.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use crate::place::Place;
use crate::store::{DurableFolder, open};
use crate::{ArchiveError, ArchiveSettings, Table, TableSpec};

/// The tables below one root. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    local: Option<DurableFolder>,
    settings: Arc<ArchiveSettings>,
}

impl Archive {
    /// Opens the archive at `settings.root`; a local folder is made when it is not there.
    ///
    /// # Errors
    /// When a setting is wrong (the error names the right one) or the folder cannot be used.
    pub fn open(settings: ArchiveSettings) -> Result<Self, ArchiveError> {
        let opened = open(&settings)?;
        Ok(Self { store: opened.store, local: opened.folder, settings: Arc::new(settings) })
    }

    /// An archive on a store that the caller opened and rooted; `settings.root` is not looked at. The store must write
    /// durably, refuse to create what is there (`PutMode::Create`) and list from an offset in order.
    pub fn on_store(store: Arc<dyn ObjectStore>, settings: ArchiveSettings) -> Self {
        Self { store, local: None, settings: Arc::new(settings) }
    }

    /// The store, rooted at `settings.root`: `DataFile::path` is a path in it.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Opens a table, or makes it. Columns that the spec has and the table has not are added, as NULL in what is there.
    /// Open a table once and clone it: tables opened twice know nothing of each other's locks, only of their commits.
    ///
    /// # Errors
    /// When the spec cannot be stored, or a column of it is of another type in the table.
    pub async fn table(&self, spec: TableSpec) -> Result<Table, ArchiveError> {
        spec.check()?;
        let place = Place::new(self.store.clone(), self.local.clone(), self.settings.clone(), &spec.folder)?;
        Table::open(place, spec).await
    }

    /// Removes a table with all its files. What a crash leaves half removed is an older version of the table, or no
    /// table: remove it again before a table of that name is made.
    ///
    /// # Errors
    /// Of the store.
    pub async fn remove(&self, folder: &str) -> Result<(), ArchiveError> {
        let path = Path::parse(folder).map_err(|error| ArchiveError::store(folder, error.into()))?;
        if path.as_ref().is_empty() {
            return Err(ArchiveError::Table {
                folder: folder.into(),
                problem: "this is the whole archive".into(),
                hint: "name a table".into(),
            });
        }
        // Commits go first, the newest before the older ones: at every step the rest is a whole table or none.
        let mut log = self.list(&path.clone().join("_delta_log")).await?;
        log.sort();
        log.reverse();
        for object in log {
            self.delete(vec![object]).await?;
        }
        self.delete(self.list(&path).await?).await?;
        match &self.local {
            Some(local) => {
                let (local, path) = (local.clone(), path.clone());
                let removed = tokio::task::spawn_blocking(move || local.remove(&path)).await;
                removed
                    .map_err(|_| ArchiveError::Stopped { folder: folder.into() })?
                    .map_err(|source| ArchiveError::Folder { path: folder.into(), source })
            }
            None => Ok(()),
        }
    }

    /// The folders that hold tables, in order.
    ///
    /// # Errors
    /// Of the store.
    pub async fn folders(&self) -> Result<Vec<String>, ArchiveError> {
        let mut found = Vec::new();
        let mut open = vec![None::<Path>];
        while let Some(folder) = open.pop() {
            let listed = self.store.list_with_delimiter(folder.as_ref()).await;
            let below = listed
                .map_err(|source| ArchiveError::store(folder.clone().unwrap_or_default(), source))?
                .common_prefixes;
            match folder {
                Some(folder) if below.iter().any(|path| path.filename() == Some("_delta_log")) => {
                    found.push(folder.to_string());
                }
                _ => open.extend(below.into_iter().map(Some)),
            }
        }
        found.sort();
        Ok(found)
    }

    async fn list(&self, folder: &Path) -> Result<Vec<Path>, ArchiveError> {
        let found: Vec<ObjectMeta> =
            self.store.list(Some(folder)).try_collect().await.map_err(|source| ArchiveError::store(folder, source))?;
        Ok(found.into_iter().map(|object| object.location).collect())
    }

    async fn delete(&self, paths: Vec<Path>) -> Result<(), ArchiveError> {
        let first = paths.first().cloned().unwrap_or_default();
        let stream = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(stream);
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(ArchiveError::store(first, source)),
            }
        }
        Ok(())
    }
}
