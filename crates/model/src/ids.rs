//! Identifiers. An `ObjectId` names a stream, table or view for its whole life, whatever its SQL name becomes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A catalog object (stream, table, view) for life. Never reused within one data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(pub u32);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A partition of a stream's log, counted from 0.
///
/// [`PartitionId::REJECTS`] is the hidden partition of every stream that keeps the records which could not be
/// decoded; it lives in the same log so that a request's good and bad records become durable together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u32);

impl PartitionId {
    /// The hidden partition of rejected records.
    pub const REJECTS: PartitionId = PartitionId(u32::MAX);

    /// Whether this is the hidden partition of rejected records.
    #[must_use]
    pub fn is_rejects(self) -> bool {
        self == Self::REJECTS
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_rejects() { f.write_str("rejects") } else { write!(f, "{}", self.0) }
    }
}

/// A qualified SQL name: the schema (one per app; `public` for what belongs to none) and the object's own name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectName {
    /// The schema: an app's name, `public` or `highwater`.
    pub schema: String,
    /// The object's own name.
    pub name: String,
}

impl ObjectName {
    /// A name in a schema.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}
