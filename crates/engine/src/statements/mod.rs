//! SQL statements other than queries: what changes the catalog, and what writes to tables.

mod alter;
mod ddl;
mod drop;
mod indexes;
mod jobs;
mod load;
mod replay;
mod run;
mod set;
mod views;
mod write;

pub(crate) use ddl::open_stream;
pub(crate) use replay::replay;
pub(crate) use run::run;
