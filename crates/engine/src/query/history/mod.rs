//! Relations computed from nothing but events: what a view, a keyed stream or a table was at any offsets, by DataFusion
//! and without the incremental operators. Audits compare it with what is served; recomputation stores it; `FOR
//! SYSTEM_TIME AS OF` reads it.

mod current;
mod cut;
mod moment;
mod order;
mod past;
mod relation;
mod run;
mod watched;

pub(crate) use cut::Cut;
pub(super) use past::past;
pub(super) use relation::is_settled;
pub(crate) use relation::{History, inputs_of};
pub(crate) use run::{Evaluation, evaluate};
pub(crate) use watched::Seen;
pub(super) use watched::watch;
