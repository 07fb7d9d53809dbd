//! Statements as plain data: what the parser gives and the engine carries out. Queries stay syntax trees, to be planned.

use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast;
use highwater_model::{Column, ObjectName, StreamSchema};

use crate::source::Place;

/// A name as written: perhaps qualified, with its place for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRef {
    /// The schema, if written.
    pub schema: Option<String>,
    /// The object's own name.
    pub name: String,
    /// Where it stands in the parsed text.
    pub place: Place,
}

impl NameRef {
    /// The name in the schema written, or else in `current`.
    #[must_use]
    pub fn in_schema(&self, current: &str) -> ObjectName {
        ObjectName::new(self.schema.as_deref().unwrap_or(current), &self.name)
    }
}

impl std::fmt::Display for NameRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One SQL statement. Every variant holds its own text as `sql` (without the closing `;`).
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT …`, `VALUES …`, `WITH …`.
    Query(QueryStatement),
    /// `EXPLAIN [INCREMENTAL] [ANALYZE] …`.
    Explain(Explain),
    /// `CREATE [OR REPLACE] STREAM`.
    CreateStream(CreateStream),
    /// `ALTER STREAM`.
    AlterStream(AlterStream),
    /// `CREATE [OR REPLACE] TABLE`.
    CreateTable(CreateTable),
    /// `CREATE [OR REPLACE] MATERIALIZED VIEW`.
    CreateMaterializedView(CreateMaterializedView),
    /// `CREATE [OR REPLACE] VIEW`.
    CreateView(CreateView),
    /// `CREATE INDEX … RANKED`.
    CreateIndex(CreateIndex),
    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `DROP …`.
    Drop(Drop),
    /// `SHOW …`.
    Show(Show),
    /// `INSERT INTO …`.
    Insert(Insert),
    /// `UPDATE …`.
    Update(Update),
    /// `DELETE FROM …`.
    Delete(Delete),
    /// `CANCEL BUILD`.
    CancelBuild(CancelBuild),
    /// `REPLAY REJECTS`.
    ReplayRejects(ReplayRejects),
    /// `SET [GLOBAL] name = value`.
    Set(SetVariable),
    /// `AUDIT …`.
    Audit(Relationwise),
    /// `RECOMPUTE …`.
    Recompute(Relationwise),
    /// `CANCEL JOB n`.
    CancelJob(CancelJob),
}

impl Statement {
    /// The statement's own text.
    #[must_use]
    pub fn sql(&self) -> &str {
        match self {
            Self::Query(s) => &s.sql,
            Self::Explain(s) => &s.sql,
            Self::CreateStream(s) => &s.sql,
            Self::AlterStream(s) => &s.sql,
            Self::CreateTable(s) => &s.sql,
            Self::CreateMaterializedView(s) => &s.sql,
            Self::CreateView(s) => &s.sql,
            Self::CreateIndex(s) => &s.sql,
            Self::CreateSchema(s) => &s.sql,
            Self::Drop(s) => &s.sql,
            Self::Show(s) => &s.sql,
            Self::Insert(s) => &s.sql,
            Self::Update(s) => &s.sql,
            Self::Delete(s) => &s.sql,
            Self::CancelBuild(s) => &s.sql,
            Self::ReplayRejects(s) => &s.sql,
            Self::Set(s) => &s.sql,
            Self::Audit(s) | Self::Recompute(s) => &s.sql,
            Self::CancelJob(s) => &s.sql,
        }
    }

    /// Whether it only reads.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::Query(_) | Self::Explain(_) | Self::Show(_) => true,
            Self::Set(set) => !set.global,
            _ => false,
        }
    }

    /// The command tag, as PostgreSQL would say it (without row counts).
    #[must_use]
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Query(_) => "SELECT",
            Self::Explain(_) => "EXPLAIN",
            Self::CreateStream(_) => "CREATE STREAM",
            Self::AlterStream(_) => "ALTER STREAM",
            Self::CreateTable(_) => "CREATE TABLE",
            Self::CreateMaterializedView(_) => "CREATE MATERIALIZED VIEW",
            Self::CreateView(_) => "CREATE VIEW",
            Self::CreateIndex(_) => "CREATE INDEX",
            Self::CreateSchema(_) => "CREATE SCHEMA",
            Self::Drop(drop) => drop.kind.tag(),
            Self::Show(_) => "SHOW",
            Self::Insert(_) => "INSERT",
            Self::Update(_) => "UPDATE",
            Self::Delete(_) => "DELETE",
            Self::CancelBuild(_) => "CANCEL BUILD",
            Self::ReplayRejects(_) => "REPLAY REJECTS",
            Self::Set(_) => "SET",
            Self::Audit(_) => "AUDIT",
            Self::Recompute(_) => "RECOMPUTE",
            Self::CancelJob(_) => "CANCEL JOB",
        }
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryStatement {
    /// Its text.
    pub sql: String,
    /// Its syntax tree; places in it are of the whole parsed text.
    pub query: Box<ast::Query>,
}

/// What is explained.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplainTarget {
    /// A query or a `CREATE MATERIALIZED VIEW`, which is not carried out.
    Statement(Box<Statement>),
    /// A view by name (`EXPLAIN INCREMENTAL daily_steps`).
    View(NameRef),
}

/// `EXPLAIN`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// Its text.
    pub sql: String,
    /// `INCREMENTAL`: show the operators that would maintain it.
    pub incremental: bool,
    /// `ANALYZE`: run it and show measurements.
    pub analyze: bool,
    /// What is explained.
    pub inner: ExplainTarget,
}

/// `CREATE STREAM`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateStream {
    /// Its text.
    pub sql: String,
    /// The stream's name.
    pub name: NameRef,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Everything declared.
    pub schema: StreamSchema,
}

/// `ALTER STREAM`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterStream {
    /// Its text.
    pub sql: String,
    /// The stream.
    pub name: NameRef,
    /// What is to change, in order.
    pub changes: Vec<StreamChange>,
    /// `CASCADE`: materialized views that read what changes are computed anew.
    pub cascade: bool,
}

/// A change of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamChange {
    /// `ADD COLUMN`.
    AddColumn {
        /// The column as declared.
        column: Column,
        /// Where it stands.
        place: Place,
        /// Where `PATH` was written.
        path_place: Option<Place>,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `ALTER COLUMN … TYPE`.
    SetType {
        /// The column.
        column: WrittenColumn,
        /// Its new type.
        data_type: DataType,
    },
    /// `ALTER COLUMN … DROP NOT NULL`.
    DropNotNull {
        /// The column.
        column: WrittenColumn,
    },
    /// `SET (retention = …)`, in microseconds; `RESET (retention)`.
    Retention(Option<i64>),
    /// `SET (retention_bytes = …)`; `RESET (retention_bytes)`.
    RetentionBytes(Option<u64>),
    /// `SET (lateness = …)`; `RESET (lateness)`.
    Lateness {
        /// How late events may come, in microseconds.
        micros: Option<i64>,
        /// Where it stands.
        place: Place,
    },
    /// `SET (idle = …)`.
    Idle {
        /// After so many microseconds without events a partition holds nothing up.
        micros: i64,
        /// Where it stands.
        place: Place,
    },
    /// `SET (max_record_bytes = …)`.
    MaxRecordBytes(u32),
}

/// Rows to load into a table when it is created.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableLoad {
    /// The file, relative to the app's folder (or to the working folder for a typed statement).
    pub path: String,
    /// Field separator.
    pub delimiter: u8,
    /// Whether the first line names the fields; without, fields come in the order of the columns.
    pub header: bool,
    /// Whether fields may be quoted with `"` (RFC 4180).
    pub quoted: bool,
}

