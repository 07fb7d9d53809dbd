//! A table in use: its state at the latest version known here, and the locks. Appends and commits are one at a time;
//! compaction, rewriting and vacuum are one at a time among themselves and work beside appends.

use std::sync::Arc;

use arrow_schema::{Field, Schema};
use deltalake_core::kernel::{Metadata, MetadataExt};
use parking_lot::RwLock;
use tokio::sync::{Mutex, MutexGuard};

use crate::delta::{CHECKPOINT_EVERY, Lines, Outcome, State, checkpoint, commit, delta_schema, load, new_metadata};
use crate::place::Place;
use crate::stored::has_local_timestamps;
use crate::{ArchiveError, TableSnapshot, TableSpec};

/// How often a commit is tried again when other writers take the version.
pub(super) const ATTEMPTS: u32 = 20;

/// A table of the archive. Cheap to clone; the clones share state and locks.
#[derive(Clone)]
pub struct Table {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) place: Place,
    spec: RwLock<Arc<TableSpec>>,
    state: RwLock<Arc<State>>,
    pub(super) writer: Mutex<Writer>,
    /// Held by what rewrites or removes files.
    pub(super) maintenance: Mutex<()>,
}

/// What the holder of the writer lock knows.
#[derive(Default)]
pub(super) struct Writer {
    /// A commit failed and may be there all the same: load before the next one.
    pub(super) stale: bool,
}

