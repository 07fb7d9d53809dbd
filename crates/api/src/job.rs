//! Long work in the background: audits and recomputations, with progress, cancel and results.

use serde::{Deserialize, Serialize};

/// What a job does with every relation it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Computes it again from its history and compares that with what is served.
    Audit,
    /// The same, and keeps what was computed as the relation's batch result; what is served is put right when it differs.
    Recompute,
}

impl JobKind {
    /// As SQL and system tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Recompute => "recompute",
        }
    }
}

/// Which relations a job is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobTarget {
    /// All materialized views, and for an audit all keyed streams and tables.
    All,
    /// Those of one app (schema).
    App(String),
    /// These, by `name` or `schema.name`.
    Relations(Vec<String>),
}

/// Asks for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    /// What to do.
    pub kind: JobKind,
    /// With which relations.
    pub target: JobTarget,
    /// The schema in which unqualified names are looked up first; default `public`.
    pub schema: Option<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Another job runs; this one is next.
    Waiting,
    /// At work.
    Running,
    /// Did all it was asked to; its results say with what outcome.
    Done,
    /// Given up when asked to, or because the engine stopped.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// As system tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// Its number, never given twice.
    pub id: u64,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// When it was asked for, in microseconds since 1970 UTC.
    pub started_micros: i64,
    /// When it was over.
    pub finished_micros: Option<i64>,
    /// 0 to 1.
    pub progress: f64,
    /// The relation it is at.
    pub relation: Option<String>,
    /// How many relations it is about.
    pub relations: u64,
    /// What came of those that are done, in order.
    pub results: Vec<AuditResult>,
}

/// What came of an audit, or of the comparison that a recomputation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// What is served is what its history gives, row by row.
    Equal,
    /// It is not.
    Different,
    /// They could not be compared.
    Failed,
}

impl AuditOutcome {
    /// As system tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::Failed => "failed",
        }
    }
}

/// The next offsets of a stream's partitions, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMark {
    /// The stream or table, qualified.
    pub stream: String,
    /// The next offset of each partition: all records below it count.
    pub next: Vec<u64>,
}

/// The comparison of one relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditResult {
    /// Its number, never given twice.
    pub id: u64,
    /// The job it was part of.
    pub job: u64,
    /// What that job did.
    pub kind: JobKind,
    /// The relation, qualified.
    pub relation: String,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// When it began, in microseconds since 1970 UTC.
    pub started_micros: i64,
    /// When it was over.
    pub finished_micros: i64,
    /// The version compared: the events it includes, of the streams and tables that the relation reads.
    pub mark: Vec<StreamMark>,
    /// What `now()` was in that version, in microseconds since 1970 UTC.
    pub clock_micros: i64,
    /// How many events were read.
    pub events: u64,
    /// Rows served.
    pub rows: u64,
    /// Rows that the history gives.
    pub recomputed_rows: u64,
    /// Rows that the history gives and that are not served.
    pub missing: u64,
    /// Rows served that the history does not give.
    pub extra: u64,
    /// Rows with the same key and other values.
    pub different: u64,
    /// The first of those rows.
    pub differences: Vec<Difference>,
    /// Why they could not be compared; or, of a recomputation, why what is served could not be put right.
    pub error: Option<String>,
}

impl AuditResult {
    /// How many differing rows a result holds at most.
    pub const MAX_DIFFERENCES: usize = 100;
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The history gives it; it is not served.
    Missing,
    /// It is served; the history does not give it.
    Extra,
    /// Both have its key, with other values.
    Different,
}

impl DifferenceKind {
    /// As system tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Different => "different",
        }
    }
}

/// A row's values by column, each as text or null.
pub type RowText = serde_json::Map<String, serde_json::Value>;

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// How.
    pub kind: DifferenceKind,
    /// Its key; `None` when the relation has none.
    pub key: Option<RowText>,
    /// As it is served.
    pub live: Option<RowText>,
    /// As the history gives it.
    pub recomputed: Option<RowText>,
}
