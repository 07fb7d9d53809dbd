//! `GET /v1/doctor`: what is not as it should be in the running server, and what to do about it, in one answer. It reads
//! what the engine tells of itself; the bytes of a data folder are checked by `highwater doctor` while nothing serves it.

use axum::Json;
use axum::extract::State;
use futures::StreamExt;
use highwater_api::{EngineStatus, SqlAnswer, SqlRequest, ViewState};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::encode::rows_json;

/// A server whose memory is fuller than that is told of.
const FULL: f64 = 0.9;
/// Relations whose archive has failed.
const ARCHIVES: &str = "SELECT schema || '.' || name AS name, archive_error AS error FROM highwater.streams \
    WHERE archive_error IS NOT NULL ORDER BY 1";
/// Relations whose last audit did not find them equal.
const AUDITS: &str = "SELECT schema || '.' || name AS name, status, error FROM (SELECT schema, name, status, error, \
    row_number() OVER (PARTITION BY schema, name ORDER BY audit DESC) AS nth FROM highwater.audits) AS latest \
    WHERE nth = 1 AND status <> 'equal' ORDER BY 1";

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkup)]
pub(crate) struct CheckupDocument {
    /// Nothing is wrong: there is no finding of severity `error`.
    sound: bool,
    /// The worst first.
    findings: Vec<FoundDocument>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckupFinding)]
pub(crate) struct FoundDocument {
    #[schema(inline)]
    severity: Severity,
    /// The relation, or the part of the server.
    #[schema(example = "rankmysteps.daily_steps")]
    part: String,
    /// What is wrong.
    what: String,
    /// What to do next.
    next: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Something is not served, or served wrongly.
    Error,
    /// It is served, and somebody should look.
    Warning,
}

/// Looks for what is wrong.
///
/// Views that have failed, memory that is full, records that were rejected and not replayed, archives that cannot be
/// written, relations that an audit found different. The bytes on disk are checked by `highwater doctor` while the
/// server is stopped.
#[utoipa::path(get, path = "/v1/doctor", operation_id = "doctor", tag = "operations",
    responses((status = 200, description = "What was found.", body = CheckupDocument)))]
pub(crate) async fn doctor(State(app): State<App>) -> Json<CheckupDocument> {
    let status = app.engine.status();
    let mut findings = of_status(&status);
    let readiness = app.engine.readiness();
    if !readiness.ready {
        let next = "wait if it is starting; else the log of the server says why";
        findings.push(found(Severity::Error, "the server", readiness.detail, next));
    }
    for stream in status.streams.iter().filter(|stream| stream.rejects > 0) {
        findings.extend(rejects(&app, &stream.name, stream.rejects).await);
    }
    findings.extend(
        of_rows(&app, ARCHIVES, |row| {
            let what = format!("its events cannot be archived: {}", text(row, "error"));
            found(
                Severity::Error,
                text(row, "name"),
                what,
                "make room or mend the storage; it is tried again by itself",
            )
        })
        .await,
    );
    findings.extend(
        of_rows(&app, AUDITS, |row| match text(row, "status").as_str() {
            "different" => found(
                Severity::Error,
                text(row, "name"),
                "its last audit found rows that differ from its history".to_owned(),
                "look at highwater.audit_rows, and report it; CREATE OR REPLACE computes it anew",
            ),
            _ => found(
                Severity::Warning,
                text(row, "name"),
                format!("its last audit did not end: {}", text(row, "error")),
                "audit it again",
            ),
        })
        .await,
    );
    findings.sort_by(|a, b| (a.severity, &a.part).cmp(&(b.severity, &b.part)));
    let sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    Json(CheckupDocument { sound, findings })
}

fn found(severity: Severity, part: impl Into<String>, what: String, next: &str) -> FoundDocument {
    FoundDocument { severity, part: part.into(), what, next: next.to_owned() }
}

/// What the engine's own figures show.
fn of_status(status: &EngineStatus) -> Vec<FoundDocument> {
    let mut findings = Vec::new();
    for view in status.views.iter().filter(|view| view.state == ViewState::Failed) {
        let what = format!("it has failed: {}", view.error.as_deref().unwrap_or("no reason was told"));
        let next = "correct its query by CREATE OR REPLACE MATERIALIZED VIEW, or drop it";
        findings.push(found(Severity::Error, &view.name, what, next));
    }
    let memory = &status.memory;
    if let Some(limit) = memory.limit.filter(|limit| memory.held as f64 > *limit as f64 * FULL) {
        let largest = memory.largest.first().and_then(|holder| holder.relation.as_deref()).unwrap_or("the engine");
        let what = format!("{} of {limit} bytes are held, most by {largest}", memory.held);
        let next = "raise memory_limit, or let views retain less";
        findings.push(found(Severity::Error, "memory", what, next));
    }
    if memory.refused > 0 {
        let what = format!("{} requests found no room since the start", memory.refused);
        findings.push(found(Severity::Warning, "memory", what, "raise memory_limit, or let views retain less"));
    }
    findings
}

/// Rejected records that nobody has replayed.
async fn rejects(app: &App, stream: &str, held: u64) -> Option<FoundDocument> {
    let quoted: Vec<String> = stream.split('.').map(|part| part.replace('"', "\"\"")).collect();
    let name = format!("\"{}_rejects\"", quoted.join("\".\""));
    let counted = rows(app, &format!("SELECT count(*) AS waiting FROM {name} WHERE replayed_at IS NULL")).await;
    // When they cannot be counted, all are told of.
    let waiting = counted.ok().and_then(|rows| rows.first()?.get("waiting")?.as_u64()).unwrap_or(held);
    let what = format!("{waiting} records were rejected");
    let next = "look at its rejects on the page Data; after ALTER STREAM they can be replayed there";
    (waiting > 0).then(|| found(Severity::Warning, stream, what, next))
}

/// A finding for each row of a query; one more when it cannot be asked.
async fn of_rows(app: &App, sql: &str, each: impl Fn(&Value) -> FoundDocument) -> Vec<FoundDocument> {
    match rows(app, sql).await {
        Ok(rows) => rows.iter().map(each).collect(),
        Err(error) => {
            vec![found(Severity::Warning, "the server", format!("not all could be looked at: {error}"), "ask again")]
        }
    }
}

async fn rows(app: &App, sql: &str) -> Result<Vec<Value>, String> {
    let request = SqlRequest { sql: sql.to_owned(), schema: None, limits: app.settings.sql_limits, read_only: true };
    let SqlAnswer::Rows(mut answer) = app.engine.sql(request).await.map_err(|error| error.to_string())? else {
        return Ok(Vec::new());
    };
    let mut batches = Vec::new();
    while let Some(batch) = answer.rows.next().await {
        batches.push(batch.map_err(|error| error.to_string())?);
    }
    let text = rows_json(&batches).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn text(row: &Value, column: &str) -> String {
    row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
}
