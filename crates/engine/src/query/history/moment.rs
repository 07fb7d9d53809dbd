//! Stopping the clock: `now()` in a view's filters becomes the time of the version that is computed again.

use highwater_api::{ApiError, ErrorKind};
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNode};
use highwater_sql::datafusion::common::{DFSchema, ScalarValue};
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

/// A plan node whose `now()` is this time, in microseconds since 1970 UTC.
///
/// # Errors
/// When it looks at the clock and the time is not known.
pub(super) fn at(node: LogicalPlan, clock_micros: Option<i64>) -> Result<LogicalPlan> {
    let stop = |expr: Expr| {
        let is_now = matches!(&expr, Expr::ScalarFunction(call) if call.func.name() == "now");
        if !is_now {
            return Ok(Transformed::no(expr));
        }
        let clock_micros = clock_micros.ok_or_else(|| {
            let message = "a view that looks at the clock cannot be told by offsets alone";
            let error = ApiError::new(ErrorKind::InvalidInput, message);
            DataFusionError::External(Box::new(error.with_hint("write AS OF a time, or AS OF MARK")))
        })?;
        let time = ScalarValue::TimestampNanosecond(Some(clock_micros.saturating_mul(1_000)), Some("UTC".into()));
        Ok(Transformed::yes(Expr::Literal(time.cast_to(&expr.get_type(&DFSchema::empty())?)?, None)))
    };
    Ok(node.map_expressions(|expr| expr.transform(stop))?.data)
}
