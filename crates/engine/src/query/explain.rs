//! `EXPLAIN`: the plan of a query and what it would read now; with `INCREMENTAL` the operators that keep a view up to
//! date; with `ANALYZE` what running the query took.

use std::sync::Arc;

use futures::TryStreamExt;
use highwater_api::{Answer, ApiError, ErrorKind, SqlLimits};
use highwater_model::ObjectName;
use highwater_sql::datafusion::logical_expr::LogicalPlan;
use highwater_sql::datafusion::physical_plan::display::DisplayableExecutionPlan;
use highwater_sql::datafusion::physical_plan::displayable;
use highwater_sql::{EntryKind, Explain, ExplainTarget, NameRef, Statement, ViewRead};
use highwater_views::{ViewPlan, ViewSpec};
use tokio::time::Instant;

use super::execute::prepare;
use super::relations::unbound_relations;
use super::table::{Table, answer};
use crate::core::Core;
use crate::error::{EngineError, catalog_error};
use crate::jobs::stored_spec;
use crate::status::{lags, view_statuses};

/// Explains a statement or view; the rows are lines of text in the column `plan`.
pub(crate) async fn explain(
    core: &Arc<Core>,
    explain: &Explain,
    text: &str,
    schema: &str,
    limits: &SqlLimits,
) -> Result<Answer, ApiError> {
    let lines = match &explain.inner {
        ExplainTarget::View(name) if explain.incremental => stored_view(core, name, schema).await?,
        ExplainTarget::View(name) => {
            let plan = plan_of_read(core, name, schema)?;
            run_once(core, plan, text, limits, explain.analyze).await?
        }
        ExplainTarget::Statement(statement) => match statement.as_ref() {
            Statement::CreateMaterializedView(_) => incremental(core, statement, text, schema)?,
            _ if explain.incremental => incremental(core, statement, text, schema)?,
            other => {
                let plan = plan_of_statement(core, other, text, schema)?;
                if explain.analyze && !other.is_read_only() {
                    let message = "EXPLAIN ANALYZE runs a statement, and this one would change rows";
                    return Err(ApiError::new(ErrorKind::Unsupported, message).with_hint("leave ANALYZE out"));
                }
                run_once(core, plan, text, limits, explain.analyze).await?
            }
        },
    };
    Ok(answer(core, Table::default().text("plan", lines).rows()?))
}

/// The plan of a read of all rows of a relation.
fn plan_of_read(core: &Arc<Core>, name: &NameRef, schema: &str) -> Result<LogicalPlan, ApiError> {
    let catalog = core.catalog.read();
    let found = catalog.find(name.schema.as_deref(), &name.name, schema).map_err(|error| catalog_error(&error))?;
    Ok(core.planner.plan_view_read(found, ViewRead::default(), &catalog, &unbound_relations(core))?)
}

/// The plan of a statement that is run once.
fn plan_of_statement(
    core: &Arc<Core>,
    statement: &Statement,
    text: &str,
    schema: &str,
) -> Result<LogicalPlan, ApiError> {
    let catalog = core.catalog.read();
    let (planner, relations) = (&core.planner, unbound_relations(core));
    Ok(match statement {
        Statement::Query(query) => planner.plan(&query.query, text, &catalog, schema, &relations)?,
        Statement::CreateView(create) => planner.plan(&create.query, text, &catalog, schema, &relations)?,
        Statement::Insert(insert) => planner.plan_insert(insert, text, &catalog, schema, &relations)?.plan,
        Statement::Update(update) => planner.plan_update(update, text, &catalog, schema, &relations)?.plan,
        Statement::Delete(delete) => planner.plan_delete(delete, text, &catalog, schema, &relations)?.plan,
        other => return Err(no_plan(other)),
    })
}

fn no_plan(statement: &Statement) -> ApiError {
    let message = format!("{} has no plan to explain", statement.tag());
    ApiError::new(ErrorKind::InvalidInput, message)
        .with_hint("explain a query, an INSERT, UPDATE or DELETE, or a CREATE MATERIALIZED VIEW")
}

