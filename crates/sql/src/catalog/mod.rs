//! The catalog: every stream, table and view with what it is made from. A plain model; the engine keeps it on disk.

mod entry;
mod error;
mod lookup;
mod model;
mod relations;
mod reserved;

pub use entry::{Entry, EntryKind, IndexColumn};
pub use error::CatalogError;
pub use lookup::Resolved;
pub use model::{Catalog, Replaced};
pub use relations::{Face, rejects_schema};
pub use reserved::{DELETED_COLUMN, PUBLIC_SCHEMA, REJECTS_SUFFIX, SYSTEM_SCHEMA, is_system_schema};
