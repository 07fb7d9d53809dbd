//! Names as doors give them: `name` or `schema.name`.

use highwater_api::{ApiError, ErrorKind};
use highwater_sql::{Catalog, Entry, PUBLIC_SCHEMA};

use crate::error::catalog_error;

/// The catalog entry a door means.
pub(crate) fn resolve<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Entry, ApiError> {
    let (schema, name) = match name.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, name),
    };
    if name.is_empty() || schema.is_some_and(str::is_empty) {
        return Err(ApiError::new(ErrorKind::InvalidInput, "a name is written name or schema.name"));
    }
    catalog.find(schema, name, PUBLIC_SCHEMA).map_err(|error| catalog_error(&error))
}
