//! The dataflow: all keyed streams, tables and materialized views of an engine, moved on together tick by tick.

mod build;
mod event_time;
mod flow;
mod keyed;
mod moment;
mod pipeline;
mod ranks;
mod relations;
mod saved;
mod widen;

pub use build::Build;
pub use event_time::EventTime;
pub use flow::{Dataflow, TickReport, ViewFigures};
pub use pipeline::{ViewPlan, ViewSpec};
pub use ranks::RankBuild;
pub use relations::{Reader, Relations};
pub use saved::Saving;
pub use widen::Widening;
