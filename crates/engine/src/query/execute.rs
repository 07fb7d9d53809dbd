//! Running queries: plan, optimize, bind to the current version, execute within the request's limits.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::TryStreamExt;
use highwater_api::{Answer, ApiError, ErrorKind, RowStream, SqlLimits};
use highwater_sql::QueryStatement;
use highwater_sql::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use highwater_sql::datafusion::execution::memory_pool::GreedyMemoryPool;
use highwater_sql::datafusion::execution::runtime_env::RuntimeEnvBuilder;
use highwater_sql::datafusion::execution::{SessionState, TaskContext};
use highwater_sql::datafusion::logical_expr::LogicalPlan;
use highwater_sql::datafusion::logical_expr::execution_props::ExecutionProps;
use highwater_sql::datafusion::physical_plan::{ExecutionPlan, execute_stream};
use tokio::time::Instant;

use super::bind::{Bound, bind};
use super::errors::{out_of_memory, query_error};
use super::history::is_settled;
use super::limits::{LimitedRows, timed_out};
use super::relations::unbound_relations;
use super::scan_archive;
use crate::core::Core;

/// Rows below which one thread does all: handing rows between threads would cost more than it saves.
const FEW_ROWS: usize = 10_000;

/// Runs a query; `text` is what it was parsed from, `schema` where unqualified names are looked up first.
pub(crate) async fn run_query(
    core: &Arc<Core>,
    query: &QueryStatement,
    text: &str,
    schema: &str,
    limits: &SqlLimits,
) -> Result<Answer, ApiError> {
    let plan = || {
        let catalog = core.catalog.read();
        core.planner.plan(&query.query, text, &catalog, schema, &unbound_relations(core))
    };
    match run_text(core, plan()?, text, limits).await {
        // What it reads was changed while it was planned, which is over now.
        Err(error) if error.kind == ErrorKind::Conflict => run_text(core, plan()?, text, limits).await,
        outcome => outcome,
    }
}

/// Runs a plan made over [`unbound_relations`] and gathers its rows, which count towards the memory limit.
pub(crate) async fn collect_plan(
    core: &Arc<Core>,
    plan: LogicalPlan,
    limits: &SqlLimits,
) -> Result<Vec<RecordBatch>, ApiError> {
    let mut answer = run_text(core, plan, "", limits).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = answer.rows.try_next().await? {
        bytes += batch.get_array_memory_size() as u64;
        if bytes > limits.max_memory_bytes {
            return Err(out_of_memory(limits));
        }
        rows.push(batch);
    }
    Ok(rows)
}

/// Runs a plan; what the optimizer finds wrong is shown in `text`.
pub(super) async fn run_text(
    core: &Arc<Core>,
    plan: LogicalPlan,
    text: &str,
    limits: &SqlLimits,
) -> Result<Answer, ApiError> {
    let deadline = Instant::now().checked_add(limits.timeout);
    let prepared = prepare(core, plan, text, limits);
    let prepared = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, prepared).await.map_err(|_| timed_out(limits))??,
        None => prepared.await?,
    };
    let version = prepared.bound.version.clone();
    let rows = prepared.rows(limits, deadline)?;
    Ok(Answer { schema: prepared.physical.schema(), rows, version })
}

/// A query ready to be executed.
pub(super) struct Prepared {
    pub(super) optimized: LogicalPlan,
    pub(super) bound: Bound,
    pub(super) physical: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
}

impl Prepared {
    /// Its rows.
    pub(super) fn rows(&self, limits: &SqlLimits, deadline: Option<Instant>) -> Result<RowStream, ApiError> {
        let rows = execute_stream(Arc::clone(&self.physical), Arc::clone(&self.task));
        let rows = rows.map_err(|error| query_error(error, limits))?;
        Ok(Box::pin(LimitedRows::new(rows, *limits, deadline)))
    }
}

/// Optimizes a plan, binds it to the current version and chooses how to execute it.
pub(super) async fn prepare(
    core: &Arc<Core>,
    plan: LogicalPlan,
    text: &str,
    limits: &SqlLimits,
) -> Result<Prepared, ApiError> {
    let mut state = session(core);
    let optimized = state.optimize(&plan).map_err(|error| {
        // The planner knows how to show it in the user's text.
        match core.planner.explain(&plan, text) {
            Err(found) if !text.is_empty() => found.into(),
            _ => query_error(error, limits),
        }
    })?;
    if is_settled(&optimized) {
        state.config_mut().options_mut().execution.target_partitions = 1;
    }
    let mut bound = bind(core, optimized.clone(), state.config().target_partitions())?;
    if bound.rows.is_some_and(|rows| rows <= FEW_ROWS) {
        state.config_mut().options_mut().execution.target_partitions = 1;
    }
    let physical = state.query_planner().create_physical_plan(&bound.plan, &state).await;
    let physical = physical.map_err(|error| query_error(error, limits))?;
    // The executable plan holds the rows now.
    bound.plan = LogicalPlan::default();
    let task = task(core, &state, limits).map_err(|error| query_error(error, limits))?;
    Ok(Prepared { optimized, bound, physical, task })
}

/// A session in which `now()` is the engine's time.
pub(super) fn session(core: &Core) -> SessionState {
    let mut state = core.planner.session_state();
    let now = chrono::DateTime::from_timestamp_micros(core.clock.now_micros()).unwrap_or_default();
    let mut props = ExecutionProps::new().with_query_execution_start_time(now);
    props.config_options = Some(Arc::clone(state.config_options()));
    *state.execution_props_mut() = props;
    // Nothing is spilled to disk, so nothing need be kept back for merging what was.
    state.config_mut().options_mut().execution.sort_spill_reservation_bytes = 0;
    state
}

/// What operators run in: memory up to the limit, no disk.
fn task(
    core: &Core,
    state: &SessionState,
    limits: &SqlLimits,
) -> highwater_sql::datafusion::error::Result<Arc<TaskContext>> {
    let memory = usize::try_from(limits.max_memory_bytes).unwrap_or(usize::MAX);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()?;
    if let Some(archives) = &core.archives {
        scan_archive::register(archives, &runtime)?;
    }
    Ok(Arc::new(TaskContext::default().with_session_config(state.config().clone()).with_runtime(runtime)))
}
