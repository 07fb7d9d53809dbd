//! SQL statements other than queries: what changes the catalog, and what writes to tables.

mod ddl;
mod drop;
mod indexes;
mod load;
mod run;
mod set;
mod views;
mod write;

pub(crate) use ddl::open_stream;
pub(crate) use run::run;