/// `CREATE TABLE`.
///
/// The schema's columns are the declared ones followed by the hidden nullable boolean `_deleted`, which marks
/// tombstones and is named by [`highwater_model::KeyedSpec::deleted`]; no version column: the latest write wins.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// Its text.
    pub sql: String,
    /// The table's name.
    pub name: NameRef,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Everything declared, and the hidden column.
    pub schema: StreamSchema,
    /// `WITH (path = …)`.
    pub load: Option<TableLoad>,
}

/// `CREATE MATERIALIZED VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateMaterializedView {
    /// Its text.
    pub sql: String,
    /// The view's name.
    pub name: NameRef,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Column names given in parentheses; empty: those of the query.
    pub columns: Vec<String>,
    /// The query.
    pub query: Box<ast::Query>,
    /// The query's text.
    pub query_sql: String,
    /// `WITH (retain = '30 days')`.
    pub retain: Option<Retain>,
}

/// How long the rows of a materialized view are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retain {
    /// How long after their time, in microseconds.
    pub micros: i64,
    /// The column that is their time; `None`: the only one that can be.
    pub by: Option<String>,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// Its text.
    pub sql: String,
    /// The view's name.
    pub name: NameRef,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Column names given in parentheses; empty: those of the query.
    pub columns: Vec<String>,
    /// The query.
    pub query: Box<ast::Query>,
    /// The query's text.
    pub query_sql: String,
}

/// A column as written, with its place for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenColumn {
    /// The column's name.
    pub name: String,
    /// Where it stands in the parsed text.
    pub place: Place,
}

/// A column that an index orders by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexOrder {
    /// The column.
    pub column: WrittenColumn,
    /// `DESC`.
    pub descending: bool,
    /// Whether NULL stands before everything else.
    pub nulls_first: bool,
}

