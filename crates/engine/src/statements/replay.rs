//! `REPLAY REJECTS OF stream [WHERE …]`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use highwater_api::{ApiError, ErrorKind, ReplayReport, ReplayRequest, SqlLimits};
use highwater_sql::{PUBLIC_SCHEMA, ReplayRejects, Statement, parse};

use super::run::Done;
use crate::core::Core;
use crate::error::catalog_error;
use crate::query;
use crate::replay as rejects;

/// Replays the rejects that a statement means.
pub(super) async fn replay_rejects(
    core: &Arc<Core>,
    statement: &ReplayRejects,
    text: &str,
    schema: &str,
    limits: &SqlLimits,
) -> Result<ReplayReport, ApiError> {
    let (id, plan) = {
        let catalog = core.catalog.read();
        let entry = catalog.find_kind(&statement.stream, "stream", schema).map_err(|error| catalog_error(&error))?;
        let plan = statement
            .filter
            .as_ref()
            .map(|filter| core.planner.plan_rejects(entry, filter, text, &catalog, &query::unbound_relations(core)));
        (entry.id, plan.transpose()?)
    };
    let wanted = match plan {
        None => None,
        Some(plan) => {
            let rows = query::collect_plan(core, plan, limits).await?;
            let offsets = rows.iter().filter_map(|rows| rows.column(0).as_primitive_opt::<Int64Type>());
            let mut offsets: Vec<u64> =
                offsets.flat_map(|of| of.values().iter().map(|of| of.cast_unsigned())).collect();
            offsets.sort_unstable();
            Some(offsets)
        }
    };
    rejects::replay(core, id, wanted).await
}

/// Replays what a door asks for: the same as by the statement.
pub(crate) async fn replay(core: &Arc<Core>, request: &ReplayRequest) -> Result<ReplayReport, ApiError> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let name: Vec<String> = request.stream.splitn(2, '.').map(quoted).collect();
    let condition = request.filter.as_ref().map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
    let text = format!("REPLAY REJECTS OF {}{condition}", name.join("."));
    match parse(&text)?.as_slice() {
        [Statement::ReplayRejects(statement)] => {
            replay_rejects(core, statement, &text, PUBLIC_SCHEMA, &SqlLimits::default()).await
        }
        _ => Err(ApiError::new(ErrorKind::InvalidInput, "the condition is more than one expression")),
    }
}

/// What a report says as the outcome of a statement.
pub(super) fn done(report: &ReplayReport) -> Done {
    let ReplayReport { stream, replayed, events, refused, replayed_before, refusals } = report;
    let mut notices =
        vec![format!("{replayed} rejects of {stream} became {events} events; {refused} are refused still")];
    if *replayed_before > 0 {
        notices.push(format!("{replayed_before} had become events before"));
    }
    notices.extend(
        refusals.first().map(|first| format!("the first one refused, _offset {}: {}", first.offset, first.reason)),
    );
    Done { rows: *replayed, notices }
}
