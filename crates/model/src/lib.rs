//! The words of Highwater as plain types: identifiers, offsets, stream schemas, event and change batches,
//! diagnostics and the clock. Every other crate builds on this one; it knows no storage, no SQL, no network.

mod batch;
mod clock;
mod diagnostic;
mod ids;
mod offsets;
mod records;
mod schema;

pub use batch::{ChangeBatch, EventBatch, Weights};
pub use clock::{Clock, ManualClock, SystemClock};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ids::{ObjectId, ObjectName, PartitionId};
pub use offsets::{Offset, Offsets, PartitionRange};
pub use records::{Records, RecordsBuilder};
pub use schema::{
    Added, Column, Format, JsonPath, KeyedSpec, Lateness, Retention, StreamSchema, SystemColumn, TimeEncoding,
    micros_utc, nanos_utc,
};
