//! Nexmark, the field's benchmark of streaming SQL: 23 queries over people, auctions and bids (`sql/`), each kept as a
//! materialized view while the events of the `nexmark` crate's generator come in, then compared with the same SQL
//! evaluated as one batch.

mod check;
mod events;
mod queries;
mod results;
mod run;

pub use results::{NexmarkOutcome, NexmarkQuery, NexmarkResult};
pub(crate) use run::{NexmarkPlan, nexmark};
