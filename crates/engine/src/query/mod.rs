//! The read side: SQL queries, reads of one view, `EXPLAIN` and `SHOW`, each over one version of all relations.

mod audits;
mod bind;
mod depends;
mod errors;
mod execute;
mod explain;
mod history;
mod keys;
mod limits;
mod point;
mod ranked;
mod relations;
mod scan_archive;
mod scan_batches;
mod scan_snapshot;
mod scan_stream;
mod show;
mod source;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use audits::audit_answer;
pub(crate) use depends::{Depends, depends};
pub(crate) use execute::{collect_plan, run_query};
pub(crate) use explain::explain;
pub(crate) use history::{Cut, Evaluation, History, Seen, evaluate, inputs_of};
pub(crate) use ranked::RankedViews;
pub(crate) use relations::unbound_relations;
pub(crate) use scan_archive::archived_rows;
pub(crate) use show::show;
pub(crate) use view::read_view;
