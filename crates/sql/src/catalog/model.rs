//! The catalog's state and its changes: create, replace, drop, each checked against dependencies.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::{Column, ObjectId, ObjectName, StreamSchema};
use serde::{Deserialize, Serialize};

use super::{CatalogError, Entry, EntryKind, PUBLIC_SCHEMA, is_system_schema};
use crate::suggest;

/// All objects and schemas. Ids are never given twice, whatever is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    format_version: u32,
    next_id: u32,
    schemas: BTreeSet<String>,
    entries: BTreeMap<ObjectId, Entry>,
}

/// What a replacement did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The id the object had.
    pub old: ObjectId,
    /// The id it has now: the same for streams and tables, whose log it names; a new one for views, so that
    /// state of the old definition cannot be taken for the new one's.
    pub new: ObjectId,
    /// What reads it, in dependency order, now pointing at the new id: to be computed anew.
    pub dependents: Vec<ObjectId>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

impl Catalog {
    /// The version of the saved form.
    pub const FORMAT_VERSION: u32 = 1;

    /// A catalog with the schema `public` and nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            format_version: Self::FORMAT_VERSION,
            next_id: 1,
            schemas: BTreeSet::from([PUBLIC_SCHEMA.to_owned()]),
            entries: BTreeMap::new(),
        }
    }

    /// The saved form.
    ///
    /// # Errors
    /// When serialization fails, which no catalog makes happen.
    pub fn to_json(&self) -> Result<String, CatalogError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Reads the saved form.
    ///
    /// # Errors
    /// [`CatalogError::FormatVersion`], [`CatalogError::Json`], [`CatalogError::Damaged`].
    pub fn from_json(json: &str) -> Result<Self, CatalogError> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let version: Version = serde_json::from_str(json)?;
        if version.format_version != Self::FORMAT_VERSION {
            return Err(CatalogError::FormatVersion { found: version.format_version, supported: Self::FORMAT_VERSION });
        }
        let catalog: Self = serde_json::from_str(json)?;
        catalog.check()?;
        Ok(catalog)
    }

    /// The object of an id.
    #[must_use]
    pub fn get(&self, id: ObjectId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// The object of a full name.
    #[must_use]
    pub fn by_name(&self, name: &ObjectName) -> Option<&Entry> {
        self.entries.values().find(|entry| entry.name == *name)
    }

    /// All objects, by id: in the order of creation.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All schemas by name, without the system's.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.schemas.iter().map(String::as_str)
    }

    /// The id the next object will get.
    #[must_use]
    pub fn next_id(&self) -> ObjectId {
        ObjectId(self.next_id)
    }

    /// Checks that a schema is there.
    ///
    /// # Errors
    /// [`CatalogError::UnknownSchema`].
    pub fn check_schema(&self, schema: &str) -> Result<(), CatalogError> {
        if self.schemas.contains(schema) {
            return Ok(());
        }
        let near = suggest::nearest(schema, self.schemas()).map(str::to_owned);
        Err(CatalogError::UnknownSchema { schema: schema.to_owned(), near })
    }

    /// Adds a schema.
    ///
    /// # Errors
    /// [`CatalogError::SchemaExists`], [`CatalogError::SystemSchema`].
    pub fn create_schema(&mut self, schema: &str) -> Result<(), CatalogError> {
        if is_system_schema(schema) {
            return Err(CatalogError::SystemSchema(schema.to_owned()));
        }
        if self.schemas.insert(schema.to_owned()) { Ok(()) } else { Err(CatalogError::SchemaExists(schema.to_owned())) }
    }

    /// Removes a schema, with `cascade` all that is in it or reads from it; gives what was dropped, dependents first.
    ///
    /// # Errors
    /// [`CatalogError::UnknownSchema`], [`CatalogError::SchemaNotEmpty`], [`CatalogError::SystemSchema`] (`public` stays).
    pub fn drop_schema(&mut self, schema: &str, cascade: bool) -> Result<Vec<Entry>, CatalogError> {
        if is_system_schema(schema) || schema == PUBLIC_SCHEMA {
            return Err(CatalogError::SystemSchema(schema.to_owned()));
        }
        self.check_schema(schema)?;
        let held: Vec<&Entry> = self.entries().filter(|entry| entry.name.schema == schema).collect();
        if !held.is_empty() && !cascade {
            let holds = held.iter().map(|entry| entry.name.clone()).collect();
            return Err(CatalogError::SchemaNotEmpty { schema: schema.to_owned(), holds });
        }
        let ids: Vec<ObjectId> = held.iter().map(|entry| entry.id).collect();
        let dropped = self.drop_objects(&ids, true)?;
        self.schemas.remove(schema);
        Ok(dropped)
    }

    /// Adds an object.
    ///
    /// # Errors
    /// [`CatalogError::Exists`], [`CatalogError::UnknownSchema`], [`CatalogError::Exhausted`].
    pub fn create(
        &mut self,
        name: ObjectName,
        sql: String,
        kind: EntryKind,
        depends_on: Vec<ObjectId>,
    ) -> Result<ObjectId, CatalogError> {
        self.check_schema(&name.schema)?;
        if let Some(entry) = self.by_name(&name) {
            return Err(CatalogError::Exists { noun: entry.kind.noun(), name });
        }
        self.check_ids(&depends_on)?;
        let id = self.take_id()?;
        self.entries.insert(id, Entry::new(id, name, sql, kind, depends_on));
        Ok(id)
    }

    /// Gives an object a new definition of the same kind. With dependents, names and types of its columns must stay.
    ///
    /// # Errors
    /// [`CatalogError::Unknown`], [`CatalogError::WrongKind`], [`CatalogError::HasDependents`], [`CatalogError::Cycle`].
    pub fn replace(
        &mut self,
        name: &ObjectName,
        sql: String,
        kind: EntryKind,
        depends_on: Vec<ObjectId>,
    ) -> Result<Replaced, CatalogError> {
        let Some(entry) = self.by_name(name) else {
            return Err(self.unknown(Some(&name.schema), &name.name, kind.noun()));
        };
        if entry.kind.noun() != kind.noun() {
            return Err(CatalogError::WrongKind { name: name.clone(), is: entry.kind.noun(), wanted: kind.noun() });
        }
        let old = entry.id;
        let dependents = self.dependents(old);
        if depends_on.contains(&old) || depends_on.iter().any(|id| dependents.contains(id)) {
            return Err(CatalogError::Cycle { name: name.clone() });
        }
        if !dependents.is_empty() && !same_columns(&entry.kind, &kind) {
            return Err(self.has_dependents(entry, &dependents, true));
        }
        self.check_ids(&depends_on)?;
        let new = if kind.is_logged() { old } else { self.take_id()? };
        self.entries.remove(&old);
        self.entries.insert(new, Entry::new(new, name.clone(), sql, kind, depends_on));
        for entry in self.entries.values_mut() {
            for id in entry.depends_on.iter_mut().filter(|id| **id == old) {
                *id = new;
            }
        }
        Ok(Replaced { old, new, dependents })
    }

    /// Gives a materialized view another definition under its id, where what reads it goes on: the definition is told by
    /// the plan's signature, not by the id. `sees` as in [`Entry::sees`].
    ///
    /// # Errors
    /// As [`Catalog::replace`].
    pub fn replace_view(
        &mut self,
        name: &ObjectName,
        sql: String,
        kind: EntryKind,
        depends_on: Vec<ObjectId>,
        sees: BTreeMap<ObjectId, usize>,
    ) -> Result<(), CatalogError> {
        let next_id = self.next_id;
        let replaced = self.replace(name, sql, kind, depends_on)?;
        if let Some(entry) = self.entries.remove(&replaced.new) {
            self.entries.insert(replaced.old, Entry { id: replaced.old, sees, ..entry });
        }
        for entry in self.entries.values_mut() {
            entry.depends_on.iter_mut().filter(|id| **id == replaced.new).for_each(|id| *id = replaced.old);
        }
        self.next_id = next_id;
        Ok(())
    }

    /// Gives a stream that keeps its records a new declaration, which has at least its columns. Queries that read it go on
    /// to see the columns that there were.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`] when there is no such stream.
    pub fn alter_stream(&mut self, id: ObjectId, sql: String, schema: StreamSchema) -> Result<(), CatalogError> {
        let Some(Entry { kind: EntryKind::Stream { schema: old }, sql: old_sql, .. }) = self.entries.get_mut(&id)
        else {
            return Err(CatalogError::Damaged(format!("there is no stream {id}")));
        };
        let (before, after) = (old.columns.len(), schema.columns.len());
        (*old, *old_sql) = (schema, sql);
        if before < after {
            for reader in self.entries.values_mut().filter(|entry| entry.depends_on.contains(&id)) {
                reader.sees.entry(id).or_insert(before);
            }
        }
        Ok(())
    }

    /// Gives a view the columns that its query has now, and a materialized one its key.
    ///
    /// # Errors
    /// [`CatalogError::Damaged`] when there is no such view.
    pub fn set_view_columns(
        &mut self,
        id: ObjectId,
        new: Vec<Column>,
        new_key: Vec<usize>,
    ) -> Result<(), CatalogError> {
        match self.entries.get_mut(&id).map(|entry| &mut entry.kind) {
            Some(EntryKind::MaterializedView { columns, key, .. }) => (*columns, *key) = (new, new_key),
            Some(EntryKind::View { columns, .. }) => *columns = new,
            _ => return Err(CatalogError::Damaged(format!("there is no view {id}"))),
        }
        Ok(())
    }

    /// Removes objects, with `cascade` their dependents too; gives what was dropped, dependents first.
    ///
    /// # Errors
    /// [`CatalogError::HasDependents`] when others would be orphaned; [`CatalogError::Damaged`] for an unknown id.
    pub fn drop_objects(&mut self, ids: &[ObjectId], cascade: bool) -> Result<Vec<Entry>, CatalogError> {
        self.check_ids(ids)?;
        let mut doomed: BTreeSet<ObjectId> = ids.iter().copied().collect();
        for id in ids {
            let orphans: Vec<ObjectId> =
                self.dependents(*id).into_iter().filter(|other| !ids.contains(other)).collect();
            if let (false, false, Some(entry)) = (orphans.is_empty(), cascade, self.get(*id)) {
                return Err(self.has_dependents(entry, &orphans, false));
            }
            doomed.extend(orphans);
        }
        let order: Vec<ObjectId> = self.topological().into_iter().rev().filter(|id| doomed.contains(id)).collect();
        Ok(order.into_iter().filter_map(|id| self.entries.remove(&id)).collect())
    }

    /// Everything that reads an object, directly or through others, what is read before what reads it.
    #[must_use]
    pub fn dependents(&self, id: ObjectId) -> Vec<ObjectId> {
        let mut found = BTreeSet::from([id]);
        let mut order = Vec::new();
        for reader in self.topological() {
            let reads = self.get(reader).is_some_and(|entry| entry.depends_on.iter().any(|on| found.contains(on)));
            if reads && found.insert(reader) {
                order.push(reader);
            }
        }
        order
    }

    /// All ids, what is read before what reads it; otherwise in the order of ids.
    #[must_use]
    pub fn topological(&self) -> Vec<ObjectId> {
        let mut done = BTreeSet::new();
        let mut order = Vec::with_capacity(self.entries.len());
        while order.len() < self.entries.len() {
            let before = order.len();
            for entry in self.entries.values().filter(|entry| !done.contains(&entry.id)).collect::<Vec<_>>() {
                if entry.depends_on.iter().all(|on| done.contains(on) || !self.entries.contains_key(on)) {
                    done.insert(entry.id);
                    order.push(entry.id);
                }
            }
            if order.len() == before {
                // A cycle, which no sequence of changes makes and reading a catalog refuses.
                break;
            }
        }
        order
    }

    fn has_dependents(&self, entry: &Entry, dependents: &[ObjectId], replacing: bool) -> CatalogError {
        CatalogError::HasDependents {
            noun: entry.kind.noun(),
            name: entry.name.clone(),
            dependents: dependents.iter().filter_map(|id| self.get(*id)).map(|entry| entry.name.clone()).collect(),
            replacing,
        }
    }

    fn take_id(&mut self) -> Result<ObjectId, CatalogError> {
        let id = ObjectId(self.next_id);
        self.next_id = self.next_id.checked_add(1).ok_or(CatalogError::Exhausted)?;
        Ok(id)
    }

    fn check_ids(&self, ids: &[ObjectId]) -> Result<(), CatalogError> {
        match ids.iter().find(|id| !self.entries.contains_key(id)) {
            Some(id) => Err(CatalogError::Damaged(format!("there is no object {id}"))),
            None => Ok(()),
        }
    }

    /// What holds for every catalog that changes made: ids below the next one, names unique, dependencies there, no cycle.
    fn check(&self) -> Result<(), CatalogError> {
        let damaged = |why: String| Err(CatalogError::Damaged(why));
        let mut names = BTreeSet::new();
        for (id, entry) in &self.entries {
            if *id != entry.id || id.0 >= self.next_id {
                return damaged(format!("object {id} has no valid id"));
            }
            if !names.insert(&entry.name) {
                return damaged(format!("{} is there twice", entry.name));
            }
            if !self.schemas.contains(&entry.name.schema) {
                return damaged(format!("{} is in no schema", entry.name));
            }
            self.check_ids(&entry.depends_on)?;
        }
        if self.topological().len() == self.entries.len() {
            Ok(())
        } else {
            damaged("objects depend on each other".to_owned())
        }
    }
}

/// Whether a query that reads the one reads the other unchanged.
fn same_columns(old: &EntryKind, new: &EntryKind) -> bool {
    let shape = |kind: &EntryKind| -> Vec<_> {
        kind.columns().iter().map(|c| (c.name.clone(), c.data_type.clone(), c.nullable)).collect()
    };
    let key = |kind: &EntryKind| kind.stream_schema().and_then(|schema| schema.keyed.clone());
    shape(old) == shape(new) && key(old) == key(new)
}
