//! A SQL condition over the rows of one relation, for subscriptions.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_select::filter::filter_record_batch;
use highwater_api::{ApiError, ErrorKind};
use highwater_model::ObjectId;
use highwater_sql::datafusion::logical_expr::LogicalPlan;
use highwater_sql::datafusion::logical_expr::execution_props::ExecutionProps;
use highwater_sql::datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use highwater_sql::datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use highwater_sql::{ViewRead, datafusion::common::DataFusionError};

use crate::core::Core;
use crate::query::unbound_relations;

/// Keeps the rows that pass.
pub(crate) struct RowFilter(Arc<dyn PhysicalExpr>);

impl RowFilter {
    /// The condition `text` over the rows of an object.
    pub(crate) fn new(core: &Arc<Core>, id: ObjectId, text: &str) -> Result<Self, ApiError> {
        let catalog = core.catalog.read();
        let entry = catalog.get(id).ok_or_else(|| ApiError::new(ErrorKind::NotFound, "the view is gone"))?;
        let read = ViewRead { filter: Some(text), ..ViewRead::default() };
        let relations = unbound_relations(core);
        let plan = core.planner.plan_view_read(entry, read, &catalog, &relations)?;
        let plan = core.planner.session_state().analyzer().execute_and_check(
            plan,
            core.planner.session_state().config_options(),
            |_, _| {},
        );
        let plan = plan.map_err(|error| invalid(&error))?;
        let Some((predicate, schema)) = predicate(&plan) else {
            return Err(ApiError::internal("a filter planned to none"));
        };
        let props = ExecutionProps::new();
        let physical = create_physical_expr(&predicate, &schema, &props, &PhysicalPlanningContext::default());
        Ok(Self(physical.map_err(|error| invalid(&error))?))
    }

    /// The rows that pass; NULL does not.
    pub(crate) fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch, ApiError> {
        let mask = self.0.evaluate(rows).and_then(|value| value.into_array(rows.num_rows()));
        let mask = mask.map_err(|error| invalid(&error))?;
        let mask = mask.as_boolean_opt().ok_or_else(|| ApiError::internal("a filter gave no truth value"))?;
        filter_record_batch(rows, mask).map_err(|error| ApiError::internal(error.to_string()))
    }
}

/// The plan's condition, over the columns of its scan.
fn predicate(
    plan: &LogicalPlan,
) -> Option<(highwater_sql::datafusion::logical_expr::Expr, highwater_sql::datafusion::common::DFSchemaRef)> {
    match plan {
        LogicalPlan::Filter(filter) => Some((filter.predicate.clone(), filter.input.schema().clone())),
        other => other.inputs().into_iter().find_map(predicate),
    }
}

fn invalid(error: &DataFusionError) -> ApiError {
    ApiError::new(ErrorKind::InvalidInput, format!("the filter cannot be evaluated: {error}"))
}