impl Table {
    pub(crate) async fn open(place: Place, spec: TableSpec) -> Result<Self, ArchiveError> {
        let mut attempt = 0;
        let state = loop {
            attempt += 1;
            let Some(state) = load(&place).await? else {
                create(&place, &spec).await?;
                continue;
            };
            match add_columns(&place, &state, &spec).await? {
                None => break state,
                // There is a new version, by us or by another writer.
                Some(version) if attempt > ATTEMPTS => return Err(busy(&place, version)),
                Some(_) => {}
            }
        };
        let shared = Shared {
            place,
            spec: RwLock::new(Arc::new(spec)),
            state: RwLock::new(Arc::new(state)),
            writer: Mutex::default(),
            maintenance: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The latest version known here: what the last commit made. In memory and cheap.
    #[must_use]
    pub fn snapshot(&self) -> Arc<TableSnapshot> {
        self.state().snapshot.clone()
    }

    /// What the table is to be; a rewrite changes it.
    #[must_use]
    pub fn spec(&self) -> Arc<TableSpec> {
        self.shared.spec.read().clone()
    }

    /// Reads the table's log again: for what other writers did, and after an error, to learn whether a commit is there.
    ///
    /// # Errors
    /// When the table is gone or cannot be read.
    pub async fn refresh(&self) -> Result<Arc<TableSnapshot>, ArchiveError> {
        let mut writer = self.shared.writer.lock().await;
        self.reload(&mut writer).await?;
        Ok(self.snapshot())
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.shared.state.read().clone()
    }

    pub(super) fn set_state(&self, state: State) {
        *self.shared.state.write() = Arc::new(state);
    }

    pub(super) fn set_spec(&self, spec: TableSpec) {
        *self.shared.spec.write() = Arc::new(spec);
    }

    /// The right to commit, with the state up to date as far as we know.
    pub(super) async fn writer(&self) -> Result<MutexGuard<'_, Writer>, ArchiveError> {
        let mut writer = self.shared.writer.lock().await;
        if writer.stale {
            self.reload(&mut writer).await?;
        }
        Ok(writer)
    }

    pub(super) async fn reload(&self, writer: &mut Writer) -> Result<(), ArchiveError> {
        let place = &self.shared.place;
        match load(place).await? {
            Some(state) => self.set_state(state),
            None => return Err(place.damaged("_delta_log", "the table is gone")),
        }
        writer.stale = false;
        Ok(())
    }

    /// Commits until no other writer is faster. `make` writes the lines over the state it is given and tells the next
    /// one; it is called again after another writer's commit.
    pub(super) async fn commit(
        &self,
        writer: &mut Writer,
        make: impl Fn(&State) -> Result<(Lines, State), ArchiveError> + Send + Sync,
    ) -> Result<(), ArchiveError> {
        for _ in 0..ATTEMPTS {
            let state = self.state();
            let version = state.snapshot.version + 1;
            let (lines, next) = make(&state)?;
            writer.stale = true;
            match commit(&self.shared.place, version, lines).await? {
                Outcome::Done => {
                    self.set_state(next);
                    writer.stale = false;
                    self.checkpoint(version).await;
                    return Ok(());
                }
                Outcome::Taken => self.reload(writer).await?,
            }
        }
        Err(busy(&self.shared.place, self.state().snapshot.version + 1))
    }

    /// A checkpoint when it is time. The commit is durable without it, so a failure is told and no more.
    async fn checkpoint(&self, version: u64) {
        let place = &self.shared.place;
        if !version.is_multiple_of(CHECKPOINT_EVERY) {
            return;
        }
        if let Err(error) = checkpoint(place).await {
            tracing::warn!(table = %place.folder, version, %error, "no checkpoint of the archive table was written");
        }
    }

    pub(super) fn stopped(&self) -> ArchiveError {
        ArchiveError::Stopped { folder: self.shared.place.folder.to_string() }
    }
}

fn busy(place: &Place, version: u64) -> ArchiveError {
    ArchiveError::Busy { folder: place.folder.to_string(), version }
}

async fn create(place: &Place, spec: &TableSpec) -> Result<(), ArchiveError> {
    let stored = spec.stored();
    let mut lines = Lines::new(place, "CREATE TABLE");
    lines.protocol(&stored);
    lines.metadata(&new_metadata(place, &stored)?)?;
    // When another writer made it meanwhile, that one is opened.
    commit(place, 0, lines).await.map(|_| ())
}

/// Adds what the spec has and the table has not. Returns the version tried; `None` when there is nothing to add.
async fn add_columns(place: &Place, state: &State, spec: &TableSpec) -> Result<Option<u64>, ArchiveError> {
    let Some(stored) = with_columns_of(place, &state.snapshot.schema, spec)? else { return Ok(None) };
    let version = state.snapshot.version + 1;
    let (lines, _) = schema_lines(place, state, &stored, "ADD COLUMNS")?;
    commit(place, version, lines).await?;
    Ok(Some(version))
}

/// A commit that begins with the columns of the table being these, and the description it then has.
pub(super) fn schema_lines(
    place: &Place,
    state: &State,
    stored: &Schema,
    operation: &str,
) -> Result<(Lines, Metadata), ArchiveError> {
    let metadata = state
        .metadata
        .clone()
        .with_schema(&delta_schema(place, stored)?)
        .map_err(|error| ArchiveError::delta(&place.folder, "describe the table", error))?;
    let mut lines = Lines::new(place, operation);
    if has_local_timestamps(stored.fields()) && !has_local_timestamps(state.snapshot.schema.fields()) {
        lines.protocol(stored);
    }
    lines.metadata(&metadata)?;
    Ok((lines, metadata))
}

/// The table's columns with those that only the spec has; `None` when it has no others.
fn with_columns_of(place: &Place, table: &Schema, spec: &TableSpec) -> Result<Option<Schema>, ArchiveError> {
    let mut fields = table.fields().to_vec();
    for wanted in spec.stored().fields() {
        match table.fields().iter().find(|field| field.name().eq_ignore_ascii_case(wanted.name())) {
            None => fields.push(wanted.clone()),
            Some(field) if same(field, wanted) => {}
            Some(field) => {
                return Err(ArchiveError::Table {
                    folder: place.folder.to_string(),
                    problem: format!(
                        "column {} is {} and should be {} {}",
                        field.name(),
                        field.data_type(),
                        wanted.name(),
                        wanted.data_type()
                    ),
                    hint: "open it with the columns it has and rewrite it to the new ones".into(),
                });
            }
        }
    }
    Ok((fields.len() > table.fields().len()).then(|| Schema::new(fields)))
}

fn same(table: &Field, wanted: &Field) -> bool {
    table.name() == wanted.name() && table.data_type().equals_datatype(wanted.data_type())
}
