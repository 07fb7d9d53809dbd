//! SQL expressions over batches: DataFusion's physical expressions, compiled once and evaluated on whole columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::Schema;
use highwater_sql::datafusion::common::DFSchema;
use highwater_sql::datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::logical_expr::execution_props::ExecutionProps;
use highwater_sql::datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use highwater_sql::datafusion::logical_expr::{Expr, Volatility};
use highwater_sql::datafusion::physical_expr::expressions::Column;
use highwater_sql::datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use crate::ViewsError;

/// An expression over the columns of one input.
#[derive(Clone, Debug)]
pub(crate) struct Expression(Arc<dyn PhysicalExpr>);

impl Expression {
    /// Compiles `expr`, whose columns are those of `input`.
    pub(crate) fn compile(expr: &Expr, input: &DFSchema) -> Result<Self, ViewsError> {
        let mut clock = false;
        expr.apply(|expr| {
            clock |=
                matches!(expr, Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable);
            Ok(TreeNodeRecursion::Continue)
        })?;
        if clock {
            return Err(ViewsError::refused(
                expr.human_display().to_string(),
                "its value changes with the clock",
                "compare a time with now() in WHERE, joined to other conditions by AND: ts > now() - INTERVAL '1 hour'",
            ));
        }
        let props = ExecutionProps::new();
        Ok(Self(create_physical_expr(expr, input, &props, &PhysicalPlanningContext::default())?))
    }

    /// The column itself.
    pub(crate) fn column(index: usize, schema: &Schema) -> Self {
        Self(Arc::new(Column::new(schema.field(index).name(), index)))
    }

    /// Compiles several.
    pub(crate) fn compile_all(exprs: &[Expr], input: &DFSchema) -> Result<Vec<Self>, ViewsError> {
        exprs.iter().map(|expr| Self::compile(expr, input)).collect()
    }

    /// One value a row.
    pub(crate) fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, ViewsError> {
        Ok(self.0.evaluate(rows)?.into_array(rows.num_rows())?)
    }

    /// Whether the row passes; NULL does not.
    pub(crate) fn passes(&self, rows: &RecordBatch) -> Result<BooleanArray, ViewsError> {
        let array = self.evaluate(rows)?;
        let mask = array
            .as_boolean_opt()
            .ok_or_else(|| ViewsError::Invariant(format!("a condition gave {}", array.data_type())))?;
        Ok(match mask.nulls() {
            Some(_) => arrow_select::filter::prep_null_mask_filter(mask),
            None => mask.clone(),
        })
    }
}

/// Evaluates all expressions on the same rows.
pub(crate) fn evaluate_all(expressions: &[Expression], rows: &RecordBatch) -> Result<Vec<ArrayRef>, ViewsError> {
    expressions.iter().map(|expression| expression.evaluate(rows)).collect()
}
