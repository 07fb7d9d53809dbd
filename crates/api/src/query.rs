//! Questions and answers: SQL and reads of one view. An answer is one consistent version.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::Stream;
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// Batches of rows as they are computed. Dropping it cancels the computation.
pub type RowStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, ApiError>> + Send>>;

/// Rows with their schema and the version they were read at.
pub struct Answer {
    /// Schema of every batch.
    pub schema: SchemaRef,
    /// The rows.
    pub rows: RowStream,
    /// The version read; equal tags, equal answers to the same question.
    pub version: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).field("version", &self.version).finish_non_exhaustive()
    }
}

/// Limits of one SQL request; passing one is an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlLimits {
    /// Wall time from start to last row.
    pub timeout: Duration,
    /// Rows answered at most.
    pub max_rows: u64,
    /// Memory the evaluation may hold, in bytes.
    pub max_memory_bytes: u64,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), max_rows: 10_000_000, max_memory_bytes: 1 << 30 }
    }
}

/// One or more SQL statements, separated by `;`. They run in order; the last one's answer is given.
/// A statement that fails stops the run; those before it stay done.
#[derive(Clone, Debug)]
pub struct SqlRequest {
    /// The text.
    pub sql: String,
    /// The schema in which unqualified names are looked up first and created; default `public`.
    pub schema: Option<String>,
    /// Limits.
    pub limits: SqlLimits,
    /// Whether statements that change anything are refused.
    pub read_only: bool,
}

/// What a SQL request gives.
#[derive(Debug)]
pub enum SqlAnswer {
    /// A query's rows.
    Rows(Answer),
    /// A command was carried out: its tag (`CREATE MATERIALIZED VIEW`, `INSERT 3`, …) and rows changed.
    Done {
        /// As PostgreSQL would say it.
        tag: String,
        /// Rows inserted, updated or deleted.
        rows: u64,
        /// What the user should know besides.
        notices: Vec<String>,
    },
}

/// A read of one view, table or keyed stream's current rows.
#[derive(Clone, Debug, Default)]
pub struct ViewRequest {
    /// `name` or `schema.name`.
    pub view: String,
    /// A SQL boolean expression over its columns.
    pub filter: Option<String>,
    /// A SQL `ORDER BY` list, such as `steps DESC, uuid`.
    pub order: Option<String>,
    /// Rows at most.
    pub limit: Option<u64>,
    /// Rows skipped first.
    pub offset: Option<u64>,
    /// Limits; default as for SQL.
    pub limits: SqlLimits,
}

/// What a read gives.
#[derive(Debug)]
pub struct ViewAnswer {
    /// The rows.
    pub answer: Answer,
}
