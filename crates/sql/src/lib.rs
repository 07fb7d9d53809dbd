//! SQL: the DDL dialect, the catalog, planning, functions. Owns DataFusion: other crates reach it as `highwater_sql::datafusion`.

mod aggregates;
mod catalog;
mod declare;
mod functions;
mod names;
mod parse;
mod planner;
mod relation;
mod source;
mod statement;
mod suggest;

pub use aggregates::{exact_aggregates, register_aggregates, spec_for};
pub use catalog::{
    Catalog, CatalogError, DELETED_COLUMN, Entry, EntryKind, Face, IndexColumn, PUBLIC_SCHEMA, REJECTS_SUFFIX,
    Replaced, Resolved, SYSTEM_SCHEMA, is_system_schema, rejects_schema,
};
pub use datafusion;
pub use declare::{Altered, Evolution, alter, evolve, sql_type, stream_sql};
#[cfg(feature = "fuzzing")]
pub use parse::fuzz_parse;
pub use parse::{byte_size, duration, parse};
pub use planner::{
    Equality, PANE, Past, PlainView, PlannedIndex, Planner, Relations, TableWrite, ViewQuery, ViewRead, equalities,
};
pub use relation::{RelationKind, RelationSource};
pub use source::Place;
pub use statement::{
    AlterStream, CancelBuild, CancelJob, CreateIndex, CreateMaterializedView, CreateSchema, CreateStream, CreateTable,
    CreateView, Delete, Drop, DropKind, Explain, ExplainTarget, IndexOrder, Insert, NameRef, QueryStatement,
    RelationsOf, Relationwise, ReplayRejects, Retain, SetVariable, Show, ShowKind, Statement, StreamChange, TableLoad,
    Update, WrittenColumn,
};
