//! Subscriptions: a snapshot of a view, then its changes, coalesced so that a slow reader never slows the engine.

use std::pin::Pin;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::Stream;

use crate::ApiError;

/// Asks for a view's rows and then its changes.
#[derive(Clone, Debug, Default)]
pub struct SubscribeRequest {
    /// `name` or `schema.name` of a materialized view, table or keyed stream.
    pub view: String,
    /// A SQL boolean expression over its columns; only matching rows are sent.
    pub filter: Option<String>,
    /// The version of the last event the reader saw. If the changes since are still held, they are sent
    /// instead of a snapshot.
    pub resume_from: Option<String>,
}

/// One event of a subscription.
#[derive(Clone, Debug)]
pub enum ChangeEvent {
    /// All rows at a version; what the reader held before is void.
    Snapshot {
        /// The version; the event's id.
        version: String,
        /// The rows.
        rows: Vec<RecordBatch>,
    },
    /// What changed since the last event, net: rows removed and rows added.
    Changes {
        /// The version after the changes; the event's id.
        version: String,
        /// Rows that are gone.
        removed: Vec<RecordBatch>,
        /// Rows that are new.
        added: Vec<RecordBatch>,
    },
}

/// The events of a subscription, with the schema of their rows. Dropping it ends the subscription.
pub struct ChangeStream {
    /// Schema of the rows.
    pub schema: SchemaRef,
    /// Indexes of the columns that identify a row; empty when the view has no key.
    pub key: Vec<usize>,
    /// The events.
    pub events: Pin<Box<dyn Stream<Item = Result<ChangeEvent, ApiError>> + Send>>,
}

impl std::fmt::Debug for ChangeStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeStream").field("schema", &self.schema).field("key", &self.key).finish_non_exhaustive()
    }
}
