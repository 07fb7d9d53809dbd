//! What audits found, as rows: the system tables `highwater.audits` and `highwater.audit_rows`, and the answer of `AUDIT`.

use arrow_array::RecordBatch;
use highwater_api::{Answer, ApiError, AuditResult, RowText, StreamMark};

use super::table::{Table, answer};
use crate::core::Core;

/// The results of one job as the answer of its statement.
pub(crate) fn audit_answer(core: &Core, results: &[AuditResult]) -> Result<Answer, ApiError> {
    let rows: RecordBatch = audits(results).rows()?;
    Ok(answer(core, rows))
}

/// A row for each comparison.
pub(super) fn audits(results: &[AuditResult]) -> Table {
    let names = || results.iter().map(|result| split(&result.relation));
    let took = |result: &AuditResult| result.finished_micros.saturating_sub(result.started_micros) as f64 / 1e3;
    Table::default()
        .text("schema", names().map(|(schema, _)| schema))
        .text("name", names().map(|(_, name)| name))
        .text("kind", results.iter().map(|result| result.kind.name().to_owned()))
        .text("status", results.iter().map(|result| result.outcome.name().to_owned()))
        .number("rows", results.iter().map(|result| result.rows))
        .number("recomputed_rows", results.iter().map(|result| result.recomputed_rows))
        .number("missing", results.iter().map(|result| result.missing))
        .number("extra", results.iter().map(|result| result.extra))
        .number("different", results.iter().map(|result| result.different))
        .time("started", results.iter().map(|result| Some(result.started_micros)))
        .time("finished", results.iter().map(|result| Some(result.finished_micros)))
        .fraction("took_ms", results.iter().map(took))
        .number("events", results.iter().map(|result| result.events))
        .text("mark", results.iter().map(|result| mark_text(&result.mark)))
        .time("clock", results.iter().map(|result| Some(result.clock_micros)))
        .text("error", results.iter().map(|result| result.error.clone()))
        .number("audit", results.iter().map(|result| result.id))
        .number("job", results.iter().map(|result| result.job))
}

/// A row for each row that differs.
pub(super) fn audit_rows(results: &[AuditResult]) -> Table {
    let each: Vec<_> =
        results.iter().flat_map(|result| result.differences.iter().map(move |row| (result, row))).collect();
    let text = |row: &Option<RowText>| row.as_ref().and_then(|row| serde_json::to_string(row).ok());
    Table::default()
        .number("audit", each.iter().map(|(result, _)| result.id))
        .text("schema", each.iter().map(|(result, _)| split(&result.relation).0))
        .text("name", each.iter().map(|(result, _)| split(&result.relation).1))
        .text("difference", each.iter().map(|(_, row)| row.kind.name().to_owned()))
        .text("key", each.iter().map(|(_, row)| text(&row.key)))
        .text("live", each.iter().map(|(_, row)| text(&row.live)))
        .text("recomputed", each.iter().map(|(_, row)| text(&row.recomputed)))
}

/// `app.steps 12,7,0; app.users 40`: the next offset of every partition.
pub(super) fn mark_text(mark: &[StreamMark]) -> Option<String> {
    let stream = |mark: &StreamMark| {
        let next: Vec<String> = mark.next.iter().map(u64::to_string).collect();
        format!("{} {}", mark.stream, next.join(","))
    };
    (!mark.is_empty()).then(|| mark.iter().map(stream).collect::<Vec<_>>().join("; "))
}

fn split(name: &str) -> (String, String) {
    let (schema, own) = name.split_once('.').unwrap_or(("", name));
    (schema.to_owned(), own.to_owned())
}
