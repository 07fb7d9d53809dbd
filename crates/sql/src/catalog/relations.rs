//! The faces of an object as relations: which columns a query sees.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use highwater_model::{SystemColumn, micros_utc};

use super::{Entry, EntryKind};
use crate::relation::{RelationKind, RelationSource};

/// Which relation of an object is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// `FROM x`: a plain stream's events, the current rows of a keyed stream or table, a view's rows.
    Default,
    /// `FROM HISTORY(s)`: every event of a stream; of a table every change, which the planner reads for lookups of what it was.
    History,
    /// `FROM s_rejects`: the records of a stream that could not be decoded.
    Rejects,
}

/// The columns of `<stream>_rejects`: when it was rejected, the number, byte and line of the record in its request
/// (from 0, 0 and 1), the column at fault, the reason, the record itself (`utf8` as it is, else `base64`), how the request
/// was written (NULL when that was not kept), when it was replayed (NULL when it was not), and its offset among the
/// rejects.
#[must_use]
pub fn rejects_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("rejected_at", micros_utc(), false),
        Field::new("record", DataType::Int64, true),
        Field::new("byte", DataType::Int64, true),
        Field::new("line", DataType::Int64, true),
        Field::new("column", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, false),
        Field::new("raw", DataType::Utf8, false),
        Field::new("encoding", DataType::Utf8, false),
        Field::new("format", DataType::Utf8, true),
        Field::new("replayed_at", micros_utc(), true),
        Field::new("_offset", DataType::Int64, false),
    ]))
}

impl Entry {
    /// Whether queries can name this face of it: `History` and `Rejects` belong to streams.
    #[must_use]
    pub fn has_face(&self, face: Face) -> bool {
        face == Face::Default || matches!(self.kind, EntryKind::Stream { .. })
    }

    /// The columns a query sees.
    #[must_use]
    pub fn relation_schema(&self, face: Face) -> SchemaRef {
        if face == Face::Rejects {
            return rejects_schema();
        }
        match &self.kind {
            EntryKind::Stream { schema } => schema.arrow_with_system(),
            EntryKind::Table { schema, .. } if face == Face::History => schema.arrow_with_system(),
            kind => {
                let fields: Vec<Field> =
                    kind.columns().iter().map(|c| Field::new(&c.name, c.data_type.clone(), c.nullable)).collect();
                Arc::new(Schema::new(fields))
            }
        }
    }

    /// The leaf by which plans for maintenance read this object; `None` for plain views and rejects, which are none.
    #[must_use]
    pub fn relation_source(&self, face: Face) -> Option<RelationSource> {
        let (kind, key) = match (&self.kind, face) {
            (_, Face::Rejects) | (EntryKind::View { .. } | EntryKind::Index { .. }, _) => return None,
            (EntryKind::Stream { schema } | EntryKind::Table { schema, .. }, face) => match (&schema.keyed, face) {
                (Some(keyed), Face::Default) => (RelationKind::Current, keyed.key.clone()),
                _ => {
                    let system = |column| {
                        schema.columns.len() + SystemColumn::ALL.iter().position(|c| *c == column).unwrap_or(0)
                    };
                    (RelationKind::Events, vec![system(SystemColumn::Partition), system(SystemColumn::Offset)])
                }
            },
            (EntryKind::MaterializedView { key, .. }, Face::Default) => (RelationKind::MaterializedView, key.clone()),
            (EntryKind::MaterializedView { .. }, Face::History) => return None,
        };
        let is_table = matches!(self.kind, EntryKind::Table { .. }) && face == Face::Default;
        Some(RelationSource {
            id: self.id,
            name: self.name.clone(),
            kind,
            is_table,
            schema: self.relation_schema(face),
            key,
        })
    }
}
