//! Which events count: the consistent point at which a relation is computed again.

use std::collections::HashMap;
use std::sync::Arc;

use highwater_model::{ObjectId, Offsets};

use super::watched::Seen;

/// A consistent point in the history of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cut {
    /// The events that count, of every stream and table.
    pub(crate) offsets: Arc<Offsets>,
    /// What `now()` is in the views, in microseconds since 1970 UTC; `None` when that is not known.
    pub(crate) clock_micros: Option<i64>,
    /// The offsets at which views looked rows up in tables, where those are not [`Cut::offsets`].
    pub(crate) looked_up: HashMap<ObjectId, Arc<Offsets>>,
    /// Of those events only the ones accepted by then, in microseconds since 1970 UTC.
    pub(crate) accepted_by: Option<i64>,
    /// Whether the archive may hold events beyond those offsets, of which it is to be held back.
    pub(crate) archived: bool,
    /// Counts the events as they are read.
    pub(crate) seen: Arc<Seen>,
}
