//! Names with a meaning of their own: system schemas, hidden columns, suffixes.

/// The hidden column of tables that marks tombstones; it is the last one of a table's stream schema.
pub const DELETED_COLUMN: &str = "_deleted";

/// The schema that is always there, for what belongs to no app.
pub const PUBLIC_SCHEMA: &str = "public";

/// The schema of system tables.
pub const SYSTEM_SCHEMA: &str = "highwater";

/// What the relation of a stream's rejected records is called: the stream's name and this.
pub const REJECTS_SUFFIX: &str = "_rejects";

/// Whether a schema is the system's, so that users create nothing in it.
#[must_use]
pub fn is_system_schema(schema: &str) -> bool {
    [SYSTEM_SCHEMA, "information_schema", "pg_catalog"].contains(&schema)
}
