//! From a name as written to an object: the search path, virtual relations, and what was probably meant.

use highwater_model::ObjectName;

use super::{Catalog, CatalogError, Entry, EntryKind, Face, PUBLIC_SCHEMA, REJECTS_SUFFIX};
use crate::statement::NameRef;
use crate::suggest;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// The object.
    pub entry: &'a Entry,
    /// Which relation of it.
    pub face: Face,
}

impl Catalog {
    /// Resolves a relation's name. Unqualified names are looked up in `current`, then `public`, then in all schemas,
    /// where one fit is taken and several are ambiguous. `<stream>_rejects` is a stream's rejected records.
    ///
    /// # Errors
    /// [`CatalogError::Unknown`], [`CatalogError::UnknownSchema`], [`CatalogError::Ambiguous`].
    pub fn resolve(&self, schema: Option<&str>, name: &str, current: &str) -> Result<Resolved<'_>, CatalogError> {
        match self.find(schema, name, current) {
            Ok(entry) => Ok(Resolved { entry, face: Face::Default }),
            Err(CatalogError::Unknown { .. }) if name.ends_with(REJECTS_SUFFIX) => {
                let stream = name.strip_suffix(REJECTS_SUFFIX).unwrap_or(name);
                match self.find(schema, stream, current) {
                    Ok(entry) if matches!(entry.kind, EntryKind::Stream { .. }) => {
                        Ok(Resolved { entry, face: Face::Rejects })
                    }
                    Err(ambiguous @ CatalogError::Ambiguous { .. }) => Err(ambiguous),
                    _ => Err(self.unknown(schema, name, "relation")),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Finds an object by a name as written, along the same path.
    ///
    /// # Errors
    /// As [`Catalog::resolve`].
    pub fn find(&self, schema: Option<&str>, name: &str, current: &str) -> Result<&Entry, CatalogError> {
        if let Some(schema) = schema {
            self.check_schema(schema)?;
            return self
                .by_name(&ObjectName::new(schema, name))
                .ok_or_else(|| self.unknown(Some(schema), name, "relation"));
        }
        for schema in [current, PUBLIC_SCHEMA] {
            if let Some(entry) = self.by_name(&ObjectName::new(schema, name)) {
                return Ok(entry);
            }
        }
        let fits: Vec<&Entry> = self.entries().filter(|entry| entry.name.name == name).collect();
        match fits.as_slice() {
            [entry] => Ok(entry),
            [] => Err(self.unknown(None, name, "relation")),
            many => {
                let candidates = many.iter().map(|entry| entry.name.clone()).collect();
                Err(CatalogError::Ambiguous { name: name.to_owned(), candidates })
            }
        }
    }

    /// Finds an object that must be of a kind (see [`EntryKind::noun`]), for `DROP` and the like.
    ///
    /// # Errors
    /// As [`Catalog::resolve`], and [`CatalogError::WrongKind`].
    pub fn find_kind(&self, name: &NameRef, noun: &'static str, current: &str) -> Result<&Entry, CatalogError> {
        let entry = self.find(name.schema.as_deref(), &name.name, current)?;
        if entry.kind.noun() == noun {
            return Ok(entry);
        }
        Err(CatalogError::WrongKind { name: entry.name.clone(), is: entry.kind.noun(), wanted: noun })
    }

    /// That there is nothing of this name, with what was probably meant.
    #[must_use]
    pub fn unknown(&self, schema: Option<&str>, name: &str, what: &'static str) -> CatalogError {
        let in_schema = self.entries().filter(|entry| schema.is_none_or(|schema| entry.name.schema == schema));
        let names: Vec<&str> = in_schema.map(|entry| entry.name.name.as_str()).collect();
        let near = suggest::nearest(name, names).map(str::to_owned).or_else(|| {
            // A right name in the wrong schema.
            self.entries().find(|entry| entry.name.name == name).map(|entry| entry.name.to_string())
        });
        let name = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        CatalogError::Unknown { what, name, near }
    }
}
