//! Running a plan over history: in the background, within a limit of memory beyond which rows are put aside on disk.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use highwater_api::{ApiError, ErrorKind, RowStream, SqlLimits};
use highwater_sql::datafusion::error::Result;
use highwater_sql::datafusion::execution::TaskContext;
use highwater_sql::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use highwater_sql::datafusion::execution::memory_pool::FairSpillPool;
use highwater_sql::datafusion::execution::runtime_env::RuntimeEnvBuilder;
use highwater_sql::datafusion::logical_expr::LogicalPlan;
use highwater_sql::datafusion::physical_plan::execute_stream;

use super::super::bind::bind;
use super::super::errors::query_error;
use super::super::execute::session;
use super::super::scan_archive;
use super::relation::is_settled;
use crate::core::Core;

/// What a computation over history may use.
#[derive(Clone, Debug)]
pub(crate) struct Evaluation {
    /// Bytes of memory that operators hold at most, apart from joins by hash, which cannot put anything aside.
    pub(crate) memory_bytes: u64,
    /// Where rows are put aside.
    pub(crate) spill: PathBuf,
    /// Join by sorting, which holds less and takes longer.
    pub(crate) sort_joins: bool,
}

/// Runs a plan whose leaves say which events they read. Dropping the rows stops it.
///
/// # Errors
/// When the plan cannot be run, or history is missing.
pub(crate) async fn evaluate(core: &Core, plan: LogicalPlan, with: &Evaluation) -> Result<RowStream, ApiError> {
    let limits = SqlLimits { max_memory_bytes: with.memory_bytes, ..SqlLimits::default() };
    let failed = |error| query_error(error, &limits);
    let mut state = session(core);
    let options = state.config_mut().options_mut();
    options.execution.sort_spill_reservation_bytes = usize::try_from(with.memory_bytes / 16).unwrap_or(usize::MAX);
    options.optimizer.prefer_hash_join = !with.sort_joins;
    if is_settled(&plan) {
        options.execution.target_partitions = 1;
    }
    let optimized = state.optimize(&plan).map_err(failed)?;
    let bound = bind(core, optimized, state.config().target_partitions())?;
    let physical = state.query_planner().create_physical_plan(&bound.plan, &state).await.map_err(failed)?;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(usize::try_from(with.memory_bytes).unwrap_or(usize::MAX))))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![with.spill.clone()])),
        )
        .build_arc()
        .map_err(failed)?;
    if let Some(archives) = &core.archives {
        scan_archive::register(archives, &runtime).map_err(failed)?;
    }
    let task = Arc::new(TaskContext::default().with_session_config(state.config().clone()).with_runtime(runtime));
    let rows = execute_stream(physical, task).map_err(failed)?;
    Ok(rows.map(move |rows| rows.map_err(|error| explained(query_error(error, &limits)))).boxed())
}

/// An error of a computation that nobody wrote a query for.
fn explained(error: ApiError) -> ApiError {
    match error.kind {
        ErrorKind::TooLarge => {
            ApiError { hint: Some("give audits more memory: batch_memory in the settings".to_owned()), ..error }
        }
        _ => error,
    }
}