/// The optimized plan, what it reads now, and, when it is run, what each operator did.
async fn run_once(
    core: &Arc<Core>,
    plan: LogicalPlan,
    text: &str,
    limits: &SqlLimits,
    analyze: bool,
) -> Result<Vec<String>, ApiError> {
    let started = Instant::now();
    let prepared = prepare(core, plan, text, limits).await?;
    let mut lines = split(&prepared.optimized.display_indent().to_string());
    lines.extend(prepared.bound.reads.iter().map(|read| format!("-- {read}")));
    if !analyze {
        lines.push("-- executed as".to_owned());
        lines.extend(split(&displayable(prepared.physical.as_ref()).indent(false).to_string()));
        return Ok(lines);
    }
    let planned = started.elapsed();
    let mut rows = prepared.rows(limits, started.checked_add(limits.timeout))?;
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        count += batch.num_rows();
    }
    lines.push(format!("-- {count} rows, planned in {planned:?}, run in {:?}", started.elapsed() - planned));
    let measured = DisplayableExecutionPlan::with_metrics(prepared.physical.as_ref());
    lines.extend(split(&measured.indent(false).to_string()));
    Ok(lines)
}

/// The operators that would keep a query up to date.
fn incremental(core: &Core, statement: &Statement, text: &str, schema: &str) -> Result<Vec<String>, ApiError> {
    let catalog = core.catalog.read();
    let (query, names, name, retain) = match statement {
        Statement::Query(query) => (&query.query, [].as_slice(), ObjectName::new(schema, "query"), None),
        Statement::CreateMaterializedView(create) => {
            (&create.query, create.columns.as_slice(), create.name.in_schema(schema), create.retain.clone())
        }
        Statement::CreateView(create) => {
            (&create.query, create.columns.as_slice(), create.name.in_schema(schema), None)
        }
        other => {
            let message = format!("EXPLAIN INCREMENTAL explains queries and views, not {}", other.tag());
            return Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint("leave INCREMENTAL out"));
        }
    };
    let planned = core.planner.plan_for_view(query, text, names, &catalog, schema)?;
    operators(&ViewSpec { id: catalog.next_id(), name, plan: planned.plan, retain })
}

fn operators(spec: &ViewSpec) -> Result<Vec<String>, ApiError> {
    Ok(ViewPlan::new(spec).map_err(EngineError::from)?.explain())
}

/// The operators of a view that is there, and how it is doing.
async fn stored_view(core: &Core, name: &NameRef, schema: &str) -> Result<Vec<String>, ApiError> {
    let id = {
        let catalog = core.catalog.read();
        let found = catalog.find(name.schema.as_deref(), &name.name, schema).map_err(|error| catalog_error(&error))?;
        if !matches!(found.kind, EntryKind::MaterializedView { .. }) {
            let message = format!("{} is a {}: nothing keeps it up to date", found.name, found.kind.noun());
            return Err(ApiError::new(ErrorKind::InvalidInput, message)
                .with_hint("name a materialized view, or write EXPLAIN INCREMENTAL SELECT …"));
        }
        found.id
    };
    let placed = core.tick.run(move |ticker| ticker.flow.plan(id).map(ViewPlan::explain)).await?;
    let mut lines = match placed {
        Some(lines) => lines,
        // One that is not in place yet holds nothing yet.
        None => operators(
            &stored_spec(core, id)
                .ok_or_else(|| ApiError::internal(format!("the stored query of {name} cannot be planned any more")))?,
        )?,
    };
    let catalog = core.catalog.read();
    if let Some(view) = view_statuses(core, &catalog, &lags(core)).get(&id) {
        let state = super::system::state_name(view);
        lines.push(format!("-- {state}: {} rows, {} bytes, {} events behind", view.rows, view.bytes, view.lag));
        lines.extend(view.error.iter().map(|error| format!("-- last error: {error}")));
    }
    Ok(lines)
}

fn split(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