/// `CREATE INDEX … RANKED`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// Its text.
    pub sql: String,
    /// The index's name.
    pub name: NameRef,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The relation whose rows it ranks.
    pub relation: NameRef,
    /// `PARTITION BY`; empty: all rows together.
    pub partition: Vec<WrittenColumn>,
    /// `ORDER BY`.
    pub order: Vec<IndexOrder>,
}

/// `CREATE SCHEMA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// Its text.
    pub sql: String,
    /// The schema's name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
}

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// `DROP STREAM`.
    Stream,
    /// `DROP TABLE`.
    Table,
    /// `DROP VIEW`.
    View,
    /// `DROP MATERIALIZED VIEW`.
    MaterializedView,
    /// `DROP SCHEMA`.
    Schema,
    /// `DROP INDEX`.
    Index,
}

impl DropKind {
    /// What such an object is called in messages, as [`crate::EntryKind::noun`] calls it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Schema => "schema",
            Self::Index => "ranked index",
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Stream => "DROP STREAM",
            Self::Table => "DROP TABLE",
            Self::View => "DROP VIEW",
            Self::MaterializedView => "DROP MATERIALIZED VIEW",
            Self::Schema => "DROP SCHEMA",
            Self::Index => "DROP INDEX",
        }
    }
}

/// `DROP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Its text.
    pub sql: String,
    /// What kind of object.
    pub kind: DropKind,
    /// Which ones.
    pub names: Vec<NameRef>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`: dependents too.
    pub cascade: bool,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShowKind {
    /// `SHOW STREAMS`.
    Streams,
    /// `SHOW TABLES`.
    Tables,
    /// `SHOW VIEWS`: plain views.
    Views,
    /// `SHOW MATERIALIZED VIEWS`.
    MaterializedViews,
    /// `SHOW SCHEMAS`.
    Schemas,
    /// `SHOW JOBS`.
    Jobs,
    /// `SHOW INDEXES`.
    Indexes,
    /// `SHOW COLUMNS FROM x` or `DESCRIBE x`.
    Columns(NameRef),
    /// `SHOW CREATE [kind] x`.
    Create(NameRef),
    /// `SHOW name`: a session variable (`search_path`, `timezone`, …).
    Variable(String),
}

/// `SHOW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// Its text.
    pub sql: String,
    /// What is shown.
    pub kind: ShowKind,
    /// `FROM schema`: only what is in it.
    pub in_schema: Option<String>,
}

/// `INSERT INTO table [(columns)] query`.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// Its text.
    pub sql: String,
    /// The table.
    pub table: NameRef,
    /// Columns written, in order; empty: all.
    pub columns: Vec<ast::Ident>,
    /// The rows.
    pub source: Box<ast::Query>,
}

/// `UPDATE table SET column = value, … [WHERE …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Its text.
    pub sql: String,
    /// The table.
    pub table: NameRef,
    /// The alias by which expressions call it, if any.
    pub alias: Option<ast::Ident>,
    /// Columns and their new values.
    pub assignments: Vec<(ast::Ident, ast::Expr)>,
    /// Which rows; `None`: all.
    pub filter: Option<ast::Expr>,
}

/// `DELETE FROM table [WHERE …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// Its text.
    pub sql: String,
    /// The table.
    pub table: NameRef,
    /// The alias by which the condition calls it, if any.
    pub alias: Option<ast::Ident>,
    /// Which rows; `None`: all.
    pub filter: Option<ast::Expr>,
}

/// `CANCEL BUILD view`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelBuild {
    /// Its text.
    pub sql: String,
    /// The view.
    pub view: NameRef,
}

/// `REPLAY REJECTS OF stream [WHERE …]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayRejects {
    /// Its text.
    pub sql: String,
    /// The stream.
    pub stream: NameRef,
    /// Which rejects, over the columns of `<stream>_rejects`; `None`: all.
    pub filter: Option<ast::Expr>,
}

/// `SET [GLOBAL] name = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVariable {
    /// Its text.
    pub sql: String,
    /// `GLOBAL`: for the whole process, not for a session.
    pub global: bool,
    /// Variable, lower case.
    pub name: String,
    /// Value as text.
    pub value: String,
}

/// Which relations a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationsOf {
    /// `ALL`.
    All,
    /// `APP name`: those of a schema.
    App(String),
    /// By their names.
    These(Vec<NameRef>),
}

/// `AUDIT …` and `RECOMPUTE …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationwise {
    /// Its text.
    pub sql: String,
    /// Which relations.
    pub of: RelationsOf,
}

/// `CANCEL JOB n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelJob {
    /// Its text.
    pub sql: String,
    /// The job's number.
    pub job: u64,
}
